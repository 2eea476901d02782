"""One line of a form: what is asked, where it is typed, and whether it is well."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from jackfield.model.secret import Secret, Stored
from jackfield.providers.contract.kinds import FieldKind
from jackfield.services.sources import source_of
from jackfield.tui.widgets.choice import Option
from jackfield.tui.widgets.lines import Line, LineView, Span, fit, literal, width_of
from jackfield.tui.widgets.option_line import YES_OR_NO, OptionLine
from jackfield.tui.widgets.secret_input import SecretInput
from jackfield.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from jackfield.providers.contract.field import Field

_LABEL_MOST: Final = 30  # cells
_MARKS: Final[dict[bool | None, Line]] = {
    True: (Span(" ✔", "passed"),),
    False: (Span(" ✖", "failed"),),
    None: (Span(""),),
}

TakeBlock = Callable[[str], bool]
"""Takes a pasted text that fills several fields; False leaves it to the field it was pasted into."""


class _BlockInput(TextInput):
    take_block: TakeBlock | None = None

    def on_paste(self, event: events.Paste) -> None:
        if self.take_block is not None and self.take_block(event.text):
            event.stop()
            event.prevent_default()


class _BlockSecret(SecretInput):
    take_block: TakeBlock | None = None

    def on_paste(self, event: events.Paste) -> None:
        if self.take_block is not None and self.take_block(event.text):
            event.stop()
            event.prevent_default()

    def on_key(self, event: events.Key) -> None:
        value = self.value
        if event.key == "enter" and isinstance(value, Secret) and source_of(value.reveal()):
            self.post_message(self.Submitted(self))
            event.stop()
            event.prevent_default()


class FormRow(Horizontal):
    """A label, an editor and a mark. `name` is the field's or target's."""

    DEFAULT_CSS = """
    FormRow {
        height: auto; min-height: 1;
        & > .label { height: 1; }
        & > .mark { width: 3; height: 1; }
        & > Input, & > SecretInput, & > OptionLine { width: 1fr; }
    }
    """

    @dataclass
    class Edited(Message):
        """The text, or what is said about a stored secret, is another one."""

        row: "FormRow"
        value: str | Stored

    @dataclass
    class Submitted(Message):
        """Enter: go on."""

        row: "FormRow"

    def __init__(
        self,
        name: str,
        label: str,
        editor: Widget,
        *,
        width: int = 18,
        optional: bool = True,
        secret: str = "",
        take_block: TakeBlock | None = None,
    ) -> None:
        """`width` is the label's in cells, `secret` the text that a masked editor begins with."""
        super().__init__()
        self.key = name
        self.editor = editor
        self._secret = secret
        self._label = literal(label)
        self._width = width
        self._optional = optional
        if isinstance(editor, _BlockInput | _BlockSecret):
            editor.take_block = take_block

    def compose(self) -> ComposeResult:
        label = LineView(classes="label")
        label.styles.width = self._width
        label.show_lines([(Span(fit(f" {self._label}", self._width - 1), "muted" if self._optional else ""),)])
        yield label
        yield self.editor
        yield LineView(classes="mark")

    def on_mount(self) -> None:
        if self._secret:
            self.replace(self._secret)
            self._secret = ""

    @property
    def text(self) -> str:
        """What is typed or chosen now."""
        if isinstance(self.editor, SecretInput):
            value = self.editor.value
            return value.reveal() if isinstance(value, Secret) else ""
        if isinstance(self.editor, OptionLine):
            return self.editor.chosen
        return self.editor.value if isinstance(self.editor, Input) else ""

    def replace(self, text: str) -> None:
        """Put a text in, as normalised, pasted or read from elsewhere."""
        if text == self.text:
            return
        if isinstance(self.editor, SecretInput):
            self.editor.replace(Secret(text))
        elif isinstance(self.editor, OptionLine):
            self.editor.choose(text)
        elif isinstance(self.editor, Input):
            self.editor.value = text
            self.editor.cursor_position = len(text)

    def mark(self, well: bool | None) -> None:  # noqa: FBT001 - three states: well, not well, nothing to say
        self.query_one(".mark", LineView).show_lines([_MARKS[well]])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(self))

    def on_secret_input_changed(self, event: SecretInput.Changed) -> None:
        event.stop()
        value = event.control.value
        self.post_message(self.Edited(self, value.reveal() if isinstance(value, Secret) else value))

    def on_secret_input_submitted(self, event: SecretInput.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(self))

    def on_option_line_changed(self, event: OptionLine.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self, event.chosen))

    def on_option_line_accepted(self, event: OptionLine.Accepted) -> None:
        event.stop()
        self.post_message(self.Submitted(self))


def label_width(labels: Iterable[str]) -> int:
    """One width for the labels of several rows."""
    return min(_LABEL_MOST, max(map(width_of, labels), default=0) + 3)


def field_editor(field: "Field", text: str, stored: Stored | None) -> Widget:
    """The editor of a provider's field. A masked one begins empty: its row puts the text in."""
    if field.is_secret or field.is_long:
        return _BlockSecret(stored=stored is not None, multiline=field.is_long, placeholder=field.example)
    if field.kind is FieldKind.BOOLEAN:
        return OptionLine(YES_OR_NO, text)
    if field.kind is FieldKind.CHOICE:
        return OptionLine([Option(value, literal(words)) for value, words in field.choices.items()], text)
    return text_editor(text, field.example)


def text_editor(text: str, example: str = "", *, limit: int = 0) -> Widget:
    """An editor for one line of text."""
    return _BlockInput(text, placeholder=example, max_length=limit)


def option_editor(options: Sequence[Option], chosen: str) -> Widget:
    """An editor for one of a few."""
    return OptionLine(options, chosen)
