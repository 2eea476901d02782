"""What the interface costs at its start and at rest: `python tests/benchmarks/face_bench.py [--runs 5]`.

Against a bare Textual application with a list and a footer, alternately in one run. Prints figures and ratios, and
asserts none. What its lists cost is in `list_bench.py`.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.terminal import Terminal

_BARE = """
from textual.app import App
from textual.widgets import DataTable, Footer, Header
class Bare(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Header(); yield DataTable(); yield Footer()
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("name", "state")
        table.add_rows([(f"row {number}", "passed") for number in range(30)])
Bare().run()
"""
_SIZE = {"columns": 120, "lines": 40}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home:
        _starts(home, runs)


def _starts(home: str, runs: int) -> None:
    """Milliseconds from exec to the whole first screen, memory then, and what rest costs."""
    python = sys.executable
    commands = {
        "bare Textual": ([python, "-c", _BARE], "row 20"),
        "jackfield": ([python, "-m", "jackfield", "--home", f"{home}/new"], "ctrl+p all actions"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    rest: dict[str, tuple[float, int]] = {}
    memory: dict[str, float] = {}
    for turn in range(runs + 1):  # the first turn warms the caches and does not count
        for name, (command, marker) in commands.items():
            begun = monotonic()
            with Terminal(command, **_SIZE) as terminal:
                terminal.wait_for(marker)
                if turn:
                    times[name].append((monotonic() - begun) * 1000)
                if turn == runs:
                    terminal.settle(1.0)
                    memory[name], rest[name] = terminal.rss_mib(), _rest(terminal, 5.0)
    print(
        "| start | ms (median) | ratio | RSS MiB | rest: CPU ms/s | ratio | rest: bytes |",
        "|---|---|---|---|---|---|---|",
        sep="\n",
    )
    base, base_cpu = statistics.median(times["bare Textual"]), rest["bare Textual"][0]
    for name in commands:
        middle, (cpu, written) = statistics.median(times[name]), rest[name]
        ratio = f"{cpu / base_cpu:.2f}" if base_cpu else "–"
        print(f"| {name} | {middle:.0f} | {middle / base:.2f} | {memory[name]:.0f} | {cpu:.1f} | {ratio} | {written} |")


def _rest(terminal: Terminal, seconds: float) -> tuple[float, int]:
    """Processor milliseconds a second, and bytes, over a time in which nobody types."""
    before, written, end = terminal.cpu_ms(), len(terminal.raw), monotonic() + seconds
    while (left := end - monotonic()) > 0:
        terminal.read(left)
    return (terminal.cpu_ms() - before) / seconds, len(terminal.raw) - written


if __name__ == "__main__":
    main()
