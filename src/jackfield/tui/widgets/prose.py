"""Text of many lines that fits the width it is given."""

from collections.abc import Callable, Iterable, Iterator
from textwrap import wrap

from textual import events

from jackfield.text import clean
from jackfield.tui.widgets.lines import Line, LineView, Span, fit, literal, width_of

LEAST: int = 16  # cells; narrower than this nothing is worth wrapping


class Prose(LineView, can_focus=True):
    """Lines made for the width at hand, and made again when it changes. Focused, the arrow keys scroll."""

    DEFAULT_CSS = """
    Prose { padding: 0 1; scrollbar-gutter: stable; scrollbar-size-horizontal: 0; }
    """

    def __init__(
        self,
        make: Callable[[int], Iterable[Line]] = lambda _: (),
        *,
        id: str | None = None,
        classes: str | None = None,
        can_focus: bool = True,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._make = make
        self._made_for = -1
        self.can_focus = can_focus

    def show(self, make: Callable[[int], Iterable[Line]]) -> None:
        """Show what `make` gives for a width in cells."""
        self._make, self._made_for = make, -1
        self._remake()

    def on_mount(self) -> None:
        self._remake()

    def on_resize(self, _: events.Resize) -> None:
        self._remake()

    def _remake(self) -> None:
        width = self.scrollable_content_region.width
        if width > 0 and width != self._made_for:
            self._made_for = width
            self.show_lines(self._make(width))


def paragraph(text: str, width: int, tone: str = "", *, first: str = "", sign: str = "") -> Iterator[Line]:
    """`text` in lines of at most `width` cells; before the first stands `first`, or a `sign` in the same tone."""
    before = Span(sign, tone) if sign else Span(first)
    for number, line in enumerate(wrapped(text, width - width_of(before.text))):
        yield (before if number == 0 else Span(" " * width_of(before.text)), Span(line, tone))


def wrapped(text: str, width: int) -> list[str]:
    """Lines of `text`, broken between words where there is room to, at least one."""
    lines: list[str] = []
    for line in clean(text).text.split("\n"):
        lines += wrap(line.replace("\t", "    "), max(LEAST, width), break_on_hyphens=False) or [""]
    return lines


def code(text: str, width: int) -> Iterator[Line]:
    """A snippet as it is, long lines continued under themselves."""
    for line in clean(text, limit=1 << 20).text.replace("\t", "    ").split("\n"):
        words = line.lstrip(" ")
        indent = " " * min(len(line) - len(words), width // 2)
        pieces = wrap(
            words,
            max(LEAST, width),
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_on_hyphens=False,
            replace_whitespace=False,
        )
        yield from ((Span(piece),) for piece in (pieces or [""]))


def pairs(rows: Iterable[tuple[str, str, str]], width: int, *, label: int = 14) -> Iterator[Line]:
    """(label, value, tone of the value) one under the other; values continue under themselves, empty ones are left
    out."""
    for name, value, tone in rows:
        if not value:
            continue
        for number, line in enumerate(wrapped(value, width - label)):
            yield (Span(fit(literal(name) if number == 0 else "", label), "muted"), Span(line, tone))
