"""A question that is answered by a secret, masked while it is typed or pasted."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from jackfield.model.secret import Secret
from jackfield.tui.widgets.lines import literal
from jackfield.tui.widgets.secret_input import SecretInput


class AskSecret(ModalScreen[Secret | None]):
    """Enter gives the secret, escape or an empty field gives None."""

    BINDINGS = [("escape", "dismiss(None)")]
    AUTO_FOCUS = "SecretInput"
    DEFAULT_CSS = """
    AskSecret {
        align: center middle;
        & > Vertical {
            width: 70; max-width: 94%; height: auto; padding: 1 2; background: $panel; border: round $accent;
            & > .question { text-style: bold; margin-bottom: 1; }
            & > .note { color: $text-muted; margin-top: 1; }
            & > SecretInput, & > SecretInput:focus { background: $surface; height: 1; }
        }
        &:ansi > Vertical { background: ansi_default; }
    }
    """

    def __init__(self, question: str, *, note: str) -> None:
        super().__init__()
        self._question = literal(question)
        self._note = literal(note)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._question, classes="question", markup=False)
            yield SecretInput()
            yield Static(self._note, classes="note", markup=False)

    def on_secret_input_submitted(self, event: SecretInput.Submitted) -> None:
        event.stop()
        value = event.control.value
        self.dismiss(value if isinstance(value, Secret) and value.reveal() else None)
