"""A question that is answered by typing one line."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from jackfield.tui.widgets.lines import literal
from jackfield.tui.widgets.text_input import TextInput


class Ask(ModalScreen[str | None]):
    """Enter gives what was typed, escape gives None."""

    BINDINGS = [("escape", "dismiss(None)")]
    AUTO_FOCUS = "TextInput"
    DEFAULT_CSS = """
    Ask {
        align: center middle;
        & > Vertical {
            width: 70; max-width: 94%; height: auto; padding: 1 2; background: $panel; border: round $accent;
            & > .question { text-style: bold; margin-bottom: 1; }
            & > .note { color: $text-muted; margin-top: 1; }
        }
        &:ansi > Vertical { background: ansi_default; }
    }
    """

    def __init__(self, question: str, value: str = "", *, note: str = "") -> None:
        super().__init__()
        self._question = literal(question)
        self._value = value
        self._note = literal(note)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._question, classes="question", markup=False)
            yield TextInput(self._value)
            if self._note:
                yield Static(self._note, classes="note", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value)
