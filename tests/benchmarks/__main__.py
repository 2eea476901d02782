"""Every benchmark, one after the other: `python -m tests.benchmarks`."""

import subprocess
import sys
from pathlib import Path

for script in sorted(Path(__file__).parent.glob("*_bench.py")):
    print(f"\n## {script.stem.removesuffix('_bench')}\n", flush=True)
    subprocess.run([sys.executable, str(script)], check=True)
