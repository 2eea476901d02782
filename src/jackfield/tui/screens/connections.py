"""The home screen: the connections of a place, what the highlighted one is, and what can be done with them."""

from asyncio import Event, to_thread
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from textual.app import ComposeResult
from textual.message import Message
from textual.timer import Timer

from jackfield.model.connection import Connection, ConnectionSummary, Scope
from jackfield.model.errors import JackfieldError
from jackfield.services.engine import AutomaticTests, Engine, LockAsked, News
from jackfield.services.form import Form
from jackfield.services.list_view import ListView
from jackfield.services.session import Session
from jackfield.services.trial import cloned_form, stored_form
from jackfield.tui.keys import Place, bindings
from jackfield.tui.screens.connections_arrival import greetings
from jackfield.tui.screens.connections_changes import TEST, Changes
from jackfield.tui.screens.connections_filter import FilterLine
from jackfield.tui.screens.connections_finding import Finding
from jackfield.tui.screens.connections_list import KEYS, WORDS, ConnectionTable
from jackfield.tui.screens.connections_pane import ConnectionPane, look, look_after
from jackfield.tui.screens.connections_place import facts
from jackfield.tui.screens.connections_tests import ConnectionTests, Notice
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.screens.gallery import GalleryScreen
from jackfield.tui.screens.organizations import OrganizationsScreen
from jackfield.tui.screens.places import Chosen
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import LineView
from jackfield.tui.widgets.notice import tell, tell_error
from jackfield.tui.widgets.paged_list import PagedList
from jackfield.tui.widgets.title_bar import TitleBar

GATHER: Final = 0.2  # seconds in which news is gathered before it is shown
_USUAL: Final = "-usual"  # what a screen high enough for a pane is classed as
STALE: Final = 60.0  # seconds after which a move reads the list again, for its times are relative


class ConnectionsScreen(WorkingScreen[None]):
    """Lists, filters, tests and deletes; leads to every other screen."""

    BINDINGS = [*bindings(Place.CONNECTIONS), ("escape", "lift_filter")]
    AUTO_FOCUS = "PagedList"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, _USUAL)]

    @dataclass
    class Heard(Message):
        """The engine tells something."""

        news: News

    def __init__(self, session: Session, engine: Engine) -> None:
        super().__init__(classes=_USUAL)  # said at once, it is styled once
        self._session = session
        self._engine = engine
        self._tests = ConnectionTests(session, engine)
        self._changes = Changes(session, self)
        self._title = TitleBar("Jackfield")
        self._filter_line = FilterLine()
        self._list = ConnectionTable(session, self._tests.under_way)
        self._finding = Finding(session, self, self._filter_line, self._list)
        self._pane = ConnectionPane()
        self._saved_id: str | None = None  # to be highlighted when the list is read
        self._read_at = 0.0
        self._answered = Event()  # the list was read, or could not be
        self._look_timer: Timer | None = None
        self._gather_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._filter_line
        yield self._list
        yield LineView(id="rule")
        yield self._pane
        yield KeyBar(*KEYS, words=WORDS)

    # What is listed

    def on_mount(self) -> None:
        self._engine.listen(self._hear)
        self.work(self._arrive, group="place", exclusive=True)
        self.work(self._begin, group="begin")

    def _hear(self, news: News) -> None:
        """In the engine's thread."""
        self.post_message(self.Heard(news))

    async def _arrive(self) -> None:
        await self._list.recall()
        self._read_list(keep=False)

    async def _begin(self) -> None:
        """What waits for the list, so that nothing else is read before it: due tests, and what is worth saying."""
        await self._answered.wait()
        self._engine.schedule()
        for notice in await to_thread(lambda: list(greetings(self._session))):
            self._tell(notice)

    def on_screen_resume(self) -> None:
        """Whatever was done on another screen shows."""
        if self._read_at:
            self.work(self._go_to, self._list.place.scope, group="place", exclusive=True)

    async def _go_to(self, scope: Scope | None) -> None:
        moved = await self._list.go_to(scope)
        self._read_list(keep=not moved)

    def _read_list(self, *, keep: bool = True) -> None:
        """Read the list anew, and what its title says."""
        self._read_at = monotonic()
        self._list.read(keep=keep, row_id=self._saved_id)
        self.work(self._count, group="count", exclusive=True)

    async def _count(self) -> None:
        await self._answered.wait()
        self._title.show_place("Jackfield", *self._list.place.words, facts=facts(await self._list.counts()))
        self._note()

    def on_paged_list_loaded(self, event: PagedList.Loaded) -> None:
        event.stop()
        self._answered.set()
        self._saved_id = None
        self._note()

    def on_paged_list_load_failed(self, event: PagedList.LoadFailed) -> None:
        event.stop()
        self._answered.set()
        self.after_error(event.error)

    # The highlighted one

    def on_paged_list_highlighted(self, event: PagedList.Highlighted[ConnectionSummary]) -> None:
        event.stop()
        if self._look_timer is not None:
            self._look_timer.stop()
        self._look_timer = self.set_timer(look_after(self.app), self._look)

    def _look(self) -> None:
        if monotonic() - self._read_at > STALE:
            self._read_list()
        self.work(self._show_highlighted, group="pane", exclusive=True)

    async def _show_highlighted(self) -> None:
        """Show the highlighted one, but in the place of what a filter that is none calls for."""
        row = self._list.highlighted
        glance = await to_thread(look, self._session, row.id) if row is not None else None
        if not self._filter_line.wrong:
            self._pane.show_glance(glance)

    def on_paged_list_activated(self, event: PagedList.Activated[ConnectionSummary]) -> None:
        event.stop()
        try:
            self.app.push_screen(DetailScreen(self._session, self._engine, event.row.id))
        except JackfieldError as error:
            self.after_error(error)
            self._read_list()

    def on_paged_list_marked(self, event: PagedList.Marked) -> None:
        event.stop()
        self._note()

    def _note(self) -> None:
        self._filter_line.say(self._list.note(running=len(self._tests.under_way)))

    # Filter and order

    def action_filter(self) -> None:
        self._filter_line.open()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        event.stop()
        self._list.filter = event.filter
        self._note()
        self._list.read(keep=False)

    def on_filter_line_not_understood(self, event: FilterLine.NotUnderstood) -> None:
        event.stop()
        self._pane.show_words(event.error.next_step)

    def on_filter_line_left(self, event: FilterLine.Left) -> None:
        event.stop()
        self.screen.set_focus(self._list)
        self._note()
        self._look()

    def action_lift_filter(self) -> None:
        """Show everything again; the filter key offers the text once more. Without a filter, forget the marks."""
        if not self._filter_line.lift():
            self._list.let_go()

    def action_saved_filters(self) -> None:
        self.work(self._finding.by_saved, group="ask", exclusive=True)

    def action_with_secret(self) -> None:
        self.work(self._finding.by_secret, group="ask", exclusive=True)

    def action_sort(self) -> None:
        self._look_at(self._list.view.next_order())

    def action_reverse(self) -> None:
        self._look_at(self._list.view.reversed())

    def action_columns(self) -> None:
        self.app.push_screen(self._list.columns_chooser(), self._chose_columns)

    def _chose_columns(self, chosen: frozenset[str] | None) -> None:
        if chosen is not None:
            self._look_at(self._list.view.with_columns(chosen))

    def _look_at(self, view: ListView) -> None:
        """Look at the list like this, now and after the next start."""
        self._list.view = view
        self._read_list()
        self.work(self._list.keep_view, group="view")

    # Tests

    def action_test(self) -> None:
        self._begin_tests(self._list.chosen())

    def action_test_all(self) -> None:
        self.work(self._test_all, group="ask", exclusive=True)

    async def _test_all(self) -> None:
        question = Confirm(f"Test all {self._list.count:,} that are listed?", yes="Test")
        if self._list.count and await self.is_confirmed(question):
            self._begin_tests(await to_thread(self._list.rows().ids))

    def _begin_tests(self, ids: Iterable[str]) -> None:
        try:
            self._tests.begin(ids)
        except JackfieldError as error:
            tell_error(self, error)
        self._list.clear_marks()
        self._list.redraw()
        self._note()

    def action_cancel_tests(self) -> None:
        self._tests.cancel()

    def on_connections_screen_heard(self, event: Heard) -> None:
        event.stop()
        match event.news:
            case LockAsked():
                self.app.call_later(self.app.run_action, "app.lock('Locked: that was asked for from outside.')")
            case AutomaticTests():
                self.work(self._count, group="count", exclusive=True)
            case news:
                if notice := self._tests.take(news):
                    self._tell(notice)
                if self._gather_timer is None:
                    self._gather_timer = self.set_timer(GATHER, self._show_gathered)

    def _tell(self, notice: Notice) -> None:
        tell(self, notice.message, next_step=notice.next_step, severity=notice.severity)

    def _show_gathered(self) -> None:
        self._gather_timer = None
        self.work(self._show_changes, group="news")

    async def _show_changes(self) -> None:
        """Show the rows as they are now, and in one notice what turned by itself.

        Where rows that change may have another place in the list, it is read anew when nothing runs any more.
        """
        changes = await self._tests.changes()
        for row in changes.rows:
            self._list.update_row(row)
        for notice in changes.notices():
            self._tell(notice)
        if changes.gone or (self._list.is_moved_by_tests and not self._tests.under_way):
            self._read_list()
        else:
            self.work(self._count, group="count", exclusive=True)
        if self._list.highlighted in changes.rows:
            self.work(self._show_highlighted, group="pane", exclusive=True)
        self._note()

    # Making, changing and deleting

    def action_copy_id(self) -> None:
        row = self._list.highlighted
        if row is not None:
            self.app.copy_to_clipboard(row.id)

    def action_new(self) -> None:
        if not self._list.place.possible:
            tell(self, "A connection belongs to an organization.", next_step="o makes the first one.")
            return
        self.app.push_screen(GalleryScreen(self._session, self._engine, self._list.place.scope), self._saved)

    def action_edit(self) -> None:
        self.work(self._open_form, stored_form, group="open", exclusive=True)

    def action_clone(self) -> None:
        self.work(self._open_form, cloned_form, group="open", exclusive=True)

    async def _open_form(self, make: Callable[[Session, Connection], Form]) -> None:
        if (row := self._list.highlighted) is not None:
            connection = await to_thread(self._session.connections.get, row.id)
            form = await to_thread(make, self._session, connection)
            self.app.push_screen(FormScreen(self._session, self._engine, form), self._saved)

    def _saved(self, connection_id: str | None) -> None:
        """Read the list anew with what was saved highlighted."""
        self._saved_id = connection_id
        self.work(self._go_to, self._list.place.scope, group="place", exclusive=True)

    def action_scope(self) -> None:
        self.app.push_screen(OrganizationsScreen(self._session, self._list.place.scope), self._chose_place)

    def _chose_place(self, chosen: Chosen | None) -> None:
        if chosen is not None:
            self.work(self._go_to, chosen.scope, group="place", exclusive=True)

    # Changing many

    def action_change(self, what: str = "") -> None:
        """Change the marked connections, or the highlighted one; without `what` it is asked for."""
        if ids := self._list.chosen():
            self.work(self._change, what, ids, group="ask", exclusive=True)

    async def _change(self, what: str, ids: list[str]) -> None:
        wanted = what or await self._changes.choose(len(ids))
        if wanted == TEST:
            self._begin_tests(ids)
        elif wanted:
            await self._tell_after(self._changes.make(wanted, ids), clear=True)

    def action_undo(self) -> None:
        self.work(self._tell_after, self._changes.undo(), group="undo")

    async def _tell_after(self, change: Awaitable[Notice | None], *, clear: bool = False) -> None:
        """Make a change, tell how it came out, and show the list as it is then, however far it came."""
        try:
            if notice := await change:
                self._tell(notice)
                if clear:
                    self._list.clear_marks()
        finally:
            self._engine.look_now()
            self._read_list()
