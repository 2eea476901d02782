"""What unlocking and a list of N connections cost in the real program: `python tests/benchmarks/list_bench.py`.

From enter on the passphrase to the painted list, beside Argon2id's own time, and the memory then; afterwards the list
key by key, the filter too, until its last byte. The pane under the list follows when keys rest, and counts for itself.
Prints figures and asserts none. `--runs 5` and `--rows 100 1000` say how much.
"""

import argparse
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.store_bench import fill
from jackfield.services.home import Home
from jackfield.vault.costs import FLOOR
from jackfield.vault.vault import Vault
from support.stage import PASSPHRASE
from support.terminal import KEYS, Latency, Terminal
from support.whole import Filling

_FILTER: Final = "prod-77"
_NAME: Final = re.compile(rb"[a-z]+-[a-z]+-\d+")  # as `fill` makes them
_PAUSE: Final = 0.05  # seconds without a byte before the pane is drawn
_KEYS: Final = (  # what the row is called; keys that are not measured; keys that are
    ("down, no scroll", (), ("down",) * 15),
    ("down, scrolls", ("end", "home", *("down",) * 27), ("down",) * 20),
    ("page down", ("home",), ("pagedown",) * 6),
    ("end", ("home",), ("end",)),
    ("home", ("end",), ("home",)),
    ("mark", ("home",), ("space",) * 5),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1_000, 100_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        homes = {rows: _home(Path(folder, str(rows)), rows) for rows in options.rows}
        print("| rows | Argon2id ms | enter to list ms | beyond Argon2id | RSS MiB |\n|---|---|---|---|---|")
        costs = {rows: _unlock(home, rows, options.runs) for rows, home in homes.items()}
    names = list(next(iter(costs.values())))
    print("\n| key: ms (median), bytes (median) |", " | ".join(f"{rows:,} rows" for rows in costs), "|")
    print("|" + "---|" * (len(costs) + 1))
    for name in names:
        cells = (
            f"{_middle([c.ms for c in cost[name]]):.1f}, {_middle([c.written for c in cost[name]]):.0f}"
            for cost in costs.values()
        )
        print(f"| {name} |", " | ".join(cells), "|")


def _middle(numbers: Sequence[float]) -> float:
    return statistics.median(numbers)


def _home(folder: Path, rows: int) -> Home:
    """A home with so many connections, which the lowest costs allowed open."""
    folder.mkdir()
    filling = Filling.of(folder, FLOOR)
    fill(filling.session.store, rows, organization="big")
    filling.session.lock()
    return filling.home


def _unlock(home: Home, rows: int, runs: int) -> dict[str, list[Latency]]:
    """Print the row of these runs, and give what keys cost in the last."""
    derived, shown, memory = [], [], []
    costs: dict[str, list[Latency]] = {}
    for turn in range(runs + 1):  # the first warms the caches and does not count
        begun = monotonic()
        Vault.unlock(home.folder, PASSPHRASE)
        argon = (monotonic() - begun) * 1000
        with Terminal(
            [sys.executable, "-m", "jackfield", "--home", str(home.folder)], columns=120, lines=40
        ) as terminal:
            terminal.wait_for("ctrl+p all actions")
            terminal.settle(1.0)
            terminal.press(PASSPHRASE.reveal())
            begun, before = monotonic(), len(terminal.raw)
            terminal.send(KEYS["enter"])
            while not _NAME.search(terminal.raw, before):
                terminal.read(1.0)
            if turn:
                derived.append(argon)
                shown.append((monotonic() - begun) * 1000)
            terminal.settle(1.0)
            memory.append(terminal.rss_mib())
            if turn == runs:
                costs = _keys(terminal)
    beyond = _middle(shown) - _middle(derived)
    print(
        f"| {rows:,} | {_middle(derived):.0f} | {_middle(shown):.0f} | {beyond:.0f} | {_middle(memory):.1f} |",
        flush=True,
    )
    return costs


def _keys(terminal: Terminal) -> dict[str, list[Latency]]:
    costs = {}
    for name, before, keys in _KEYS:
        for key in before:
            terminal.press(KEYS[key])
        costs[name] = [_press(terminal, KEYS[key])[0] for key in keys]
    costs["its pane"] = [_press(terminal, KEYS[key])[1] for key in ("home", *("down",) * 9)]
    terminal.press("/")
    costs["filter key"] = [_press(terminal, letter)[0] for letter in _FILTER]
    costs["filter cleared"] = [_press(terminal, KEYS["escape"])[0]]
    return costs


def _press(terminal: Terminal, key: bytes | str) -> tuple[Latency, Latency]:
    """What the list cost until its last byte, and what the pane that followed after a pause did."""
    begun = monotonic()
    terminal.send(key)
    parts: list[list[tuple[float, int]]] = [[]]  # (seconds after the key, bytes), parted by pauses
    while data := terminal.read(0.4):
        at = monotonic() - begun
        if parts[-1] and at - parts[-1][-1][0] > _PAUSE:
            parts.append([])
        parts[-1].append((at, len(data)))
    pane = parts.pop() if len(parts) > 1 else []
    return _cost([chunk for part in parts for chunk in part]), _cost(pane)


def _cost(chunks: Sequence[tuple[float, int]]) -> Latency:
    return Latency(sum(size for _, size in chunks), chunks[-1][0] * 1000 if chunks else 0.0)


if __name__ == "__main__":
    main()
