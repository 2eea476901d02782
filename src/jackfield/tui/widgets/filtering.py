"""A field over a list: what is typed narrows the list at once."""

from typing import Any, ClassVar

from textual.binding import BindingType
from textual.screen import Screen, ScreenResultType
from textual.widgets import Input

from jackfield.tui.widgets.paged_list import PagedList


class FilteringScreen(Screen[ScreenResultType]):
    """The field always has the focus; keys that move go on to the list, and enter opens its highlighted row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("down", "move(1)"),
        ("up", "move(-1)"),
        ("pagedown", "page(1)"),
        ("pageup", "page(-1)"),
    ]
    AUTO_FOCUS = "TextInput"
    DEFAULT_CSS = """
    FilteringScreen {
        & PagedList > .list--cursor-blurred {
            color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold;
        }
        &:ansi PagedList > .list--cursor-blurred { text-style: bold; }
        &:nocolor PagedList > .list--cursor-blurred { text-style: bold reverse; }
    }
    """

    @property
    def _list(self) -> PagedList[Any]:
        return self.query_one(PagedList)

    def on_mount(self) -> None:
        self._list.can_focus = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._list.activate_when_read()

    def action_move(self, rows: int) -> None:
        self._list.action_move(rows)

    def action_page(self, pages: int) -> None:
        self._list.action_page(pages)
