"""A source identity being typed: its name, the fields of its kind, the guide to them, and the test."""

from asyncio import to_thread
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Final

from textual.app import ComposeResult

from jackfield.checks.request import OnProgress
from jackfield.model.errors import InvalidField, JackfieldError
from jackfield.model.names import require_slug
from jackfield.services.engine import Engine, Job
from jackfield.services.identity_form import IdentityForm, save_identity
from jackfield.services.session import Session
from jackfield.tui.keys import Place, bindings
from jackfield.tui.live import CheckEnded, CheckTold
from jackfield.tui.screens.form.connect import ConnectStep
from jackfield.tui.screens.form.rows import FormRow, label_width, text_editor
from jackfield.tui.screens.form.step import Step
from jackfield.tui.screens.form.trying import FormTest
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, literal
from jackfield.tui.widgets.notice import tell, tell_error
from jackfield.tui.widgets.prose import Prose, paragraph
from jackfield.tui.widgets.title_bar import TitleBar

_NAME: Final = "name|"  # the key of the row that is no field
_ACTIONS: Final = frozenset({"test", "cancel_test", "save", "copy"})  # of the form, those that mean something here
_NAMES: Final = "a-z, 0-9 and hyphens, such as aws-hub"


class IdentityTest(FormTest):
    """Tests what is typed by the provider's own check of a source identity."""

    def __init__(self, session: Session, engine: Engine, form: IdentityForm, screen: "IdentityFormScreen") -> None:
        super().__init__(session, engine, form, screen)
        self._identity = form

    def prepared(self) -> Callable[[OnProgress], Job]:
        form, identities = self._identity, self._session.identities
        for problem in form.problems():
            raise problem
        slug, kind, values, private = form.provider.slug, form.method_id, form.values(), form.private_allowed
        return lambda told: self._engine.run(
            lambda network: identities.test_fields(slug, kind, values, network, told, private_allowed=private)
        )


class IdentityFormScreen(WorkingScreen[str | None]):
    """Makes a source identity, or gives one other fields; gives its id, or None when it was left."""

    LEADS_ON = False
    CSS_PATH: ClassVar[Path] = Path(__file__).parents[2] / "styles" / "settings.tcss"
    BINDINGS = [
        *bindings(Place.FORM),
        ("escape", "leave"),
        ("down", "app.focus_next"),
        ("up", "app.focus_previous"),
    ]
    AUTO_FOCUS = None

    def __init__(self, session: Session, engine: Engine, form: IdentityForm) -> None:
        super().__init__()
        self._session = session
        self._form = form
        self._typed_any = False
        self._test = IdentityTest(session, engine, form, self)

    def compose(self) -> ComposeResult:
        form = self._form
        what = f"new keys of {form.replaces.name}" if form.replaces else "new"
        width = label_width(["Private addresses", *(field.label for field in form.asked())])  # as the step has it
        yield TitleBar("source identities", what, facts=(f"{form.provider.name} · {form.method.name}",))
        yield Prose(self._guide, id="guide", can_focus=False)
        if form.replaces is None:
            yield FormRow(_NAME, "Name", text_editor("", _NAMES), width=width, optional=False)
        yield ConnectStep(form, lambda _: ())
        yield KeyBar()

    def on_mount(self) -> None:
        self._show_check()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        names = [row for row in self.query(FormRow) if row.key == _NAME]
        if names:
            self.screen.set_focus(names[0].editor)
        else:
            self._step.begin()

    @property
    def _step(self) -> ConnectStep:
        return self.query_one(ConnectStep)

    def _guide(self, width: int) -> Iterator[Line]:
        for number, step in enumerate(self._form.guide(), 1):
            yield from paragraph(step, width, "muted", first=f"{number} ")
        if self._form.method.note:
            yield from paragraph(self._form.method.note, width, "muted")

    # What is typed

    def on_form_row_edited(self, event: FormRow.Edited) -> None:
        """The name; the step has taken every other row."""
        event.stop()
        if event.row.key == _NAME and isinstance(event.value, str):
            self._form.name = event.value.strip()
            self._typed_any = self._typed_any or bool(event.value)
            event.row.mark(self._name_problem() is None if event.value else None)

    def on_form_row_submitted(self, event: FormRow.Submitted) -> None:
        event.stop()
        if problem := self._name_problem():
            tell_error(self, problem)
        else:
            self._step.begin()

    def _name_problem(self) -> InvalidField | None:
        try:
            require_slug(self._form.name)
        except InvalidField as error:
            return error
        return None

    def on_step_changed(self, event: Step.Changed) -> None:
        event.stop()
        self._typed_any = True

    def on_step_done(self, event: Step.Done) -> None:
        """Enter after the last field tests; once that is over, it saves."""
        event.stop()
        if self._test.trial is None:
            self.action_test()
        else:
            self.action_save()

    def on_secret_input_copy_refused(self) -> None:
        tell(self, "A secret field is not copied from.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel_test":
            return self._test.check is not None
        ids = {"next", "previous", "write", "qr", "pick", "difference", "log_in"}
        return action not in ids or action in _ACTIONS

    def action_copy(self) -> None:
        """The vendor's page where such keys are made."""
        self.app.copy_to_clipboard(self._form.provider.documentation.credentials)

    # The test

    def action_test(self) -> None:
        """Test what is typed; a test under way is cancelled first."""
        try:
            self._test.begin()
        except InvalidField as problem:
            self._step.focus_on(problem)
        except JackfieldError as error:
            self._step.view.show_error(error)
        self._show_check()

    def _show_check(self) -> None:
        """Show the test under way, or the last one, and the keys that go with it."""
        running, last = self._test.check, self._test.last
        tested = running is not None or last is not None
        self._step.show_tested(tested=tested)
        self.query_one("#guide").display = not tested
        words = {"form.copy": "copy the vendor's address", "form.cancel-test": "cancel", "form.save": "save"}
        if running is not None:
            self._step.view.follow(running, {}, ())
        elif last is not None:
            self._step.view.show_result(last.result, {})
            words["form.test"] = "test again"
        first = "form.cancel-test" if running is not None else "form.test"
        self.query_one(KeyBar).show_actions(first, "form.save", "secret.reveal", "app.back", words=words)

    def on_check_told(self, event: CheckTold) -> None:
        event.stop()
        if self._test.take(event):
            self._step.view.step_on(event.check)

    def on_check_ended(self, event: CheckEnded) -> None:
        event.stop()
        if not self._test.end(event):
            return
        self._show_check()
        if event.end.error is not None:
            self._step.view.show_error(event.end.error)
        elif event.result is None:
            self._step.view.show_cancelled()

    def action_cancel_test(self) -> None:
        if self._test.cancel():
            self._show_check()
            self._step.view.show_cancelled()

    # Saving and leaving

    def action_save(self) -> None:
        self.work(self._save, group="save", exclusive=True)

    async def _save(self) -> None:
        """Save; without a passed test only when the user says so."""
        problem = next(iter(self._form.problems()), None)
        if (wrong := self._name_problem()) is not None:
            tell_error(self, wrong)
            return self._begin()
        if problem is not None:
            return self._step.focus_on(problem)
        trial = self._test.trial
        failure = trial.result.failure if trial is not None else None
        question = Confirm("Save it without a test?", ("Tested now, it would say who it is.",), yes="Save")
        if failure is not None:
            question = Confirm(f"Save it though its test failed ({failure.kind})?", (failure.message,), yes="Save")
        if (trial is None or failure is not None) and not await self.is_confirmed(question):
            return None
        saved = await to_thread(save_identity, self._session, self._form, self._test.trial)
        tell(self.app, f"Saved {literal(saved.name)}.")
        self.dismiss(saved.id)
        return None

    def action_leave(self) -> None:
        """Out of the test, then out of the form; what was typed is lost only when that was said."""
        if self._test.check is not None:
            self.action_cancel_test()
        elif self._typed_any:
            question = Confirm("Leave it unsaved?", ("What was typed is gone then.",), yes="Leave")
            self.app.push_screen(question, self._leave_if)
        else:
            self.dismiss(None)

    def _leave_if(self, wanted: bool | None) -> None:  # noqa: FBT001 - the answer of a question
        if wanted:
            self.dismiss(None)
