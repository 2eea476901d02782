"""Choosing one of a few on a single line."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events

from jackfield.tui.keys import Place, bindings
from jackfield.tui.widgets.choice import Option
from jackfield.tui.widgets.lines import Line, LineView, Span, WidgetMessage, width_of

YES_OR_NO: Sequence[Option] = (Option("true", "yes"), Option("false", "no"))
_GAP = "   "


class OptionLine(LineView, can_focus=True):
    """`(•) Access key   ( ) Assume role`, or `‹ Access key ›  1 of 4` where they do not all fit.

    Left and right choose; enter goes on.
    """

    BINDINGS = bindings(Place.OPTION)
    DEFAULT_CSS = """
    OptionLine {
        height: 1; overflow-y: hidden; padding: 0 1;
        &:focus { background: $panel; }
        &:ansi:focus { text-style: underline; }
        &:nocolor:focus { text-style: underline; }
    }
    """

    @dataclass
    class Changed(WidgetMessage["OptionLine"]):
        """Another one is chosen."""

        chosen: str

    @dataclass
    class Accepted(WidgetMessage["OptionLine"]):
        """Enter: the choice is meant."""

        chosen: str

    def __init__(
        self, options: Sequence[Option], chosen: str = "", *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._options = tuple(options)
        self._at = next((number for number, option in enumerate(self._options) if option.id == chosen), 0)

    @property
    def chosen(self) -> str:
        """The id of what is chosen."""
        return self._options[self._at].id

    def choose(self, option_id: str) -> None:
        """Choose without telling anyone."""
        self._at = next(number for number, option in enumerate(self._options) if option.id == option_id)
        self._draw()

    def _draw(self) -> None:
        self.show_lines([self._line(self.scrollable_content_region.width)])

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self, _: events.Resize) -> None:
        self._draw()

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001  as Textual has it
        super().watch_has_focus(_has_focus)
        self._draw()

    def _line(self, width: int) -> Line:
        tone = "accent" if self.has_focus else ""
        all_of_them = sum(width_of(option.title) + 4 + len(_GAP) for option in self._options) - len(_GAP)
        if all_of_them <= width:
            line: list[Span] = []
            for number, option in enumerate(self._options):
                here = number == self._at
                sign = "(•)" if here else "( )"
                line += [
                    Span(_GAP if number else ""),
                    Span(sign, tone if here else "muted"),
                    Span(f" {option.title}", "" if here else "muted"),
                ]
            return line
        option = self._options[self._at]
        place = f"  {self._at + 1} of {len(self._options)}"
        return (
            Span("‹ ", tone),
            Span(option.title),
            Span(" ›", tone),
            Span(place, "muted"),
            Span(f"  {option.note}" if option.note else "", "muted"),
        )

    def action_choose(self, by: int) -> None:
        self._at = (self._at + by) % len(self._options)
        self._draw()
        self.post_message(self.Changed(self, self.chosen))

    def action_accept(self) -> None:
        self.post_message(self.Accepted(self, self.chosen))

    def on_click(self) -> None:
        self.action_choose(1)
