"""A line of text that may be seen and copied."""

from textual.widgets import Input

from jackfield.tui.widgets.lines import literal


class TextInput(Input):
    """Textual's input, one line high, with a cursor that does not blink: at rest nothing is written."""

    DEFAULT_CSS = """
    TextInput {
        border: none; height: 1; padding: 0 1; background: $surface;
        &:focus { border: none; background: $panel; background-tint: $foreground 0%; }
        &.-invalid, &.-invalid:focus { border: none; }
        &:ansi:focus { text-style: underline; }
    }
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        max_length: int = 0,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(
            literal(value), literal(placeholder), max_length=max_length, select_on_focus=False, id=id, classes=classes
        )
        self.cursor_blink = False
