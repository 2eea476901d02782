"""The line in which a list is filtered."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from jackfield.model.errors import UsageError
from jackfield.services.connections import Filter, parse_filter
from jackfield.tui.widgets.lines import LineView, Span, literal, width_of
from jackfield.tui.widgets.text_input import TextInput

HINT: Final = "state:failed provider:aws expires:<30d, or any words"
_LEAVING: Final = frozenset({"escape", "enter", "down", "up", "pagedown", "pageup", "tab"})


class FilterLine(Horizontal):
    """` / state:failed                       3 marked `; leaving the field keeps what was typed."""

    DEFAULT_CSS = """
    FilterLine {
        height: 1;
        & > #sign { width: 3; }
        & > TextInput { width: 1fr; background: $background; padding: 0; }
        & > TextInput:focus { background: $panel; }
        & > #note { width: auto; max-width: 60%; padding: 0 1; }
    }
    """

    @dataclass
    class Changed(Message):
        """What is typed means another filter."""

        filter: Filter

    @dataclass
    class NotUnderstood(Message):
        """What is typed is no filter yet."""

        error: UsageError

    class Left(Message):
        """The field was left."""

    def __init__(self) -> None:
        super().__init__()
        self._lifted = ""
        self._note = Span("")
        self.wrong = ""
        """What is wrong with what is typed; empty when nothing is."""

    def compose(self) -> ComposeResult:
        sign = LineView(id="sign")
        sign.show_lines([(Span(" / ", "accent"),)])
        yield sign
        yield TextInput(placeholder=HINT, max_length=300)
        yield LineView(id="note")

    @property
    def _field(self) -> TextInput:
        return self.query_one(TextInput)

    @property
    def text(self) -> str:
        """What is typed."""
        return self._field.value

    def put(self, text: str) -> None:
        """Filter by this text."""
        self._field.value = text

    def open(self) -> None:
        """Type on; after the filter was lifted, from what it was."""
        field = self._field
        field.value = field.value or self._lifted
        field.cursor_position = len(field.value)
        self.screen.set_focus(field)  # now: what is typed next is meant for it

    def lift(self) -> bool:
        """Take the filter away and remember it; False when there is none."""
        text = self._field.value
        if text:
            self._lifted, self._field.value = text, ""
        return bool(text)

    def say(self, note: Span) -> None:
        """Show a few words at the right end, as long as nothing is wrong with what is typed."""
        self._note = note
        shown = Span(self.wrong, "failed") if self.wrong else note
        line = self.query_one("#note", LineView)
        line.styles.width = width_of(literal(shown.text)) + 2
        line.show_lines([(shown,)])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            meant = parse_filter(event.value, now=datetime.now(UTC))
        except UsageError as error:
            self.wrong = error.message
            self.post_message(self.NotUnderstood(error))
        else:
            self.wrong = ""
            self.post_message(self.Changed(meant))
        self.say(self._note)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key leaves the field for the list."""
        return key in _LEAVING

    def on_key(self, event: events.Key) -> None:
        if event.key in _LEAVING:
            event.stop()
            event.prevent_default()
            self.post_message(self.Left())
