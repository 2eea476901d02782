"""A question before something is lost."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from jackfield.tui.keys import Place, bindings
from jackfield.tui.widgets.lines import literal

_SHOWN: Final = 8


class Confirm(ModalScreen[bool]):
    """Asks, with what would happen under it. The answer that changes nothing has the focus."""

    BINDINGS = bindings(Place.CONFIRM)
    AUTO_FOCUS = "#no"
    DEFAULT_CSS = """
    Confirm {
        align: center middle;
        & > Vertical {
            width: 64; max-width: 90%; height: auto; padding: 1 2; background: $panel; border: round $state-limited;
            & > .question { text-style: bold; }
            & > .consequences { color: $text-muted; margin-top: 1; }
            & > Horizontal { height: 1; margin-top: 1; align-horizontal: right; }
        }
        &:ansi > Vertical { background: ansi_default; }
        &:ansi Button:focus { background: ansi_default; color: ansi_default; text-style: bold reverse; }
        & Button {
            height: 1; min-width: 8; border: none; margin-left: 2; background: $surface; color: $foreground;
            &:focus { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
            &:nocolor:focus { text-style: bold reverse; }
        }
    }
    """

    def __init__(self, question: str, consequences: Sequence[str] = (), *, yes: str = "Yes", no: str = "No") -> None:
        super().__init__()
        self._question = literal(question)
        self._consequences = [literal(line) for line in consequences]
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        lines = self._consequences[:_SHOWN]
        if more := len(self._consequences) - len(lines):
            lines.append(f"… and {more} more")
        with Vertical():
            yield Static(self._question, classes="question", markup=False)
            if lines:
                yield Static("\n".join(lines), classes="consequences", markup=False)
            with Horizontal():
                yield Button(f"{self._no} (n)", id="no", compact=True)
                yield Button(f"{self._yes} (y)", id="yes", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001  Textual passes what the binding says
        self.dismiss(answer)
