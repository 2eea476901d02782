"""When credentials end: what has ended, what ends soon, and how many end in each month."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from jackfield.model.connection import ConnectionSummary, Scope
from jackfield.store import listing
from jackfield.store.filter import Expires, Filter
from jackfield.store.listing import ConnectionList, Sort
from jackfield.store.store import Store

SOON: Final = timedelta(days=14)
MONTHS: Final = 12
_ANY: Final = Expires(after=datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Calendar:
    """How many credentials have ended, and end in each month from this one on (its first day, UTC), and after those."""

    ended: int
    months: tuple[tuple[datetime, int], ...]
    later: int

    @property
    def total(self) -> int:
        """All whose end is known."""
        return self.ended + self.later + sum(number for _, number in self.months)


def list_of_ends(place: Scope | None, span: Expires = _ANY) -> ConnectionList:
    """The list of connections that end within a span, the first one first."""
    organization_id, project_id = (place.organization_id, place.project_id) if place else (None, None)
    return ConnectionList(organization_id, project_id, Filter(expires=(span,)), Sort.EXPIRY)


def span_until(end: datetime) -> Expires:
    """What has ended, and what ends before `end`."""
    return Expires(before=end)


class Expiry:
    def __init__(self, store: Store) -> None:
        self._store = store

    def calendar(self, place: Scope | None, *, now: datetime) -> Calendar:
        """The months from `now` on; those of today that have passed count as ended."""
        starts = _months(now)
        with self._store.read() as tx:
            ended, *until = [
                listing.count(tx, list_of_ends(place, span_until(moment))) for moment in (now, *starts[1:])
            ]
            total = listing.count(tx, list_of_ends(place))
        months = tuple(
            (first, after - before) for first, (before, after) in zip(starts, pairwise((ended, *until)), strict=False)
        )
        return Calendar(ended, months, total - until[-1])

    def soon(self, *, now: datetime, within: timedelta = SOON, limit: int = 100) -> tuple[ConnectionSummary, ...]:
        """Those of every place that have ended or end within this time, the first one first."""
        with self._store.read() as tx:
            return listing.page(tx, list_of_ends(None, span_until(now + within)), limit=limit)


def _months(now: datetime) -> list[datetime]:
    """The first moments of this month, of the ones after it, and of the one after those, UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    starts = [first]
    for _ in range(MONTHS):
        starts.append((starts[-1] + timedelta(days=32)).replace(day=1))
    return starts
