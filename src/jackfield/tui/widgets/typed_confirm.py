"""A question that is too grave for one key."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from jackfield.tui.widgets.lines import literal
from jackfield.tui.widgets.text_input import TextInput

_SHOWN: Final = 8


class TypedConfirm(ModalScreen[bool]):
    """Asks for a word to be typed, with what would happen above it. Escape changes nothing."""

    BINDINGS = [("escape", "dismiss(False)")]
    AUTO_FOCUS = "TextInput"
    DEFAULT_CSS = """
    TypedConfirm {
        align: center middle;
        & > Vertical {
            width: 64; max-width: 90%; height: auto; padding: 1 2; background: $panel; border: round $state-failed;
            & > .question { text-style: bold; }
            & > .consequences { margin-top: 1; }
            & > .asked { color: $text-muted; margin: 1 0; }
            & > TextInput, & > TextInput:focus { background: $surface; }
        }
        &:ansi > Vertical { background: ansi_default; }
    }
    """

    def __init__(self, question: str, consequences: Sequence[str], *, word: str) -> None:
        super().__init__()
        self._question = literal(question)
        self._consequences = [literal(line) for line in consequences]
        self._word = literal(word)

    def compose(self) -> ComposeResult:
        lines = self._consequences[:_SHOWN]
        if more := len(self._consequences) - len(lines):
            lines.append(f"… and {more} more")
        with Vertical():
            yield Static(self._question, classes="question", markup=False)
            yield Static("\n".join(lines), classes="consequences", markup=False)
            yield Static(f"Type  {self._word}  to do it, esc to leave it.", classes="asked", markup=False)
            yield TextInput()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() == self._word:
            self.dismiss(True)
        else:
            self.query_one(".asked", Static).update(Content(f"That is not  {self._word}  yet; esc leaves everything."))
