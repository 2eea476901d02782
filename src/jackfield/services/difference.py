"""What stands between the rights a credential holds and the least that its uses need."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from jackfield.model.check import Grant, GrantState


class Change(StrEnum):
    """The value is the sign in front of the line."""

    ADD = "+"
    REMOVE = "-"
    KEEP = " "
    LOOK = "?"  # nobody can tell from here whether it is held


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """One permission: what to do about it, and how."""

    change: Change
    permission: str
    how: str

    def __str__(self) -> str:
        return f"{self.change.value} {self.permission}" + (f"   # {self.how}" if self.how else "")


_CHANGES: Final = {
    GrantState.MISSING: Change.ADD,
    GrantState.EXCESS: Change.REMOVE,
    GrantState.GRANTED: Change.KEEP,
    GrantState.IMPLIED: Change.KEEP,
    GrantState.UNKNOWN: Change.LOOK,
    GrantState.UNREADABLE: Change.LOOK,
}
_ORDER: Final = (Change.ADD, Change.REMOVE, Change.LOOK, Change.KEEP)


def difference(grants: Iterable[Grant]) -> tuple[DifferenceLine, ...]:
    """What to add, then what to remove (worst first), what to look at, what to keep; each permission once."""
    lines: dict[tuple[Change, str], DifferenceLine] = {}
    for grant in grants:
        change = _CHANGES[grant.state]
        how = "" if change is Change.KEEP else grant.detail
        lines.setdefault((change, grant.permission), DifferenceLine(change, grant.permission, how))
    return tuple(line for change in _ORDER for line in lines.values() if line.change is change)
