"""Connections by position, over pages that are read by key, and how one of them looks in a line."""

from asyncio import to_thread
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from jackfield.model.connection import ConnectionSummary, Scope, State
from jackfield.services.connections import ConnectionList, Connections, Filter, Sort
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.tui.screens.connections_place import NOWHERE, describe
from jackfield.tui.symbols import PARTLY, RUNNING, Mark, state_mark
from jackfield.tui.times import ago, left
from jackfield.tui.widgets import paged_list
from jackfield.tui.widgets.lines import Span
from jackfield.tui.widgets.paged_list import Column, PagedList

TESTING: Final = Mark("testing", RUNNING.symbol, RUNNING.ascii, RUNNING.tone)


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is ordered by."""

    sort: Sort = Sort.NAME
    descending: bool = False

    def next(self) -> "Order":
        """The one after this, rising."""
        sorts = list(Sort)
        return Order(sorts[(sorts.index(self.sort) + 1) % len(sorts)])

    def reversed(self) -> "Order":
        return Order(self.sort, not self.descending)

    @property
    def is_by_definition(self) -> bool:
        """Whether no test changes where a row stands."""
        return self.sort in (Sort.NAME, Sort.PROVIDER)

    @property
    def marked(self) -> paged_list.Sort:
        """The same for the list's header."""
        return paged_list.Sort(self.sort, self.descending)


class ConnectionRows:
    """The rows of one list. A page is read next to a row that is known, else counted from the nearer end."""

    def __init__(self, connections: Connections, wanted: ConnectionList) -> None:
        self._connections = connections
        self._wanted = wanted
        self._count = 0
        self._edges: dict[int, ConnectionSummary] = {}  # first and last rows of the pages read so far, by position

    def count(self) -> int:
        self._count = self._connections.count(self._wanted)
        return self._count

    def page(self, start: int, limit: int) -> tuple[ConnectionSummary, ...]:
        limit = min(limit, self._count - start)
        rows = self._read(start, limit) if limit > 0 else ()
        if rows:
            self._edges |= {start: rows[0], start + len(rows) - 1: rows[-1]}
        return rows

    def position(self, row_id: str) -> int | None:
        return self._connections.position(self._wanted, row_id)

    def ids(self) -> list[str]:
        """The id of every row, read page by page."""
        found: list[str] = []
        rows = self._connections.page(self._wanted)
        while rows:
            found += [row.id for row in rows]
            rows = self._connections.page(self._wanted, after=rows[-1])
        return found

    def _read(self, start: int, limit: int) -> tuple[ConnectionSummary, ...]:
        page, wanted = self._connections.page, self._wanted
        if (above := self._edges.get(start - 1)) is not None:
            return page(wanted, after=above, limit=limit)
        if (below := self._edges.get(start + limit)) is not None:
            return page(wanted, before=below, limit=limit)
        behind = self._count - start - limit
        if behind < start:
            return page(wanted, last=True, skip=behind, limit=limit)
        return page(wanted, skip=start, limit=limit)


def columns(
    provider_name: Callable[[str], str], scope: Callable[[ConnectionSummary], str], testing: Collection[str]
) -> tuple[Column[ConnectionSummary], ...]:
    """The columns of the list; connections whose ids are in `testing` show that instead of their state."""

    def state(row: ConnectionSummary) -> Span:
        mark = TESTING if row.id in testing else state_mark(row.state, row.failure_kind, row.unverified)
        return Span(f"{mark} ({row.unverified})" if mark is PARTLY else str(mark), mark.tone)

    def expiry(row: ConnectionSummary) -> Span:
        text = left(row.expires_at)
        return Span(text, "failed" if text == "expired" else "muted" if row.expires_at is None else "")

    return (
        Column("Name", lambda row: Span(row.name), share=8, sort=Sort.NAME),
        Column("Provider", lambda row: Span(provider_name(row.provider)), share=5, sort=Sort.PROVIDER),
        Column("Scope", lambda row: Span(scope(row), "muted"), share=4),
        Column("State", state, width=14, sort=Sort.STATE),
        Column("Expiry", expiry, width=8, sort=Sort.EXPIRY),
        Column("Tested", lambda row: Span(ago(row.tested_at), "muted"), width=8, sort=Sort.TESTED),
    )


class ConnectionTable(PagedList[ConnectionSummary]):
    """The connections of a place, as they are filtered and ordered now. What changes is shown by `read`."""

    def __init__(self, session: Session, testing: Collection[str]) -> None:
        self.place = NOWHERE
        self.filter = Filter()
        self.order = Order()
        self.holding = ""  # the digest of a secret; with one, only connections that hold it are listed
        self._session = session
        super().__init__(
            columns(session.registry.name, self._scope_of, testing),
            row_id=lambda row: row.id,
            multiple=True,
            sort=self.order.marked,
        )

    def read(self, *, keep: bool = True, row_id: str | None = None) -> None:
        """Read the rows anew; `keep` and `row_id` say which one is highlighted then, as in `load`."""
        self.load(
            self.rows(),
            sort=self.order.marked,
            empty=self.place.when_empty(filtered=self._narrowed != Filter()),
            keep=keep,
            row_id=row_id,
        )

    def let_go(self) -> None:
        """List those again that do not hold the secret; where none was asked for, forget the marks."""
        if self.holding:
            self.holding = ""
            self.read()
        else:
            self.clear_marks()

    def rows(self) -> ConnectionRows:
        """All that is listed now."""
        place, order = self.place, self.order
        wanted = ConnectionList(place.organization_id, place.project_id, self._narrowed, order.sort, order.descending)
        return ConnectionRows(self._session.connections, wanted)

    def chosen(self) -> list[str]:
        """Ids of the marked connections, or else of the highlighted one."""
        if self.marked:
            return sorted(self.marked)
        row = self.highlighted
        return [row.id] if row is not None else []

    @property
    def _narrowed(self) -> Filter:
        return replace(self.filter, secret_digest=self.holding)

    async def go_to(self, scope: Scope | None) -> bool:
        """Be about this place, or the one around it when it is gone, and keep that; False where it is no other."""
        before = self.place.scope
        self.place = await to_thread(describe, self._session, scope)
        if self.place.scope == before:
            return False
        self.clear_marks()
        await to_thread(Settings(self._session.store).keep_place, self.place.scope)
        return True

    async def counts(self) -> dict[State, int]:
        """How many connections of the place are in each state, whatever the filter."""
        place, counts = self.place, self._session.connections.counts
        return await to_thread(counts, organization_id=place.organization_id, project_id=place.project_id)

    def _scope_of(self, row: ConnectionSummary) -> str:
        return self.place.scope_of(row)

    @property
    def is_moved_by_tests(self) -> bool:
        """Whether a test may change which rows are listed, or where."""
        return self._narrowed != Filter() or not self.order.is_by_definition
