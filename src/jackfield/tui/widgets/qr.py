"""A QR code in half blocks: light modules are drawn, so that a dark terminal shows it the right way round."""

import os
from typing import Final

from rich.style import Style
from textual.strip import Strip

from jackfield.services.logins import qr_lines
from jackfield.tui.terminal import is_ascii_only
from jackfield.tui.widgets.lines import LineView, strip_of

_INK: Final = Style(color="#ffffff", bgcolor="#000000")


class QrCode(LineView):
    """The code of one address, as small as it can be; `needed` is what it takes in columns and lines."""

    DEFAULT_CSS = "QrCode { width: auto; height: auto; }"

    def __init__(self, address: str) -> None:
        super().__init__()
        self._rows = qr_lines(address, ascii_only=is_ascii_only(os.environ))
        self.needed = (len(self._rows[0]), len(self._rows)) if self._rows else (0, 0)
        self.styles.width, self.styles.height = self.needed

    def fits(self, columns: int, lines: int) -> bool:
        """Whether there is a code, and room for it."""
        return 0 < self.needed[0] <= columns and self.needed[1] <= lines

    def render_line(self, y: int) -> Strip:
        row = self._rows[y] if y < len(self._rows) else ""
        return strip_of(((row, _INK),), self.size.width, self.rich_style)
