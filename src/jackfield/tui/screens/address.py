"""An address to be opened in a browser, perhaps on another device."""

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import Center, Vertical
from textual.screen import ModalScreen

from jackfield.tui.keys import Place, bindings
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.prose import Prose, paragraph
from jackfield.tui.widgets.qr import QrCode


class AddressScreen(ModalScreen[None]):
    """The address, and its QR code where the terminal has room for it."""

    BINDINGS = [*bindings(Place.READING), ("escape,enter", "dismiss(None)")]
    DEFAULT_CSS = """
    AddressScreen {
        background: $background;
        & > Prose { height: auto; }
        & > Vertical { height: 1fr; align: center middle; }
        & Center { height: auto; }
    }
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def compose(self) -> ComposeResult:
        yield Prose(self._above, can_focus=False)
        with Vertical():
            yield Center()
        yield KeyBar("reading.copy", "app.back")

    async def on_mount(self) -> None:
        code, room = QrCode(self._address), self.app.size
        if code.fits(room.width, room.height - 3):
            await self.query_one(Center).mount(code)
        else:
            say = "A QR code of it needs a larger terminal."
            await self.query_one(Center).mount(Prose(lambda width: paragraph(say, width, "muted"), can_focus=False))

    def _above(self, width: int) -> Iterator[Line]:
        yield from paragraph(self._address, width, "accent")
        yield (Span(""),)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "write"

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._address)
