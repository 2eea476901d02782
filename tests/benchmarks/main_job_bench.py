"""What the main job takes: `python tests/benchmarks/main_job_bench.py`.

The real program on a terminal, against a PostgreSQL server, from an empty folder to a connection that is tested and
kept: key presses beyond the typed values, seconds, and bytes written. Prints figures, and asserts none.
"""

import contextlib
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.main_job import Keys, do_main_job, rotator, run_program
from support.servers.databases import Postgres
from support.servers.room import ServerRoom


def measure(server: Postgres, folder: Path, *options: str) -> str:
    """One run, as a row of the table."""
    authority = folder / "ca.pem"
    authority.write_text(server.ca_pem)
    with rotator(server) as role, run_program(folder / f"home{''.join(options)}", *options) as terminal:
        keys, started = Keys(terminal), time.perf_counter()
        do_main_job(keys, role, authority)
        seconds = time.perf_counter() - started
        terminal.settle(0.5)
        return f"| {options[0] if options else 'as shipped'} | {keys.pressed} | {seconds:.1f} | {len(terminal.raw):,} |"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(ServerRoom.open()) as room:
        server = room.get(Postgres)
        print("| line | keys | s | bytes |\n|---|---|---|---|")
        print(measure(server, Path(folder)))
        print(measure(server, Path(folder), "--slow-link"))


if __name__ == "__main__":
    main()
