"""The audit trail: who did what, the newest first."""

from asyncio import to_thread
from collections.abc import Iterator, Sequence

from textual.app import ComposeResult

from jackfield.services.audit import Audit, Entry
from jackfield.services.session import Session
from jackfield.tui.keys import Place, bindings
from jackfield.tui.screens.reading import ReadingScreen
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.times import ago
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.paged_list import Column, PagedList
from jackfield.tui.widgets.prose import pairs
from jackfield.tui.widgets.title_bar import TitleBar


class Entries:
    """The trail as it was when it was counted, read in pages; what is appended meanwhile does not move it."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._count = 0

    def count(self) -> int:
        """How many entries there are."""
        self._count = self._audit.count()
        return self._count

    def page(self, start: int, limit: int) -> Sequence[Entry]:
        """Entries from the one that has `start` newer ones."""
        return self._audit.page(before=self._count - start + 1, limit=limit)

    def position(self, row_id: str) -> int | None:
        """Where the entry of that number stands."""
        number = self._count - int(row_id)
        return number if 0 <= number < self._count else None


class AuditScreen(WorkingScreen[None]):
    """Every action, and every opening of a secret."""

    BINDINGS = bindings(Place.AUDIT)
    AUTO_FOCUS = "PagedList"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._audit = session.audit

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", "audit trail")
        yield PagedList[Entry](
            (
                Column("No.", lambda one: Span(f"{one.seq:,}", "muted"), width=5),
                Column("When", lambda one: Span(f"{ago(one.at)} ago"), width=8),
                Column("Who", lambda one: Span(f"{one.event.actor}@{one.event.host}"), share=2, least=100),
                Column("What", lambda one: Span(one.event.action), width=20),
                Column("Of", lambda one: Span(one.event.object_name), share=4),
                Column("Outcome", lambda one: Span(one.event.outcome), width=8),
                Column("Reason", lambda one: Span(one.event.reason, "muted"), share=3),
            ),
            row_id=lambda one: str(one.seq),
            empty="Nothing is noted.",
        )
        yield KeyBar(
            "list.open", "audit.verify", "app.back", words={"list.open": "whole entry", "audit.verify": "verify"}
        )

    def on_screen_resume(self) -> None:
        self.query_one(PagedList).load(Entries(self._audit))

    def on_paged_list_loaded(self, event: PagedList.Loaded) -> None:
        event.stop()
        entries = f"{event.count:,} entr{'y' if event.count == 1 else 'ies'}"
        self.query_one(TitleBar).show_place("Jackfield", "audit trail", facts=(entries,))

    def on_paged_list_load_failed(self, event: PagedList.LoadFailed) -> None:
        event.stop()
        self.after_error(event.error)

    def on_paged_list_activated(self, event: PagedList.Activated[Entry]) -> None:
        event.stop()
        entry = event.row
        self.app.push_screen(
            ReadingScreen("Jackfield", "audit trail", f"entry {entry.seq:,}", make=lambda width: _told(entry, width))
        )

    def action_verify(self) -> None:
        self.work(self._verify, group="verify", exclusive=True)

    async def _verify(self) -> None:
        found = await to_thread(self._audit.verify)
        replaced = await to_thread(self._audit.replaced)
        step = "Somebody changed the store: compare it with a backup."
        if found.bad is not None:
            tell(self, f"Entry {found.bad:,} is bad: {found.reason}.", next_step=step, severity="warning")
        elif replaced:
            rows = f"{replaced[0]}{f' and {len(replaced) - 1:,} more' if len(replaced) > 1 else ''}"
            tell(self, f"Not what the trail says was left: {rows}.", next_step=step, severity="warning")
        else:
            tell(self, f"Whole: {found.entries:,} entries, each as it was written, and every row as it was left.")


def _told(entry: Entry, width: int) -> Iterator[Line]:
    event = entry.event
    yield from pairs(
        (
            ("When", f"{entry.at:%Y-%m-%d %H:%M:%S} UTC, {ago(entry.at)} ago", ""),
            ("Who", f"{event.actor} on {event.host}", ""),
            ("What", event.action, "strong"),
            ("Of", event.object_name, ""),
            ("Its id", event.object, "muted"),
            ("Outcome", event.outcome, ""),
            ("Reason", event.reason, ""),
            ("Seal", entry.mac.hex(), "muted"),
        ),
        width,
    )
