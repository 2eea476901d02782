"""The name and the description of an organization or a project, asked for in a small window."""

from asyncio import to_thread
from collections.abc import Callable
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from jackfield.model.errors import InvalidField, JackfieldError
from jackfield.model.names import DESCRIPTION_LIMIT, require_slug
from jackfield.tui.keys import BETWEEN_FIELDS
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.lines import literal
from jackfield.tui.widgets.text_input import TextInput

_NAMES: Final = "a-z, 0-9 and hyphens, such as acme or web-shop"

Save = Callable[[str, str], str]
"""Keeps a name and a description; gives the id. Raises JackfieldError."""


class PlaceForm(WorkingScreen[str | None], ModalScreen[str | None]):
    """Gives the id of what was saved, or None. What is wrong is said while it is typed."""

    LEADS_ON = False
    BINDINGS = [*BETWEEN_FIELDS, ("escape", "dismiss(None)"), ("up", "app.focus_previous"), ("down", "app.focus_next")]
    AUTO_FOCUS = "#name"
    DEFAULT_CSS = """
    PlaceForm {
        align: center middle; background: $background 60%;
        &:ansi { background: transparent; }
        & > Vertical {
            width: 70; max-width: 94%; height: auto; padding: 1 2; background: $panel; border: round $accent;
            & > .title { text-style: bold; margin-bottom: 1; }
            & > Horizontal { height: 1; & > Static { width: 13; color: $text-muted; } }
            & TextInput { width: 1fr; background: $panel; }
            & TextInput:focus { background: $surface; }
            & > #said { margin-top: 1; color: $text-muted; height: auto; min-height: 1; }
            & > #said.trouble { color: $state-failed; }
        }
        &:ansi > Vertical { background: ansi_default; }
    }
    """

    def __init__(self, title: str, save: Save, *, name: str = "", description: str = "") -> None:
        super().__init__()
        self._heading = literal(title)
        self._save = save
        self._name_before = name
        self._about_before = description

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._heading, classes="title", markup=False)
            with Horizontal():
                yield Static("Name", markup=False)
                yield TextInput(self._name_before, placeholder=_NAMES, id="name")
            with Horizontal():
                yield Static("Description", markup=False)
                yield TextInput(self._about_before, placeholder="optional", max_length=DESCRIPTION_LIMIT, id="about")
            yield Static("↵ saves, esc leaves it.", id="said", markup=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        name = self._typed()[0]
        try:
            require_slug(name or "a")
        except InvalidField as error:
            self.after_error(error)
        else:
            self._say("↵ saves, esc leaves it.")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.work(self._keep, *self._typed(), group="save", exclusive=True)

    async def _keep(self, name: str, description: str) -> None:
        self.dismiss(await to_thread(partial(self._save, name, description)))

    def after_error(self, error: JackfieldError) -> None:
        self._say("\n".join(filter(None, (error.message, error.next_step))), trouble=True)

    def _typed(self) -> tuple[str, str]:
        name, about = (self.query_one(f"#{field}", TextInput).value.strip() for field in ("name", "about"))
        return name, about

    def _say(self, text: str, *, trouble: bool = False) -> None:
        said = self.query_one("#said", Static)
        said.set_class(trouble, "trouble")
        said.update(Content(text))
