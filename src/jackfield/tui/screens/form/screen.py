"""The guided form: which step is shown, the test under way, the draft, and the saving."""

from asyncio import Lock
from collections.abc import Mapping
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.timer import Timer

from jackfield.model.errors import InvalidField, JackfieldError
from jackfield.model.secret import FieldValue
from jackfield.services.difference import difference
from jackfield.services.drafts import SavedDraft
from jackfield.services.engine import Engine
from jackfield.services.form import Form
from jackfield.services.logins import log_in, ways
from jackfield.services.session import Session
from jackfield.services.trial import management_of, save_form
from jackfield.tui.keys import BETWEEN_FIELDS, Place, bindings
from jackfield.tui.live import CheckEnded, CheckTold
from jackfield.tui.screens.address import AddressScreen
from jackfield.tui.screens.form.access import AccessStep, focused_row
from jackfield.tui.screens.form.agreeing import Agreeing
from jackfield.tui.screens.form.connect import ConnectStep
from jackfield.tui.screens.form.credentials import CredentialsStep
from jackfield.tui.screens.form.keeper import DraftKeeper
from jackfield.tui.screens.form.login import open_login
from jackfield.tui.screens.form.picking import Picked, TargetPicking
from jackfield.tui.screens.form.places import first_scope
from jackfield.tui.screens.form.save import SaveStep, doubt
from jackfield.tui.screens.form.saved import SavedStep
from jackfield.tui.screens.form.step import Step
from jackfield.tui.screens.form.trying import FormTest
from jackfield.tui.screens.policy import difference_screen
from jackfield.tui.screens.reading import ask_to_write
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.notice import tell, tell_error
from jackfield.tui.widgets.option_line import OptionLine
from jackfield.tui.widgets.picker import Item, Picker
from jackfield.tui.widgets.step_rail import StepRail

STEPS: Final = ("Access", "Credentials", "Connect", "Save")
ACCESS, CREDENTIALS, CONNECT, SAVE = range(4)
_OF_STEPS: Final = frozenset(
    ("next", "previous", "test", "cancel_test", "save", "copy", "write", "qr", "pick", "difference", "log_in")
)
DRAFT_SECONDS: Final = 1.0  # from the last change to the sealed draft


class FormScreen(Screen[str | None]):
    """Makes or edits one connection; gives its id, or None when it was left."""

    CSS_PATH = "../../styles/form.tcss"
    BINDINGS = [
        *bindings(Place.FORM),
        *BETWEEN_FIELDS,
        ("escape", "leave"),
        ("down", "app.focus_next"),
        ("up", "app.focus_previous"),
    ]
    AUTO_FOCUS = None
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, session: Session, engine: Engine, form: Form, *, draft: SavedDraft | None = None) -> None:
        """`draft` is the one the form was resumed from."""
        super().__init__()
        form.scope = form.scope or first_scope(session)  # before any test: a result speaks of one organization
        self._session = session
        self._engine = engine
        self._form = form
        self._keeper = DraftKeeper(session, form, draft)
        self._draft_timer: Timer | None = None
        self._test = FormTest(session, engine, form, self)
        self._agreeing = Agreeing(self, form)
        self._picking = TargetPicking(self, session, engine, form)
        self._at = CONNECT if form.connection is not None else ACCESS
        self._step = self._make(self._at)
        self._turning = Lock()  # keys and messages come in two tasks, and both show steps

    def compose(self) -> ComposeResult:
        what = "Edit" if self._form.connection is not None else "New connection"
        named = self._form.connection.name if self._form.connection is not None else self._form.provider.name
        yield StepRail(what, named, steps=STEPS)
        yield Vertical(id="body")
        yield KeyBar()

    async def on_mount(self) -> None:
        await self._show(self._step)

    # Steps

    @property
    def _connect(self) -> ConnectStep | None:
        """The third step, while it is on the screen."""
        return self._step if isinstance(self._step, ConnectStep) and self._step.is_mounted else None

    def _make(self, number: int) -> Step:
        if number == ACCESS:
            return AccessStep(self._form)
        if number == CREDENTIALS:
            return CredentialsStep(self._form)
        if number == CONNECT:
            return ConnectStep(self._form, partial(self._session.identities.lenders, self._form.provider.slug))
        return SaveStep(self._form, self._session, self._test.last)

    async def _show(self, step: Step, problem: InvalidField | None = None) -> None:
        body = self.query_one("#body", Vertical)
        async with self._turning:
            with self.app.batch_update():
                await body.remove_children()
                self._step = step
                await body.mount(step)
                self.query_one(StepRail).step = self._at
                self.query_one(KeyBar).show_actions(*step.KEYS, words=step.WORDS)
            if isinstance(step, ConnectStep):
                self._show_check(step)
            if problem is not None and isinstance(step, ConnectStep | SaveStep):
                step.focus_on(problem)
            else:
                step.begin()

    async def _go_to(self, number: int, problem: InvalidField | None = None) -> None:
        self._at = number
        await self._show(self._make(number), problem)

    async def action_next(self) -> None:
        if self._at < SAVE:
            await self._go_to(self._at + 1)

    async def action_previous(self) -> None:
        if self._at > ACCESS:
            await self._go_to(self._at - 1)

    async def on_step_done(self, event: Step.Done) -> None:
        """The step is filled: the third goes on by testing, the fourth by saving."""
        event.stop()
        step = self._step
        if isinstance(step, SavedStep):
            self.dismiss(step.connection.id)
        elif isinstance(step, ConnectStep) and self._test.trial is None:
            await self.action_test()
        elif isinstance(step, SaveStep):
            self.action_save()
        else:
            await self.action_next()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action not in _OF_STEPS:
            return True
        if action == "cancel_test":
            return self._test.check is not None
        if action == "log_in":
            return isinstance(self._step, ConnectStep) and bool(ways(self._form.method))
        if action == "difference" and (self._test.last is None or not self._test.last.result.grants):
            return False
        return action in self._step.ACTIONS

    # The draft

    def on_step_changed(self, event: Step.Changed) -> None:
        event.stop()
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(DRAFT_SECONDS, self._keep_draft)

    def _keep_draft(self) -> None:
        try:
            self._keeper.keep()
        except JackfieldError as error:
            tell_error(self, error)

    async def action_leave(self) -> None:
        """Back: out of the test, to the step before, and out of the form; what was typed is kept as a draft."""
        if self._test.check is not None:
            self.action_cancel_test()
        elif isinstance(self._step, SavedStep):
            self.dismiss(self._step.connection.id)
        elif self._at > (CONNECT if self._form.connection is not None else ACCESS):
            await self.action_previous()
        else:
            self._keep_draft()
            if self._keeper.kept:
                tell(self.app, "Kept as a draft: the list of providers offers it again.")
            self._keeper.let_go()
            self.dismiss(None)

    # The test

    async def action_test(self) -> None:
        """Test what is typed; a test under way is cancelled first."""
        if self._at != CONNECT:
            await self._go_to(CONNECT)
        step = self._connect
        if step is None:
            return
        if self._form.unconfirmed() is not None:
            self._agreeing.ask(partial(self._answered, test=True))
            return
        try:
            self._test.begin()
        except InvalidField as problem:
            self._show_check(step)
            step.focus_on(problem)
        except JackfieldError as error:
            self._show_check(step)
            step.view.show_error(error)
        else:
            self._show_check(step)

    def on_step_unconfirmed(self, event: Step.Unconfirmed) -> None:
        event.stop()
        self._agreeing.ask(self._answered)

    async def _answered(self, agreed: bool, *, test: bool = False) -> None:  # noqa: FBT001 - the answer of a question
        if (step := self._connect) is not None:
            await step.renew()
        self._keep_draft()
        if agreed and test:
            await self.action_test()

    def _show_check(self, step: ConnectStep) -> None:
        """Show the test under way, or the last one, and the keys that go with it."""
        keys, words = list(ConnectStep.KEYS), dict(ConnectStep.WORDS)
        words |= {"form.difference": "difference", "form.cancel-test": "cancel"}
        step.show_tested(tested=self._test.check is not None or self._test.last is not None)
        titles = {use.id: use.title for use in self._form.provider.uses if use.id in self._form.uses}
        if self._test.check is not None:
            awaited = [(row.use, row.name) for row in self._form.wanted_permissions()]
            step.view.follow(self._test.check, titles, awaited)
            keys[0] = "form.cancel-test"
        elif self._test.last is not None:
            step.view.show_result(self._test.last.result, titles)
            words["form.test"] = "test again"
            if self._test.last.result.grants:
                keys.insert(2, "form.difference")
        elif ways(self._form.method):
            keys.insert(0, "form.login")
        self.query_one(KeyBar).show_actions(*keys, words=words)

    def on_check_told(self, event: CheckTold) -> None:
        event.stop()
        if self._test.take(event) and (step := self._connect):
            step.view.step_on(event.check)

    def on_check_ended(self, event: CheckEnded) -> None:
        event.stop()
        if not self._test.end(event) or (step := self._connect) is None:
            return
        self._show_check(step)
        if event.end.error is not None:
            step.view.show_error(event.end.error)
        elif event.result is None:
            step.view.show_cancelled()

    def action_cancel_test(self) -> None:
        """Stop the test and show that at once."""
        if self._test.cancel() and (step := self._connect):
            self._show_check(step)
            step.view.show_cancelled()

    # Saving

    def action_save(self) -> None:
        """Save; without a passed test only when the user says so."""
        question = doubt(self._test.trial)
        if question is not None:
            self.app.push_screen(question, self._save_if)
        else:
            self.call_later(self._save)

    def _save_if(self, wanted: bool | None) -> None:  # noqa: FBT001 - the answer of a question
        if wanted:
            self.call_later(self._save)

    async def _save(self) -> None:
        try:
            saved = save_form(self._session, self._form, self._test.last)
        except InvalidField as problem:
            await self._go_to(SAVE if self._is_of_save(problem) else CONNECT, problem)
            return
        except JackfieldError as error:
            tell_error(self, error)
            return
        self._keeper.discard()
        self._engine.look_now()
        way = management_of(self._form.provider, self._form.method_id)
        managing = self._form.platform_managed and way is not None and not saved.platform_managed
        self.query_one(StepRail).step = len(STEPS)
        await self._show(SavedStep(self._form, saved, self._engine if managing else None))

    def _is_of_save(self, problem: InvalidField) -> bool:
        return problem.field in {"name", "description", "scope", "every", "expires", "tag"}

    # What steps offer beside

    def action_copy(self) -> None:
        if text := self._step.copyable():
            self.app.copy_to_clipboard(text)

    def action_write(self) -> None:
        if text := self._step.copyable():
            ask_to_write(self, text, f"{self._form.provider.slug}-access.txt")

    def action_qr(self) -> None:
        self.app.push_screen(AddressScreen(self._form.provider.documentation.credentials))

    def action_difference(self) -> None:
        if self._test.last is not None:
            lines = difference(self._test.last.result.grants)
            self.app.push_screen(difference_screen(self._form.provider.name, lines))

    def action_pick(self) -> None:
        """Offer what the row at the cursor can be: its own options, the places, or what the vendor has."""
        row = focused_row(self.focused)
        step = self._step
        if row is None:
            return
        if isinstance(step, SaveStep) and row.key == "place":
            items = [Item(place.id, place.words) for place in step.places()]
            self.app.push_screen(Picker("Where does it belong?", items), step.put_in)
        elif "|" in row.key and not isinstance(row.editor, OptionLine):
            self._picking.ask(row)

    def on_picked(self, event: Picked) -> None:
        event.stop()
        self._picking.offer(event)

    def action_log_in(self) -> None:
        if self._connect is not None:
            form = self._form
            open_login(
                self, form.provider, form.method, self._engine,
                lambda network, show, pasted, way: log_in(self._session, form, network, show, way=way, pasted=pasted),
                self._logged_in,
            )  # fmt: skip

    async def _logged_in(self, values: Mapping[str, FieldValue] | None) -> None:
        if values is not None:
            self._form.logged_in(values)
            self._keep_draft()
            await self._go_to(CONNECT)
            await self.action_test()

    def on_secret_input_copy_refused(self) -> None:
        tell(self, "A secret field is not copied from.")
