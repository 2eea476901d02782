"""How the list of connections is looked at: which of its columns, and in which order."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from jackfield.store.listing import Sort


class ListColumn(StrEnum):
    """What a list can say of a connection, left to right."""

    NAME = "name"
    PROVIDER = "provider"
    METHOD = "method"
    SCOPE = "scope"
    STATE = "state"
    EXPIRY = "expiry"
    TESTED = "tested"
    ID = "id"


ALWAYS: Final = frozenset({ListColumn.NAME, ListColumn.STATE})
"""A row without them would say nothing."""
SHIPPED: Final = tuple(column for column in ListColumn if column not in (ListColumn.METHOD, ListColumn.ID))


@dataclass(frozen=True, slots=True)
class ListView:
    """The columns, left to right, and the order of the rows."""

    columns: tuple[ListColumn, ...] = SHIPPED
    sort: Sort = Sort.NAME
    descending: bool = False

    def with_columns(self, names: Iterable[str]) -> Self:
        """The same with these columns, and with those that are always shown; what is no column is passed over."""
        wanted = {*names, *ALWAYS}
        columns = tuple(column for column in ListColumn if column in wanted)
        return type(self)(columns, self.sort, self.descending)

    def next_order(self) -> Self:
        """Ordered by what comes after this, rising."""
        sorts = list(Sort)
        return type(self)(self.columns, sorts[(sorts.index(self.sort) + 1) % len(sorts)])

    def reversed(self) -> Self:
        """Ordered the other way round."""
        return type(self)(self.columns, self.sort, not self.descending)

    def as_kept(self) -> list[object]:
        """As the settings keep it."""
        return [list(self.columns), self.sort.value, self.descending]

    @classmethod
    def of_kept(cls, kept: object) -> Self:
        """What was kept, as far as it can be read; else as shipped."""
        match kept:
            case [list(names), str(sort), bool(descending)] if sort in set(Sort):
                return cls((), Sort(sort), descending).with_columns(name for name in names if isinstance(name, str))
        return cls()
