"""Going anywhere on a screen by one or two letters, which are drawn over it as it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Protocol, runtime_checkable

from rich.segment import Segment
from textual import events
from textual.errors import NoWidget
from textual.geometry import Offset, Region
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widget import Widget

LETTERS: Final = "asdfghjklqwertyuiopzxcvbnm"


@runtime_checkable
class HasRows(Protocol):
    """A widget with places inside it that can be gone to, one a line."""

    def jump_rows(self) -> Iterator[tuple[Offset, int]]:
        """Where the letter of each row that is in view is drawn, in cells from the widget's corner, and its number."""

    def jump_to(self, row: int) -> None:
        """Be at this row."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to go to: where its letters are drawn, and what goes there."""

    place: Offset
    go: partial[None]


def targets(screen: Screen[object]) -> tuple[Target, ...]:
    """What can be gone to on a screen, top to bottom: each row in view, and whatever else takes the focus."""
    found = [target for widget in screen.query("*").results(Widget) for target in _of(screen, widget)]
    return tuple(sorted(found, key=lambda target: (target.place.y, target.place.x)))


def _of(screen: Screen[object], widget: Widget) -> Iterator[Target]:
    try:
        drawn = screen.find_widget(widget)
    except NoWidget:  # it is not shown
        return
    seen = drawn.visible_region
    if isinstance(widget, HasRows):
        for offset, row in widget.jump_rows():
            if seen.contains_point(place := drawn.region.offset + offset):
                yield Target(place, partial(_go, widget, row))
    elif widget.focusable and seen:
        yield Target(seen.offset, partial(_go, widget))


def _go(widget: Widget, row: int | None = None) -> None:
    if widget.focusable:  # the list of a picker never has the focus
        widget.screen.set_focus(widget)
    if row is not None and isinstance(widget, HasRows):
        widget.jump_to(row)


def labels(number: int) -> list[str]:
    """So many labels, none of which another begins with: one letter each as far as they reach, then two."""
    most = len(LETTERS)
    firsts = min(most, max(0, -(-(number - most) // (most - 1))))  # letters that begin a label of two
    singles, pairs = LETTERS[: most - firsts], LETTERS[most - firsts :]
    return [*singles, *(first + second for first in pairs for second in LETTERS)][:number]


class JumpScreen(ModalScreen[Target | None]):
    """Draws letters over the screen below, which keeps its layout, and gives the target whose letters are typed."""

    BINDINGS = [("escape", "dismiss(None)")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"jump--letter"}
    DEFAULT_CSS = """
    JumpScreen {
        background: transparent;
        & > .jump--letter { color: $background; background: $state-limited; text-style: bold; }
        &:ansi > .jump--letter { color: ansi_default; background: ansi_default; text-style: bold reverse; }
    }
    """

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._below = below
        self._label()

    def _label(self) -> None:
        """Give letters to what is there now; what was typed belongs to those before."""
        found = targets(self._below)
        self._targets = dict(zip(labels(len(found)), found, strict=False))
        self._typed = ""
        self._made_for = self._below.size

    def on_mount(self) -> None:
        self._below.screen_layout_refresh_signal.subscribe(self, self._follow)

    def _follow(self, _: Screen[object]) -> None:
        """Where the terminal has another size, what is below stands elsewhere."""
        if self._below.size != self._made_for:
            self._label()
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        for label, target in self._targets.items():
            row = target.place.y - crop.y
            if label.startswith(self._typed) and 0 <= row < len(strips):
                strips[row] = self._lettered(strips[row], target.place.x - crop.x, label[len(self._typed) :])
        return strips

    def _lettered(self, strip: Strip, x: int, letters: str) -> Strip:
        end = min(x + len(letters), strip.cell_length)
        style = self.get_component_rich_style("jump--letter")
        drawn = Strip([Segment(letters[: end - x], style)], end - x)
        return Strip.join([strip.crop(0, x), drawn, strip.crop(end)])

    def on_key(self, event: events.Key) -> None:
        """Take a letter; one that begins no label is passed over."""
        typed = self._typed + (event.character or "").lower()
        if not event.is_printable or not any(label.startswith(typed) for label in self._targets):
            return
        event.stop()
        if typed in self._targets:
            self.dismiss(self._targets[typed])
        else:
            self._typed = typed
            self.refresh()
