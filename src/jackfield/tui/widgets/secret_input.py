"""Typing a secret: masked, counted, never copied, and explicit about what is stored already."""

from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.strip import Strip
from textual.timer import Timer

from jackfield.model.secret import Secret, Stored
from jackfield.tui.keys import Place, bindings
from jackfield.tui.widgets.lines import LineView, WidgetMessage, literal, strip_of, width_of

REVEAL_SECONDS: Final = 10.0
_BULLET: Final = "•"
_ROWS: Final = 8  # the most lines of a revealed value shown at once
_REFUSED_KEYS: Final = frozenset({"ctrl+c", "ctrl+x", "super+c", "super+x", "ctrl+insert", "shift+delete"})
_EDITING_KEYS: Final = frozenset({"left", "right", "home", "end", "ctrl+a", "ctrl+e", "backspace", "delete"})


class _Cursor(NamedTuple):
    line: int
    column: int


class SecretInput(LineView, can_focus=True):
    """One masked field for a password as for a PEM or JSON file: a paste keeps every line.

    With `stored`, the field starts by keeping what is stored; typing replaces it, and the clear key goes round
    typed → keep → clear. Revealing lasts ten seconds, and ends when the focus leaves or the size changes.
    """

    BINDINGS = bindings(Place.FIELD)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"secret--cursor"}
    DEFAULT_CSS = """
    SecretInput {
        background: $surface; padding: 0 1; max-height: 8; scrollbar-size-vertical: 0;
        &:focus { background: $panel; }
        & > .secret--cursor { background: $input-cursor-background; color: $input-cursor-foreground; }
        &:ansi > .secret--cursor { text-style: reverse; }
        &:nocolor > .secret--cursor { text-style: reverse; }
    }
    """

    @dataclass
    class Changed(WidgetMessage["SecretInput"]):
        """The value changed; ask `control.value` for it."""

    @dataclass
    class Submitted(WidgetMessage["SecretInput"]):
        """Enter, in a field of one line."""

    @dataclass
    class CopyRefused(WidgetMessage["SecretInput"]):
        """A copy key was pressed; nothing was copied."""

    def __init__(
        self,
        *,
        stored: bool = False,
        multiline: bool = False,
        placeholder: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._stored = stored
        self._clearing = False
        self._multiline = multiline
        self._placeholder = literal(placeholder)
        self._text = ""
        self._at = 0
        self._drawn_width = 0
        self._hide_timer: Timer | None = None

    @property
    def value(self) -> Secret | Stored:
        """What the form should do: take this secret, leave the stored one, or drop it."""
        if self._text or not self._stored:
            return Secret(self._text)
        return Stored.CLEARED if self._clearing else Stored.UNCHANGED

    @property
    def revealed(self) -> bool:
        """Whether the value is readable on the screen now."""
        return self._hide_timer is not None

    def replace(self, secret: Secret) -> None:
        """Put a value in, from a file or a pasted block."""
        self._text = _unix_lines(secret.reveal())
        self._at = len(self._text)
        self._changed()

    def mask(self) -> None:
        """Hide the value now."""
        if self._hide_timer is not None:
            self._hide_timer.stop()
            self._hide_timer = None
            self._redraw()

    # Drawing

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return min(_ROWS, self._text.count("\n") + 1) if self.revealed else 1

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        width = self.scrollable_content_region.width
        if self.revealed:
            return self._revealed_line(self.scroll_offset.y + y, width, base)
        if y > 0:
            return strip_of((), width, base)
        cursor = self._cursor_style(base)
        muted = self.tone("muted", base)
        if not self._text:
            return strip_of(((" ", cursor), (self._state_words(), muted)), width, base)
        facts = f"  {_counted(self._text)}"
        room = max(1, width - width_of(facts) - 1)
        dots = min(room, len(self._text))
        at = min(dots, round(self._at * dots / len(self._text)))
        row = _BULLET * dots + " "
        return strip_of(((row[:at], base), (row[at], cursor), (row[at + 1 :], base), (facts, muted)), width, base)

    def _revealed_line(self, number: int, width: int, base: Style) -> Strip:
        lines = self._text.split("\n")
        if number >= len(lines):
            return strip_of((), width, base)
        shown = "".join(character if character.isprintable() else "·" for character in lines[number])
        where = self._cursor()
        if number != where.line:
            return strip_of(((shown, base),), width, base)
        start = max(0, where.column - width + 1)
        row, at = (shown + " ")[start:], where.column - start
        return strip_of(((row[:at], base), (row[at], self._cursor_style(base)), (row[at + 1 :], base)), width, base)

    def _cursor_style(self, base: Style) -> Style:
        return base + self.get_component_rich_style("secret--cursor", partial=True) if self.has_focus else base

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is a character that is typed here, or edits what was."""
        edits = key == "enter" or key in _REFUSED_KEYS or key in _EDITING_KEYS
        return edits or (character is not None and character.isprintable())

    def _state_words(self) -> str:
        if not self._stored:
            return self._placeholder
        if self._clearing:
            return "will be cleared when you save"
        return f"{_BULLET * 8} stored, kept as it is: type to replace it"

    def _cursor(self) -> _Cursor:
        before = self._text[: self._at]
        return _Cursor(before.count("\n"), len(before) - before.rfind("\n") - 1)

    def _redraw(self) -> None:
        height = self._text.count("\n") + 1 if self.revealed else 1
        self.virtual_size = Size(self.size.width, height)
        if self.revealed:
            line = self._cursor().line
            top = self.scroll_offset.y
            self.scroll_to(y=min(max(top, line - _ROWS + 1), line), animate=False, force=True)
        else:
            self.scroll_to(y=0, animate=False, force=True)
        self.refresh(layout=min(_ROWS, height) != self.size.height)

    def _changed(self) -> None:
        self._clearing = False
        self._redraw()
        self.post_message(self.Changed(self))

    # Keys

    def action_reveal(self) -> None:
        if self.revealed:
            self.mask()
        elif self._text:
            self._hide_timer = self.set_timer(REVEAL_SECONDS, self.mask)
            self._redraw()

    def action_clear(self) -> None:
        if self._text:
            self._text, self._at = "", 0
            self._changed()
        elif self._stored:
            self._clearing = not self._clearing
            self._redraw()
            self.post_message(self.Changed(self))

    def on_key(self, event: events.Key) -> None:
        if event.key in _REFUSED_KEYS:
            self.post_message(self.CopyRefused(self))
        elif event.key == "enter" and not self._multiline:
            self.post_message(self.Submitted(self))
        elif event.key == "enter":
            self._insert("\n")
        elif event.is_printable and event.character:
            self._insert(event.character)
        elif not self._edit(event.key):
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        text = _unix_lines(event.text)
        self._insert(text if self._multiline else text.rstrip("\n"))

    def _insert(self, text: str) -> None:
        self._text = self._text[: self._at] + text + self._text[self._at :]
        self._at += len(text)
        self._changed()

    def _edit(self, key: str) -> bool:
        """Delete or move for one key; False when the key is not ours."""
        where = self._cursor()
        line_start = self._at - where.column
        line_end = end if (end := self._text.find("\n", self._at)) >= 0 else len(self._text)
        moves = {
            "left": self._at - 1,
            "right": self._at + 1,
            "home": line_start,
            "end": line_end,
            "ctrl+a": line_start,
            "ctrl+e": line_end,
        }
        if key in moves:
            self._at = max(0, min(len(self._text), moves[key]))
            self._redraw()
            return True
        first, last = {"backspace": (self._at - 1, self._at), "delete": (self._at, self._at + 1)}.get(key, (-2, -2))
        if first == -2:
            return False
        if first >= 0 and last <= len(self._text):
            self._text = self._text[:first] + self._text[last:]
            self._at = first
            self._changed()
        return True

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.mask()
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._drawn_width:
            self._drawn_width = event.size.width
            self.mask()


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _counted(text: str) -> str:
    characters = f"{len(text):,} character{'' if len(text) == 1 else 's'}"
    lines = text.count("\n") + 1
    return f"{lines} lines, {characters}" if lines > 1 else characters
