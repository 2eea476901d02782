"""What was thought of that could go wrong, read from threats.yaml: the data of a page of the manual."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml


class Built(StrEnum):
    """How far the control exists. A control that is built may have limits, too."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"

    @property
    def words(self) -> str:
        return {"yes": "built", "partly": "partly built", "no": "not built"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """One row. `tests` are pytest's node ids below tests/."""

    id: str
    threat: str
    control: str
    built: Built
    parameters: str = ""
    limits: str = ""
    tests: tuple[str, ...] = ()


def load_threats() -> tuple[Threat, ...]:
    """Every threat, in the order of the file."""
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return tuple(Threat(**row | {"built": Built(row["built"]), "tests": tuple(row.get("tests", ()))}) for row in rows)


THREATS = load_threats()
