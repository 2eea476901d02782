"""Connections by position, over pages that are read by key, and the table that shows them."""

from asyncio import Lock, to_thread
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from jackfield.model.connection import ConnectionSummary, Scope, State
from jackfield.services.connections import ConnectionList, Connections, Filter, Sort
from jackfield.services.list_view import ListColumn, ListView
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.tui.screens.connections_columns import chooser, columns
from jackfield.tui.screens.connections_place import NOWHERE, Shown, describe
from jackfield.tui.widgets import paged_list
from jackfield.tui.widgets.choose_many import ChooseMany
from jackfield.tui.widgets.lines import Span
from jackfield.tui.widgets.paged_list import PagedList

KEYS: Final = (
    *("connection.new", "connection.test", "list.open", "connection.filter", "connection.scope", "list.mark"),
    *(
        "connection.delete",
        "connection.change",
        "connection.edit",
        "connection.sort",
        "connection.test-all",
        "app.lock",
    ),
)
WORDS: Final = {"connection.scope": "place", "connection.test-all": "test all", "connection.change": "change"}
"""The line of keys under the list, and what it calls them."""


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


class ConnectionTable(PagedList[ConnectionSummary]):
    """The connections of a place, as they are filtered and looked at now. What changes is shown by `read`."""

    def __init__(self, session: Session, testing: Collection[str]) -> None:
        self.place = NOWHERE
        self.filter = Filter()
        self.holding = ""  # the digest of a secret; with one, only connections that hold it are listed
        self._session = session
        self._settings = Settings(session.store)
        self._automatic_tests = True
        self._view = ListView()
        self._keeping = Lock()
        self._every = columns(session.registry.name, self._scope_of, testing)
        super().__init__(
            [self._every[name] for name in self._view.columns],
            row_id=lambda row: row.id,
            multiple=True,
            sort=paged_list.Sort(Sort.NAME),
        )

    # How it is looked at

    @property
    def view(self) -> ListView:
        """Its columns and its order."""
        return self._view

    @view.setter
    def view(self, view: ListView) -> None:
        if view.columns != self._view.columns:
            self.show_columns([self._every[name] for name in view.columns])
        self._view = view

    async def recall(self) -> None:
        """Be about the place where it was left, and looked at as it was there."""
        self.place, self.view = await to_thread(self._left)

    def _left(self) -> tuple[Shown, ListView]:
        return describe(self._session, self._settings.place()), self._settings.list_view()

    async def keep_view(self) -> None:
        """Be looked at like this after the next start, too."""
        async with self._keeping:  # one after the other: the last one is the present one
            await to_thread(self._settings.keep_list_view, self._view)

    def columns_chooser(self) -> ChooseMany:
        """The question which columns to show."""
        return chooser(self._every, self._view.columns, self.drawn_columns)

    def note(self, *, running: int) -> Span:
        """What the rows do not say themselves: an order that no header shows, how many are tested now, and the like."""
        order = f"by {self._every[ListColumn(self._view.sort)].title.lower()} {'↓' if self._view.descending else '↑'}"
        shown = any(column.sort == self._view.sort for column in self.drawn_columns)
        words = (
            "" if self._automatic_tests else "▲ automatic tests paused",
            "" if shown else order,
            "that hold the secret" if self.holding else "",
            f"{running} running" if running else "",
            f"{len(self.marked)} marked" if self.marked else "",
        )
        return Span(" · ".join(filter(None, words)), "muted" if self._automatic_tests else "limited")

    # What is listed

    def read(self, *, keep: bool = True, row_id: str | None = None) -> None:
        """Read the rows anew; `keep` and `row_id` say which one is highlighted then, as in `load`."""
        self.load(
            self.rows(),
            sort=paged_list.Sort(self._view.sort, self._view.descending),
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
        place, view = self.place, self._view
        wanted = ConnectionList(place.organization_id, place.project_id, self._narrowed, view.sort, view.descending)
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
        await to_thread(self._settings.keep_place, self.place.scope)
        return True

    async def counts(self) -> dict[State, int]:
        """How many connections of the place are in each state, whatever the filter. Reads what `note` says, too."""
        place, counts = self.place, self._session.connections.counts
        self._automatic_tests = await to_thread(self._settings.automatic_tests)
        return await to_thread(counts, organization_id=place.organization_id, project_id=place.project_id)

    def _scope_of(self, row: ConnectionSummary) -> str:
        return self.place.scope_of(row)

    @property
    def is_moved_by_tests(self) -> bool:
        """Whether a test may change which rows are listed, or where."""
        return self._narrowed != Filter() or self._view.sort not in (Sort.NAME, Sort.PROVIDER)
