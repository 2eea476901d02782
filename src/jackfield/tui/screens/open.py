"""The screen behind the door."""

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.title_bar import TitleBar


class OpenScreen(Screen[None]):
    """Says that the vault is open."""

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", facts=("open",))
        yield Static("\n  The vault is open.", markup=False)
        yield KeyBar("app.lock", "app.theme", "app.quit")
