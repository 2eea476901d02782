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
        self._needed = f"Jackfield needs {columns} columns\nand {lines} lines.\nMake the window larger."

    def compose(self) -> ComposeResult:
        yield Static(self._needed, markup=False)
