"""What is shown where nothing else fits."""

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static


class TooSmall(ModalScreen[None]):
    """Asks for a larger terminal; goes by itself when there is one."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; & > Static { width: auto; text-align: center; } }
    """

    def __init__(self, columns: int, lines: int) -> None:
        super().__init__()
        self._smallest = columns, lines
        self._needed = f"Jackfield needs {columns} columns\nand {lines} lines.\nMake the window larger."

    def compose(self) -> ComposeResult:
        yield Static(self._needed, markup=False)

    def on_resize(self) -> None:
        self._go_when_there_is_room()

    def on_screen_resume(self) -> None:
        self._go_when_there_is_room()

    def _go_when_there_is_room(self) -> None:
        width, height = self.app.size
        if self.is_current and width >= self._smallest[0] and height >= self._smallest[1]:
            self.dismiss(None)
