"""One source identity: what it is, what starts from it, and its test."""

from asyncio import to_thread
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult

from jackfield.model.errors import InUse, JackfieldError
from jackfield.providers.contract.address import address_fields
from jackfield.services.engine import Engine
from jackfield.services.session import Session
from jackfield.tui.keys import Place, bindings
from jackfield.tui.live import CheckEnded, CheckTold, LiveCheck
from jackfield.tui.screens.identities.changes import IdentityChanges
from jackfield.tui.screens.identities.facts import Facts, read_facts
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.times import ago
from jackfield.tui.widgets.check_view import CheckView
from jackfield.tui.widgets.choice import Toggle
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line
from jackfield.tui.widgets.notice import tell_error
from jackfield.tui.widgets.prose import Prose, pairs
from jackfield.tui.widgets.refusal import Refusal
from jackfield.tui.widgets.title_bar import TitleBar


class IdentityScreen(WorkingScreen[None]):
    """What is known of it above, the test below with its steps as they finish."""

    BINDINGS = [*bindings(Place.IDENTITIES), ("escape", "leave")]
    AUTO_FOCUS = "#facts"
    CSS_PATH: ClassVar[Path] = Path(__file__).parents[2] / "styles" / "settings.tcss"

    def __init__(self, session: Session, engine: Engine, facts: Facts, *, testing: bool = False) -> None:
        """With `testing`, a test begins at once."""
        super().__init__()
        self._session = session
        self._engine = engine
        self._facts = facts
        self._test_at_once = testing
        self._changes = IdentityChanges(self, session, engine)
        self._check: LiveCheck | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar("source identities", self._facts.identity.name, id="title")
        yield Prose(self._lines, id="facts")
        if self._asks_for_private:
            yield Toggle("Reach private addresses in the test, too", id="private")
        yield CheckView(hint="t tests it by itself, with the provider's own check.")
        yield KeyBar()

    def on_mount(self) -> None:
        self._show_keys()
        if self._test_at_once:
            self.call_after_refresh(self.action_test)

    def on_screen_resume(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self.work(self._read, group="facts", exclusive=True)

    async def _read(self) -> None:
        self._facts = await to_thread(read_facts, self._session, self._facts.identity.id)
        self.query_one("#title", TitleBar).show_place("source identities", self._facts.identity.name)
        self.query_one("#facts", Prose).show(self._lines)

    @property
    def _asks_for_private(self) -> bool:
        """Whether its fields decide where it is tested, so that this may be near."""
        provider = self._facts.provider
        if provider is None:
            return False
        return bool(address_fields(provider, provider.source_identity(self._facts.identity.method)))

    def _lines(self, width: int) -> Iterator[Line]:
        facts, identity = self._facts, self._facts.identity
        mark = facts.mark
        used = ", ".join(facts.used_by) or "no connection yet: one starts from it by --identity on the command line"
        yield from pairs(
            (
                ("Last said", f"{mark}{f'  {facts.said_ago} ago' if facts.said else ''}", mark.tone),
                ("Provider", facts.provider_name, ""),
                ("Kind", facts.kind_name, ""),
                ("Used by", used, "" if facts.used_by else "muted"),
                ("Made", f"{ago(identity.created_at)} ago, changed {ago(identity.updated_at)} ago", "muted"),
            ),
            width,
        )

    # The test

    def action_test(self) -> None:
        """Test it now; a test under way is cancelled first."""
        self.action_cancel_test()
        identity, identities = self._facts.identity, self._session.identities
        private = any(toggle.on for toggle in self.query(Toggle))
        check = LiveCheck(self)
        try:
            check.follow(
                lambda told: self._engine.run(
                    lambda network: identities.test(identity, network, told, private_allowed=private)
                )
            )
        except JackfieldError as error:
            tell_error(self, error)
            return
        self._check = check
        self._view.follow(check, {}, ())
        self._show_keys()

    def action_cancel_test(self) -> None:
        if self._check is not None:
            self._check.cancel()
            self._check = None
            self._view.show_cancelled()
            self._show_keys()

    def on_check_told(self, event: CheckTold) -> None:
        event.stop()
        if event.check is self._check:
            event.check.take(event.progress)
            self._view.step_on(event.check)

    def on_check_ended(self, event: CheckEnded) -> None:
        event.stop()
        if event.check is not self._check:
            return
        self._check = None
        if event.result is not None:
            self._view.show_result(event.result, {})
        elif event.end.error is not None:
            self._view.show_error(event.end.error)
        else:
            self._view.show_cancelled()
        self._show_keys()
        self._renew()

    @property
    def _view(self) -> CheckView:
        return self.query_one(CheckView)

    def _show_keys(self) -> None:
        first = "identity.cancel-test" if self._check is not None else "identity.test"
        words = {"identity.cancel-test": "cancel"}
        self.query_one(KeyBar).show_actions(
            first, "identity.replace", "identity.rename", "identity.delete", "app.back", words=words
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel_test":
            return self._check is not None
        return action != "new"

    # What can be done with it

    def action_rename(self) -> None:
        self.work(self._rename, group="change", exclusive=True)

    async def _rename(self) -> None:
        await self._changes.rename(self._facts.identity)
        self._renew()

    def action_replace(self) -> None:
        self.work(self._replace, group="change", exclusive=True)

    async def _replace(self) -> None:
        if await self._changes.replace(self._facts):
            self._view.show_hint("It has new keys. t tests them by themselves.")

    def action_delete(self) -> None:
        self.work(self._delete, group="change", exclusive=True)

    async def _delete(self) -> None:
        if await self._changes.delete(self._facts):
            self.dismiss()

    def after_error(self, error: JackfieldError) -> None:
        if isinstance(error, InUse):
            self.app.push_screen(Refusal(error))
        else:
            super().after_error(error)

    def action_leave(self) -> None:
        if self._check is not None:
            self.action_cancel_test()
        else:
            self.dismiss()
