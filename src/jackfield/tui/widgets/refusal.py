"""What was not done, with all that stands against it."""

from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from jackfield.model.errors import InUse
from jackfield.tui.widgets.lines import literal

_SHOWN: Final = 12


class Refusal(ModalScreen[None]):
    """The cause, everything that is in the way, and the next step. Any of the leaving keys closes it."""

    BINDINGS = [("escape,enter,q,space", "dismiss(None)")]
    DEFAULT_CSS = """
    Refusal {
        align: center middle;
        & > Vertical {
            width: 64; max-width: 90%; height: auto; padding: 1 2; background: $panel; border: round $state-limited;
            & > .cause { text-style: bold; }
            & > .uses { margin-top: 1; }
            & > .next { color: $text-muted; margin-top: 1; }
        }
        &:ansi > Vertical { background: ansi_default; }
    }
    """

    def __init__(self, error: InUse) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        uses = [literal(use) for use in self._error.uses]
        lines = uses[:_SHOWN] + ([f"… and {len(uses) - _SHOWN} more"] if len(uses) > _SHOWN else [])
        with Vertical():
            yield Static(literal(self._error.message), classes="cause", markup=False)
            yield Static("\n".join(lines), classes="uses", markup=False)
            yield Static(f"{literal(self._error.next_step)}  esc closes this.", classes="next", markup=False)
