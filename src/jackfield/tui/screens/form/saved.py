"""After the fourth step: the connection's id and what to do with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.message import Message

from jackfield.model.connection import Connection
from jackfield.model.errors import JackfieldError
from jackfield.services.engine import Engine
from jackfield.services.form import Form
from jackfield.services.takeover import Takeover
from jackfield.services.trial import ReadyCommand, ready_commands
from jackfield.tui.live import End, when_done
from jackfield.tui.screens.form.step import Step
from jackfield.tui.symbols import state_mark
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.prose import Prose, paragraph

_MANAGED = {
    Takeover.DONE: ("Done: the secret was replaced, the new one is proven, and only Jackfield knows it.", "passed"),
    Takeover.UNDONE: ("Not done: the old secret still holds, and nothing changed.", "limited"),
    Takeover.UNRESOLVED: ("Not known: neither secret could be proven. Both are kept; test it again later.", "failed"),
}


class SavedStep(Step):
    """What was made, with commands that are ready to run."""

    KEYS = ("list.open", "form.copy")
    WORDS = {"list.open": "done", "form.copy": "copy the command"}
    ACTIONS = frozenset({"copy"})
    BINDINGS = [("enter", "done")]

    @dataclass
    class Managed(Message):
        """Replacing the secret has ended."""

        end: End

    def __init__(self, form: Form, connection: Connection, engine: Engine | None) -> None:
        """With an `engine`, the secret is replaced at the vendor at once."""
        super().__init__(form)
        self._engine = engine
        self.connection = connection
        self._commands: tuple[ReadyCommand, ...] = ready_commands(form, connection)
        self._managed = ("Asked: the secret is being replaced at the vendor …", "muted") if engine else ("", "")

    def compose(self) -> ComposeResult:
        yield Prose(self._lines, id="guide")

    def on_mount(self) -> None:
        if self._engine is None:
            return
        try:
            when_done(self._engine.take_over(self.connection), self, self.Managed)
        except JackfieldError as error:
            self.post_message(self.Managed(End(error=error)))

    def begin(self) -> None:
        self.screen.set_focus(self.query_one(Prose))

    def copyable(self) -> str:
        return self._commands[0].line

    def action_done(self) -> None:
        self.post_message(self.Done())

    def on_saved_step_managed(self, event: Managed) -> None:
        """Say how replacing the secret ended."""
        event.stop()
        if event.end.value is not None:
            self._managed = _MANAGED[event.end.value[0]]
        elif event.end.error is not None:
            self._managed = (f"Not done: {event.end.error}", "failed")
        self.query_one(Prose).show(self._lines)

    def _lines(self, width: int) -> Iterator[Line]:
        connection = self.connection
        mark = state_mark(connection.state, connection.failure_kind, connection.unverified)
        yield (Span("✔ Saved ", "passed"), Span(connection.name, "strong"), Span(f"   {mark}", mark.tone))
        yield ()
        yield (Span("Its id      ", "muted"), Span(connection.id))
        if self._managed[0]:
            yield ()
            yield from paragraph(self._managed[0], width, self._managed[1])
        yield ()
        for command in self._commands:
            yield (Span(command.line, "accent"),)
            yield from paragraph(command.does, width, "muted", first="  ")
