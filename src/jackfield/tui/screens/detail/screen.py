"""One connection: its pages, and what can be done with it."""

from asyncio import Lock
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from jackfield.model.errors import JackfieldError, NotFound
from jackfield.services.difference import difference
from jackfield.services.engine import Engine, News, Tested, TestEnded
from jackfield.services.form import Form
from jackfield.services.history import Moment
from jackfield.services.logins import repair, ways
from jackfield.services.session import Session
from jackfield.services.takeover import Takeover
from jackfield.services.trial import management_of, stored_form
from jackfield.tui.keys import Place, bindings
from jackfield.tui.live import CheckEnded, CheckTold, End, LiveCheck, when_done
from jackfield.tui.screens.connections_deletion import Deletion
from jackfield.tui.screens.detail.overview import overview_lines, read_facts
from jackfield.tui.screens.detail.pages import (
    OVERVIEW,
    PAGES,
    GrantRow,
    Page,
    evidence_lines,
    keys_of_page,
    read_page,
    run_lines,
)
from jackfield.tui.screens.form.login import open_login
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.screens.policy import difference_screen, guide_screen, policy_screen
from jackfield.tui.screens.reading import ReadingScreen
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.check_view import CheckView
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.notice import tell, tell_error
from jackfield.tui.widgets.paged_list import PagedList
from jackfield.tui.widgets.prose import Prose
from jackfield.tui.widgets.rows import Rows
from jackfield.tui.widgets.step_rail import StepRail

_TOOK_OVER: Final = {
    Takeover.DONE: ("Done: the new secret is proven, and only Jackfield knows it.", "information"),
    Takeover.UNDONE: ("Not done: the old secret still holds, and nothing changed.", "warning"),
    Takeover.UNRESOLVED: ("Not known: neither secret could be proven. Both are kept; test it again later.", "error"),
}


class DetailScreen(WorkingScreen[None]):
    """Left and right turn its pages. It follows what the background finds about the connection."""

    CSS_PATH = "../../styles/detail.tcss"
    BINDINGS = [*bindings(Place.CONNECTION), ("escape", "leave")]
    AUTO_FOCUS = None

    @dataclass
    class Heard(Message):
        """The background tested this connection."""

    @dataclass
    class Managed(Message):
        """Replacing the secret has ended."""

        end: End

    def __init__(self, session: Session, engine: Engine, connection_id: str) -> None:
        """Raises NotFound when there is no such connection."""
        super().__init__()
        self._session = session
        self._engine = engine
        self._facts = read_facts(session, connection_id)
        self._at = OVERVIEW
        self._check: LiveCheck | None = None
        self._page: Page | None = None
        self._turning = Lock()  # keys and news come in two tasks, and both turn pages

    def compose(self) -> ComposeResult:
        yield StepRail(self._facts.place, self._facts.connection.name, steps=PAGES, numbered=False)
        yield Vertical(id="body")
        yield KeyBar()

    async def on_mount(self) -> None:
        self._stop_listening = self._engine.listen(self._on_news)
        await self._show()

    def on_unmount(self) -> None:
        self._stop_listening()

    def _on_news(self, news: News) -> None:
        """Called in the engine's thread."""
        if isinstance(news, Tested | TestEnded) and news.connection_id == self._facts.connection.id:
            self.post_message(self.Heard())

    async def on_detail_screen_heard(self, event: Heard) -> None:
        event.stop()
        if self._check is None:
            await self._renew()

    async def on_screen_resume(self) -> None:
        if self.query("#body > *"):
            await self._renew()

    # Pages

    async def action_tab(self, by: int) -> None:
        self._at = (self._at + by) % len(PAGES)
        await self._show()

    async def _renew(self) -> None:
        """Read the connection again; leave when it is gone."""
        try:
            self._facts = read_facts(self._session, self._facts.connection.id)
        except NotFound:
            tell(self.app, f"{self._facts.connection.name} was deleted.")
            self.dismiss()
            return
        await self._show()

    async def _show(self) -> None:
        body = self.query_one("#body", Vertical)
        async with self._turning:
            with self.app.batch_update():
                await self._fill(body)
        self._show_keys()

    async def _fill(self, body: Vertical) -> None:
        await body.remove_children()
        self.query_one(StepRail).step = self._at
        if self._at == OVERVIEW:
            await self._show_overview(body)
            return
        page = self._page = read_page(self._session, self._facts, self._at)
        listing: PagedList[Any] = PagedList(page.columns, row_id=page.row_id, empty=page.empty)
        await body.mount(Prose(page.above, id="above", can_focus=False), listing)
        listing.load(Rows(page.rows, page.row_id))
        self.screen.set_focus(listing)

    async def _show_overview(self, body: Vertical) -> None:
        self._page = None
        view = CheckView(hint="t tests it now.")
        body.set_class(self._check is not None, "-testing")
        await body.mount(Prose(lambda width: overview_lines(self._facts, width), id="facts"), view)
        if self._check is not None:
            view.follow(self._check, self._facts.titles, ())
        elif self._facts.result is not None:
            view.show_result(replace(self._facts.result, grants=()), {}, verdict=False)
        self.screen.set_focus(self.query_one("#facts", Prose))

    def _show_keys(self) -> None:
        keys, words = keys_of_page(self._at, testing=self._check is not None)
        self.query_one(KeyBar).show_actions(*keys, words=words)

    def on_paged_list_activated(self, event: PagedList.Activated[Any]) -> None:
        event.stop()
        row, name = event.row, self._facts.connection.name
        if isinstance(row, GrantRow) and row.grant is None:
            self.action_policy()
        elif isinstance(row, GrantRow) and row.grant is not None:
            lines = partial(evidence_lines, self._facts, row.grant)
            self.app.push_screen(ReadingScreen(name, "how it is known", make=lines))
        elif isinstance(row, Moment):
            self._open_run(row)

    def _open_run(self, moment: Moment) -> None:
        try:
            result = self._session.tests.result(moment.run)
        except JackfieldError as error:
            tell_error(self, error)
            return
        name, lines = self._facts.connection.name, partial(run_lines, moment, result)
        self.app.push_screen(ReadingScreen(name, "a test", make=lines))

    # Testing

    async def action_test(self) -> None:
        """Test it now, with live steps; a test under way is cancelled first."""
        self.action_cancel_test()
        check = LiveCheck(self)
        connection_id = self._facts.connection.id
        try:
            check.follow(lambda told: self._engine.test(connection_id, told))
        except JackfieldError as error:
            tell_error(self, error)
            return
        self._check, self._at = check, OVERVIEW
        await self._show()

    def action_cancel_test(self) -> None:
        if self._check is None:
            return
        self._check.cancel()
        self._check = None
        for view in self.query(CheckView):
            view.show_cancelled()
        self._show_keys()

    def on_check_told(self, event: CheckTold) -> None:
        event.stop()
        if event.check is self._check:
            event.check.take(event.progress)
            for view in self.query(CheckView):
                view.step_on(event.check)

    async def on_check_ended(self, event: CheckEnded) -> None:
        event.stop()
        if event.check is not self._check:
            return
        self._check = None
        await self._renew()
        if event.end.error is not None:
            tell_error(self, event.end.error)

    async def action_leave(self) -> None:
        if self._check is not None:
            self.action_cancel_test()
        else:
            self.dismiss()

    # What can be done with it

    def action_copy_id(self) -> None:
        self.app.copy_to_clipboard(self._facts.connection.id)

    def action_edit(self) -> None:
        if self._facts.provider is None:
            tell(self, f"The provider {self._facts.connection.provider} is not here any more.", severity="warning")
            return
        try:
            form = stored_form(self._session, self._session.connections.get(self._facts.connection.id))
        except JackfieldError as error:
            tell_error(self, error)
        else:
            self.app.push_screen(FormScreen(self._session, self._engine, form))

    def action_log_in(self) -> None:
        """Log in at the vendor again; the connection keeps its id and everything that uses it."""
        provider, connection = self._facts.provider, self._facts.connection
        if provider is None or not self._can_log_in():
            return
        open_login(
            self, provider, provider.method(connection.method), self._engine,
            lambda network, show, pasted, way: repair(
                self._session, connection, network, show, way=way, pasted=pasted
            ),
            self._logged_in,
        )  # fmt: skip

    async def _logged_in(self, repaired: object) -> None:
        if repaired is not None:
            await self.action_test()

    def _can_log_in(self) -> bool:
        provider = self._facts.provider
        method = self._facts.connection.method
        return provider is not None and any(one.id == method and ways(one) for one in provider.methods)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "log_in":
            return self._can_log_in()
        return action != "cancel_test" or self._check is not None

    def _form(self, reason: str) -> Form | None:
        """What this connection holds, to fill texts with; None, and told, when it cannot be read."""
        if self._facts.provider is None:
            return None
        try:
            return stored_form(self._session, self._facts.connection, reason=reason)
        except JackfieldError as error:
            tell_error(self, error)
            return None

    def action_guide(self) -> None:
        """How its credential is made at the vendor, filled with what this connection holds that is no secret."""
        if (form := self._form("guide")) is not None:
            self.app.push_screen(guide_screen(form))

    def action_policy(self) -> None:
        """The least that its uses need, filled likewise."""
        if (form := self._form("policy")) is None:
            return
        if snippet := form.snippet():
            self.app.push_screen(policy_screen(form.name, snippet))
        else:
            tell(self, "No use is chosen, so nothing is needed.", next_step="Choose what it is for: e")

    def action_difference(self) -> None:
        grants = self._facts.result.grants if self._facts.result else ()
        if grants:
            self.app.push_screen(difference_screen(self._facts.connection.name, difference(grants)))
        else:
            tell(self, "Nothing is known about its permissions yet.", next_step="Test it: t")

    def action_take_over(self) -> None:
        """Ask, and have the secret replaced at the vendor."""
        connection, provider = self._facts.connection, self._facts.provider
        managed = management_of(provider, connection.method) if provider is not None else None
        if managed is None:
            tell(
                self, "Jackfield cannot manage this kind of credential.", next_step="Change it at the vendor; edit it."
            )
            return
        consequences = (
            "The secret is replaced at the vendor, now.",
            "Only Jackfield knows the new one; what uses the old one stops.",
            f"It needs: {managed.needs}",
        )
        ask = Confirm(f"Let Jackfield manage the secret of {connection.name}?", consequences, yes="Replace it")
        self.app.push_screen(ask, self._take_over_if)

    def _take_over_if(self, wanted: bool | None) -> None:  # noqa: FBT001 - the answer of a question
        if not wanted:
            return
        try:
            when_done(self._engine.take_over(self._facts.connection), self, self.Managed)
        except JackfieldError as error:
            tell_error(self, error)
        else:
            tell(self, "Asked: the secret is being replaced at the vendor.")

    async def on_detail_screen_managed(self, event: Managed) -> None:
        event.stop()
        if event.end.error is not None:
            tell_error(self, event.end.error)
        elif event.end.value is not None:
            message, severity = _TOOK_OVER[event.end.value[0]]
            tell(self, message, severity=severity)  # type: ignore[arg-type]  # one of the three words above
        await self._renew()

    def action_delete(self) -> None:
        self.work(self._delete, group="ask", exclusive=True)

    async def _delete(self) -> None:
        """Ask; what is in use goes only when its name is typed."""
        name = self._facts.connection.name
        if await Deletion(self._session, self.is_confirmed).delete([self._facts.connection.id]):
            tell(self.app, f"{name} was deleted.")
            self.dismiss()
