"""What screens whose work runs beside the interface share."""

from asyncio import to_thread
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from textual.message import Message
from textual.screen import Screen, ScreenResultType
from textual.worker import Worker, WorkerState

from jackfield.model.errors import JackfieldError, LockedError
from jackfield.tui.widgets.ask import Ask
from jackfield.tui.widgets.notice import tell_error

Answer = TypeVar("Answer")
Done = TypeVar("Done")
Task = Callable[..., Coroutine[None, None, None]]


class Fault(Message):
    """Something of our own failed beside the interface: the app writes it down and tells it, and goes on."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class WorkingScreen(Screen[ScreenResultType]):
    """A screen with workers. One that fails never ends the app, and never goes unsaid.

    What asks the services does so in a thread, from a coroutine function that is given to `work`.
    """

    LEADS_ON: ClassVar[bool] = True
    """Whether the actions of Place.GO lead from here to other screens: not where something unsaved would be lost."""

    def work(self, task: Task, *arguments: Any, group: str, exclusive: bool = False) -> None:
        """Run `task` beside the interface; errors are told. With `exclusive`, the task before it in the group ends."""

        async def told() -> None:
            await self._told(task, *arguments)

        _: Worker[None] = self.run_worker(told, group=group, exclusive=exclusive, exit_on_error=False, name=group)

    async def _told(self, task: Task, *arguments: Any) -> None:
        try:
            await task(*arguments)
        except LockedError:
            return  # the vault was locked meanwhile, and everybody sees that
        except JackfieldError as error:
            self.after_error(error)

    async def answer(self, question: Screen[Answer]) -> Answer:
        """Ask, from a task given to `work`, and wait for the answer."""
        return await self.app.push_screen_wait(question)

    async def is_confirmed(self, question: Screen[bool]) -> bool:
        """The same for a question of yes or no."""
        return await self.answer(question)

    async def ask_until_done(self, question: str, value: str, do: Callable[[str], Done], *, note: str) -> Done | None:
        """Ask for one line, from a task given to `work`, until `do` takes it; None when the user leaves it.

        `do` runs in a thread. Its errors are told, and what was typed stays to be mended.
        """
        while answer := await self.app.push_screen_wait(Ask(question, value, note=note)):
            value = answer.strip()
            try:
                return await to_thread(do, value)
            except LockedError:
                raise
            except JackfieldError as error:
                self.after_error(error)
        return None

    def after_error(self, error: JackfieldError) -> None:
        """Tell why something was not done."""
        tell_error(self, error)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        event.stop()
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.post_message(Fault(event.worker.error))
            self.after_fault(event.worker)

    def after_fault(self, worker: Worker[Any]) -> None:
        """Take back what said that the worker was running."""
