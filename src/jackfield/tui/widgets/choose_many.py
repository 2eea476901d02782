"""A question that is answered by some of several options."""

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from jackfield.tui.keys import key_shown, keys_of
from jackfield.tui.widgets.choice import ChoiceList, Option
from jackfield.tui.widgets.lines import literal


class ChooseMany(ModalScreen[frozenset[str] | None]):
    """Enter gives the ids of what is chosen, escape gives None."""

    BINDINGS = [("escape", "dismiss(None)")]
    AUTO_FOCUS = "ChoiceList"
    DEFAULT_CSS = """
    ChooseMany {
        align: center middle;
        & > Vertical {
            width: 58; max-width: 94%; height: auto; max-height: 90%; padding: 1 2;
            background: $panel; border: round $accent;
            & > .question { text-style: bold; margin-bottom: 1; }
            & > ChoiceList, & > ChoiceList:focus { background: $panel; }
            & > .note { color: $text-muted; margin-top: 1; }
        }
        &:ansi > Vertical, &:ansi ChoiceList, &:ansi ChoiceList:focus { background: ansi_default; }
    }
    """

    def __init__(self, question: str, options: Sequence[Option], chosen: Iterable[str], *, note: str = "") -> None:
        super().__init__()
        self._question = literal(question)
        self._options = options
        self._chosen = frozenset(chosen)
        self._note = literal(note)

    def compose(self) -> ComposeResult:
        keys = getattr(self.app, "key_map", {})
        choose, accept = (key_shown(keys_of(name, keys)[0]) for name in ("choice.choose", "choice.accept"))
        with Vertical():
            yield Static(self._question, classes="question", markup=False)
            yield ChoiceList(self._options, chosen=self._chosen, multiple=True)
            said = f"{self._note}\n{choose} chooses · {accept} keeps · esc leaves it as it was"
            yield Static(said.strip(), classes="note", markup=False)

    def on_choice_list_accepted(self, event: ChoiceList.Accepted) -> None:
        event.stop()
        self.dismiss(event.chosen)
