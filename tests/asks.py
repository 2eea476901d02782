"""What users of such programs ask for, read from asks.yaml: the data of a page of the manual."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from threats import Built


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One row. `tests` are pytest's node ids below tests/; `limits` says what is not met or not shown by a test."""

    id: str
    ask: str
    met: str
    built: Built
    limits: str = ""
    tests: tuple[str, ...]


def load_asks() -> tuple[Ask, ...]:
    """Every ask, in the order of the file."""
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return tuple(Ask(**row | {"built": Built(row["built"]), "tests": tuple(row["tests"])}) for row in rows)


ASKS = load_asks()
