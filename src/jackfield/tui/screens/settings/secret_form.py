"""A small window that asks for secrets and does one thing with them, in a thread."""

from asyncio import to_thread
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from jackfield.model.errors import JackfieldError, WrongPassphrase
from jackfield.model.secret import Secret
from jackfield.tui.screens.locked import judged
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.lines import literal
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.secret_input import SecretInput
from jackfield.tui.widgets.text_input import TextInput

Result = TypeVar("Result")
Typed = Mapping[str, Secret]
"""Field → what is typed there; the name of a file too."""
Keep = Callable[[Secret, Secret], object]
"""Takes the passphrase of now, empty where it is not asked, and the new one. Raises JackfieldError."""

_KEYS: Final = "↵ goes on, esc leaves it."


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the window. `id` names its field; one that is no secret is a file's name."""

    id: str
    label: str
    secret: bool = True


class SecretForm(WorkingScreen[Result | None], ModalScreen[Result | None], Generic[Result]):
    """Gives what `keep` gave, or None. Enter goes to the next field, and after the last one it is done."""

    LEADS_ON = False
    BINDINGS = [("escape", "leave"), ("up", "app.focus_previous"), ("down", "app.focus_next")]
    AUTO_FOCUS = "SecretInput, TextInput"
    DEFAULT_CSS = """
    SecretForm {
        align: center middle; background: $background 60%;
        &:ansi { background: transparent; }
        & > Vertical {
            width: 74; max-width: 96%; height: auto; max-height: 96%; padding: 1 2;
            background: $panel; border: round $accent;
            & > .title { text-style: bold; margin-bottom: 1; }
            & > .about { color: $text-muted; margin-bottom: 1; }
            & > VerticalScroll { height: auto; max-height: 8; scrollbar-size-vertical: 1; }
            & Horizontal { height: auto; & > Static { width: 26; color: $text-muted; } }
            & SecretInput, & TextInput { width: 1fr; background: $panel; }
            & SecretInput:focus, & TextInput:focus { background: $surface; }
            & > #said { margin-top: 1; color: $text-muted; height: auto; min-height: 2; }
            & > #said.trouble { color: $state-failed; }
        }
        &:ansi > Vertical { background: ansi_default; }
    }
    """

    def __init__(self, title: str, about: str, fields: Sequence[Asked]) -> None:
        super().__init__()
        self._heading = literal(title)
        self._about = literal(about)
        self._fields = tuple(fields)
        self._busy = False

    # What a subclass says

    def problem(self, typed: Typed) -> str:
        """Why it cannot be done with what is typed; empty when it can."""
        raise NotImplementedError

    def keep(self, typed: Typed) -> Result:
        """Do it, in a thread. Raises JackfieldError."""
        raise NotImplementedError

    def busy_words(self) -> str:
        """What is said while it is done."""
        return "Deriving the keys: this takes about a second, on purpose."

    def hint(self, typed: Typed) -> str:
        """What is said while it is typed."""
        return _KEYS

    # What they share

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._heading, classes="title", markup=False)
            yield Static(self._about, classes="about", markup=False)
            with VerticalScroll(can_focus=False):
                for field in self._fields:
                    with Horizontal():
                        yield Static(literal(field.label), markup=False)
                        yield SecretInput(id=field.id) if field.secret else TextInput(id=field.id)
            yield Static(_KEYS, id="said", markup=False)

    @property
    def typed(self) -> Typed:
        """What is typed now."""
        return {field.id: self._value(field) for field in self._fields}

    def _value(self, field: Asked) -> Secret:
        if not field.secret:
            return Secret(self.query_one(f"#{field.id}", TextInput).value.strip())
        value = self.query_one(f"#{field.id}", SecretInput).value
        return value if isinstance(value, Secret) else Secret("")

    def on_secret_input_changed(self, event: SecretInput.Changed) -> None:
        event.stop()
        self._say(self.hint(self.typed))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say(self.hint(self.typed))

    def on_secret_input_submitted(self, event: SecretInput.Submitted) -> None:
        event.stop()
        self._go_on(event.control)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._go_on(event.control)

    def on_secret_input_copy_refused(self) -> None:
        tell(self, "A secret field is not copied from.")

    def _go_on(self, here: Widget) -> None:
        ids = [field.id for field in self._fields]
        following = ids[ids.index(here.id or "") + 1 :]
        if following:
            self.screen.set_focus(self.query_one(f"#{following[0]}"))
        else:
            self.do_it()

    def do_it(self) -> None:
        """Do it with what is typed, unless that is wrong or it is being done already."""
        if self._busy:
            return
        typed = self.typed
        if problem := self.problem(typed):
            self._say(problem, trouble=True)
            return
        self._busy = True
        self._say(self.busy_words())
        self.work(self._keep, typed, group="keep", exclusive=True)

    async def _keep(self, typed: Typed) -> None:
        try:
            done = await to_thread(self.keep, typed)
        except WrongPassphrase as error:  # no sign that the vault was locked, as its kin are
            self.after_error(error)
        else:
            self.dismiss(done)

    def after_error(self, error: JackfieldError) -> None:
        self._busy = False
        self._say("\n".join(filter(None, (error.message, error.next_step))), trouble=True)

    def after_fault(self, worker: Worker[None]) -> None:
        self.after_error(JackfieldError("It was not done.", "Try again."))

    def action_leave(self) -> None:
        if self._busy:
            self._say("It is under way, and is not left half done.")
        else:
            self.dismiss(None)

    def _say(self, text: str, *, trouble: bool = False) -> None:
        said = self.query_one("#said", Static)
        said.set_class(trouble, "trouble")
        said.update(Content(text))

    def focus_again(self, field_id: str) -> None:
        """Empty a masked field and begin there again."""
        field = self.query_one(f"#{field_id}", SecretInput)
        with self.prevent(SecretInput.Changed):
            field.replace(Secret(""))
        self.screen.set_focus(field)


NEW: Final = (Asked("new", "New passphrase"), Asked("again", "Again"))


class NewPassphraseForm(SecretForm[bool]):
    """Asks twice for a new passphrase, says how good it is, and keeps it."""

    def __init__(self, title: str, about: str, keep: Keep, before: Iterable[Asked] = ()) -> None:
        super().__init__(title, about, (*before, *NEW))
        self._do = keep

    def problem(self, typed: Typed) -> str:
        from jackfield.vault.passphrase import require_passphrase

        try:
            require_passphrase(typed["new"])
        except JackfieldError as error:
            return str(error)
        return "" if typed["new"] == typed["again"] else "The two are not the same: type the second again."

    def hint(self, typed: Typed) -> str:
        return judged(typed["new"], typed["again"]) if typed["new"] else super().hint(typed)

    def keep(self, typed: Typed) -> bool:
        self._do(typed.get("old", Secret("")), typed["new"])
        return True

    def after_error(self, error: JackfieldError) -> None:
        super().after_error(error)
        if isinstance(error, WrongPassphrase):
            self.focus_again("old")
