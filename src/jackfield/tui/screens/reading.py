"""A text to be read, copied or written to a file."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen

from jackfield.model.errors import UsageError
from jackfield.tui.keys import Place, bindings
from jackfield.tui.widgets.ask import Ask
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line
from jackfield.tui.widgets.notice import tell, tell_error
from jackfield.tui.widgets.prose import Prose
from jackfield.tui.widgets.title_bar import TitleBar


class ReadingScreen(ModalScreen[None]):
    """Lines made for the width at hand; `text` is what copying and writing take."""

    BINDINGS = [*bindings(Place.READING), ("escape,q,enter", "dismiss(None)")]
    DEFAULT_CSS = """
    ReadingScreen { background: $background; & > Prose { height: 1fr; padding: 1 1 0 1; } }
    """

    def __init__(self, *title: str, make: Callable[[int], Iterable[Line]], text: str = "", file: str = "") -> None:
        super().__init__()
        self._title = title
        self._make = make
        self._text = text
        self._file = file

    def compose(self) -> ComposeResult:
        yield TitleBar(*self._title)
        yield Prose(self._make)
        yield KeyBar(*(("reading.copy", "reading.write") if self._text else ()), "app.back")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._text) or action not in {"copy", "write"}

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._text)

    def action_write(self) -> None:
        ask_to_write(self, self._text, self._file)


def ask_to_write(screen: Screen[None] | Screen[str | None], text: str, name: str) -> None:
    """Ask for a file and write `text` to it; a file that is there is never replaced."""
    ask = Ask("Write it to which file?", f"~/{name}", note="A file that exists is not replaced.")
    screen.app.push_screen(ask, partial(_write, screen, text))


def _write(screen: Screen[None] | Screen[str | None], text: str, answer: str | None) -> None:
    if not answer:
        return
    path = Path(answer).expanduser()
    try:
        with path.open("x", encoding="utf-8") as file:
            path.chmod(0o600)
            file.write(text if text.endswith("\n") else text + "\n")
    except FileExistsError:
        tell_error(screen, UsageError(f"{path} exists already.", "Choose another name."))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        tell_error(screen, UsageError(f"{path} cannot be written: {reason}.", "Choose another place."))
    else:
        tell(screen, f"Written to {path}.")
