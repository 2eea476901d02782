"""Which credentials end, and when: by month, and one by one, the first one first."""

from asyncio import to_thread
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from textual.app import ComposeResult

from jackfield.model.check import ExpiryKnown
from jackfield.model.connection import ConnectionSummary
from jackfield.model.errors import JackfieldError
from jackfield.services.engine import Engine
from jackfield.services.expiry import SOON, Calendar, list_of_ends
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.tui.screens.connections_list import ConnectionRows
from jackfield.tui.screens.connections_place import NOWHERE, describe
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.symbols import state_mark
from jackfield.tui.times import left
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.paged_list import Column, PagedList
from jackfield.tui.widgets.prose import Prose
from jackfield.tui.widgets.title_bar import TitleBar

_BARS: Final = "▁▂▃▄▅▆▇█"
_CELL: Final = 5  # cells of one month
_EMPTY: Final = "No end is known here. The form takes a date where the vendor does not tell one."
_KNOWN: Final = {
    ExpiryKnown.READ: "read",
    ExpiryKnown.MATCHED: "matched",
    ExpiryKnown.TYPED: "typed",
    ExpiryKnown.NEVER: "never",
    ExpiryKnown.UNKNOWN: "–",
}


class ExpiryScreen(WorkingScreen[None]):
    """A calendar of twelve months over the list of what ends."""

    AUTO_FOCUS = "PagedList"
    DEFAULT_CSS = """
    ExpiryScreen > #calendar { height: 5; padding: 1 1 0 1; }
    """

    def __init__(self, session: Session, engine: Engine) -> None:
        super().__init__()
        self._session = session
        self._engine = engine
        self._place = NOWHERE

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", "expiry")
        yield Prose(id="calendar", can_focus=False)
        yield PagedList[ConnectionSummary](
            (
                Column("Name", lambda row: Span(row.name), share=3),
                Column("Provider", lambda row: Span(self._session.registry.name(row.provider)), share=2),
                Column("Scope", lambda row: Span(self._place.scope_of(row), "muted"), share=2, least=90),
                Column("Ends", lambda row: Span(f"{row.expires_at:%Y-%m-%d}"), width=10),
                Column("Left", _left, width=7),
                Column("Known", lambda row: Span(_KNOWN[row.expiry_known], "muted"), width=7),
                Column("State", _state, width=14),
            ),
            row_id=lambda row: row.id,
            empty=_EMPTY,
        )
        yield KeyBar("list.open", "go.map", "app.back")

    def on_screen_resume(self) -> None:
        self.work(self._read, group="read", exclusive=True)

    async def _read(self) -> None:
        self._place = await to_thread(lambda: describe(self._session, Settings(self._session.store).place()))
        now = datetime.now(UTC)
        calendar = await to_thread(lambda: self._session.expiry.calendar(self._place.scope, now=now))
        facts = (f"{calendar.ended} ended", f"{calendar.total - calendar.ended} will end")
        self.query_one(TitleBar).show_place("Jackfield", *self._place.words, "expiry", facts=facts)
        self.query_one("#calendar", Prose).show(lambda _: _drawn(calendar))
        rows = ConnectionRows(self._session.connections, list_of_ends(self._place.scope))
        self.query_one(PagedList).load(rows)

    def on_paged_list_activated(self, event: PagedList.Activated[ConnectionSummary]) -> None:
        event.stop()
        try:
            self.app.push_screen(DetailScreen(self._session, self._engine, event.row.id))
        except JackfieldError as error:
            self.after_error(error)

    def on_paged_list_load_failed(self, event: PagedList.LoadFailed) -> None:
        event.stop()
        self.after_error(event.error)


def _left(row: ConnectionSummary) -> Span:
    span = left(row.expires_at)
    soon = row.expires_at is not None and row.expires_at - datetime.now(UTC) < SOON
    return Span(span, "failed" if span == "expired" else "limited" if soon else "")


def _state(row: ConnectionSummary) -> Span:
    mark = state_mark(row.state, row.failure_kind, row.unverified)
    return Span(str(mark), mark.tone)


def _drawn(calendar: Calendar) -> Iterator[Line]:
    """The months beside each other: how many end in each, as a number and as a bar."""
    this_month = calendar.months[0][0]
    columns = [("ended", calendar.ended, "failed")]
    columns += [(f"{first:%b}", number, "limited" if first == this_month else "") for first, number in calendar.months]
    columns.append((" later", calendar.later, ""))
    most = max(number for _, number, _ in columns) or 1
    yield tuple(Span(name.rjust(_CELL), "muted") for name, _, _ in columns)
    yield tuple(
        Span((str(number) if number else "·").rjust(_CELL), tone if number else "muted") for _, number, tone in columns
    )
    yield tuple(Span(_bar(number, most).rjust(_CELL), tone or "accent") for _, number, tone in columns)


def _bar(number: int, most: int) -> str:
    return _BARS[(number * len(_BARS) - 1) // most] if number else ""
