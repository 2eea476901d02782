"""Choosing from a few: one of them, any of them, or yes or no."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.geometry import Offset
from textual.reactive import reactive

from jackfield.tui.keys import Place, bindings
from jackfield.tui.widgets.lines import Line, LineView, Span, WidgetMessage


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose. `note` stands muted behind the title; `warning` says why to think twice."""

    id: str
    title: str
    note: str = ""
    warning: str = ""


class ChoiceList(LineView, can_focus=True):
    """Options under each other; `multiple` shows boxes instead of circles. Space chooses; enter chooses and goes on."""

    BINDINGS = bindings(Place.CHOICE)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"choice--cursor"}
    DEFAULT_CSS = """
    ChoiceList:focus { background: $surface; }
    """

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """Position of the option the keys act on."""

    @dataclass
    class Changed(WidgetMessage["ChoiceList"]):
        """The choice is another one."""

        chosen: frozenset[str]

    @dataclass
    class Accepted(WidgetMessage["ChoiceList"]):
        """Enter: what is chosen is meant."""

        chosen: frozenset[str]

    def __init__(
        self,
        options: Sequence[Option],
        *,
        chosen: Iterable[str] = (),
        multiple: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._options = tuple(options)
        self._multiple = multiple
        self._chosen = set(chosen)
        self.show_lines(self._drawn())

    @property
    def chosen(self) -> frozenset[str]:
        """Ids of what is chosen."""
        return frozenset(self._chosen)

    @property
    def current(self) -> Option | None:
        """The option the keys act on."""
        return self._options[self.cursor] if self._options else None

    def set_options(self, options: Sequence[Option], *, chosen: Iterable[str] = ()) -> None:
        """Offer other options; what is chosen is given anew."""
        self._options = tuple(options)
        self._chosen = set(chosen)
        self.set_reactive(ChoiceList.cursor, self.validate_cursor(self.cursor))
        self.show_lines(self._drawn())

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(len(self._options) - 1, cursor))

    def watch_cursor(self) -> None:
        self.show_lines(self._drawn())
        top, height = self.scroll_offset.y, max(1, self.size.height)
        self.scroll_to(y=min(max(top, self.cursor - height + 1), self.cursor), animate=False)

    def _drawn(self) -> Iterable[Line]:
        signs = ("[x]", "[ ]") if self._multiple else ("(•)", "( )")
        for number, option in enumerate(self._options):
            here = number == self.cursor and self.has_focus
            yield (
                Span("› " if here else "  ", "accent"),
                Span(signs[0 if option.id in self._chosen else 1], "accent" if here else ""),
                Span(f" {option.title}", "strong" if here else ""),
                Span(f"  {option.note}" if option.note else "", "muted"),
                Span(f"  ⚠ {option.warning}" if option.warning else "", "limited"),
            )

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001  as Textual has it
        super().watch_has_focus(_has_focus)
        self.show_lines(self._drawn())

    def jump_rows(self) -> Iterator[tuple[Offset, int]]:
        """The options in view, each with the cell in the margin that its letter goes to."""
        top = self.scroll_offset.y
        for number in range(top, min(len(self._options), top + self.size.height)):
            yield Offset(0, number - top), number

    def jump_to(self, row: int) -> None:
        """Let the keys act on this option."""
        self.cursor = row

    def on_click(self, event: events.Click) -> None:
        position = self.scroll_offset.y + event.y
        if position < len(self._options):
            self.cursor = position
            self.action_choose()

    def action_move(self, by: int) -> None:
        """Move; past the first and the last option the key is left to whatever is around."""
        if self.validate_cursor(self.cursor + by) == self.cursor:
            raise SkipAction
        self.cursor += by

    def action_choose(self) -> None:
        option = self.current
        if option is None:
            return
        before = self.chosen
        if self._multiple:
            self._chosen ^= {option.id}
        else:
            self._chosen = {option.id}
        if self.chosen != before:
            self.show_lines(self._drawn())
            self.post_message(self.Changed(self, self.chosen))

    def action_accept(self) -> None:
        if not self._multiple:
            self.action_choose()
        self.post_message(self.Accepted(self, self.chosen))


class Toggle(ChoiceList):
    """One thing that is on or off."""

    def __init__(self, title: str, *, on: bool = False, note: str = "", id: str | None = None) -> None:
        super().__init__((Option("on", title, note),), chosen=("on",) if on else (), multiple=True, id=id)

    @property
    def on(self) -> bool:
        """Whether it is on."""
        return "on" in self.chosen
