"""Rows that are all in memory, as a list reads them."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Rows(Generic[Row]):
    """A source of a paged list over a sequence."""

    def __init__(self, rows: Sequence[Row], row_id: Callable[[Row], str]) -> None:
        self._rows = tuple(rows)
        self._row_id = row_id

    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def page(self, start: int, limit: int) -> Sequence[Row]:
        """Rows `start` to `start + limit`."""
        return self._rows[start : start + limit]

    def position(self, row_id: str) -> int | None:
        """Where the row of that id stands."""
        return next((number for number, row in enumerate(self._rows) if self._row_id(row) == row_id), None)
