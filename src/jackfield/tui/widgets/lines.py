"""Drawing by the line: rows of short literal texts, each in one tone, of which only the changed ones are repainted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, NamedTuple, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from jackfield.text import clean

TONES: Final = {
    "passed": "state-passed",
    "limited": "state-limited",
    "unproven": "state-unproven",
    "failed": "state-failed",
    "untested": "state-untested",
    "muted": "text-muted",
    "accent": "accent",
    "rule": "rule",
    "strong": "",
}
"""What a piece of text may be drawn like: the theme's variable that is its colour; `strong` is bold instead."""


class Span(NamedTuple):
    """A piece of one line. `tone` is one of TONES; empty is ordinary text."""

    text: str
    tone: str = ""


Line = Sequence[Span]
_BOLD: Final = Style(bold=True)
Sender = TypeVar("Sender")


@dataclass
class WidgetMessage(Message, Generic[Sender]):
    """What a widget posts: `control` is the widget, so that a handler can select by its id."""

    widget: Sender

    @property
    def control(self) -> Sender:  # type: ignore[override]  # narrower than Textual's optional widget
        return self.widget


def literal(text: str) -> str:
    """`text` as one line that cannot act on a terminal; every sink of this package passes it."""
    return text if text.isprintable() else clean(text, lines=False).text


def width_of(text: str) -> int:
    """Terminal cells that `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    taken = width_of(text)
    if taken <= width:
        return text + " " * (width - taken)
    return set_cell_size(text, width - 1) + "…"


def strip_of(pieces: Iterable[tuple[str, Style]], width: int, fill: Style) -> Strip:
    """One line of exactly `width` cells; neighbours of one style become one segment, which is what is sent."""
    segments: list[Segment] = []
    text, style, used = "", fill, 0
    for piece, piece_style in pieces:
        room = width - used
        if room <= 0:
            break
        if (cells := width_of(piece)) > room:
            piece, cells = fit(piece, room), room  # noqa: PLW2901  the piece that crosses the edge is cut
        used += cells
        if piece_style == style or not piece:
            text += piece
            continue
        if text:
            segments.append(Segment(text, style))
        text, style = piece, piece_style
    if used < width and style == fill:
        text += " " * (width - used)
    if text:
        segments.append(Segment(text, style))
    if used < width and style != fill:
        segments.append(Segment(" " * (width - used), fill))
    return Strip(segments, width)


@lru_cache(maxsize=256)
def _colored(base: Style, color: str) -> Style:
    return base + Style(color=Color.parse(color).rich_color)


class LineView(ScrollView, can_focus=False):
    """A widget drawn by the line, with the tones of the theme. Subclasses give lines with `show_lines`."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LineView {
        width: 1fr; height: auto; overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown, top to bottom."""
        return self._lines

    def show_lines(self, lines: Iterable[Line]) -> None:
        """Show these lines; only those that differ from what is there are painted again."""
        before, self._lines = self._lines, tuple(tuple(line) for line in lines)
        if len(before) != len(self._lines):
            self.virtual_size = Size(self.size.width, len(self._lines))
            self.refresh(layout=self.styles.is_auto_height)
            return
        for number, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, number - self.scroll_offset.y, self.size.width, 1))

    def tone(self, tone: str, base: Style) -> Style:
        """`base` in the colour of `tone`; an unknown or empty tone is `base` itself."""
        if tone == "strong":
            return base + _BOLD
        variable = TONES.get(tone)
        return _colored(base, self.app.theme_variables[variable]) if variable else base

    def mark(self, base: Style) -> tuple[tuple[str, Style], ...]:
        """The piece that a title begins with where the app's `sub_title` marks every screen: that this is a demo."""
        text = literal(self.app.sub_title)
        return ((f" {text} ", self.tone("strong", base) + Style(reverse=True)),) if text else ()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return max((sum(width_of(span.text) for span in line) for line in self._lines), default=0)

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        base = self.rich_style
        width = self.scrollable_content_region.width
        line = self._lines[number] if number < len(self._lines) else ()
        return strip_of(((literal(span.text), self.tone(span.tone, base)) for span in line), width, base)
