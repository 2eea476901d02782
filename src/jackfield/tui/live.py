"""What the engine does, as a screen follows it.

The engine tells in a thread of its own; here that becomes messages to one widget. A message names what it belongs to,
so that whoever has begun something else since drops it.
"""

from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

from textual.message import Message
from textual.widget import Widget

from jackfield.checks.request import GrantJudged, OnProgress, Progress, StepEnded, StepStarted
from jackfield.model.check import CheckResult, Grant, Step, StepName
from jackfield.model.errors import JackfieldError
from jackfield.services.engine import Job


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended: with a value, with an error, or, when it was cancelled, with neither."""

    value: Any = None
    error: JackfieldError | None = None


def when_done(job: Job, listener: Widget, message: Callable[[End], Message]) -> None:
    """Post the message to the listener when the job has ended. It is dropped when the listener is gone by then."""
    job.future.add_done_callback(lambda _: listener.post_message(message(_end_of(job))))


def _end_of(job: Job) -> End:
    try:
        return End(job.future.result())
    except CancelledError:
        return End()
    except JackfieldError as error:
        return End(error=error)
    except Exception as error:  # noqa: BLE001 - the last line: a fault of ours must end the waiting too
        message = f"Jackfield met an error of its own ({type(error).__name__})."
        return End(error=JackfieldError(message, "Try again; if it stays so, please report it."))


@dataclass
class CheckTold(Message):
    """The test came a bit further: hand `progress` to `check.take`, if it is still the one that is followed."""

    check: "LiveCheck"
    progress: Progress


@dataclass
class CheckEnded(Message):
    """The test is over."""

    check: "LiveCheck"
    end: End

    @property
    def result(self) -> CheckResult | None:
        return self.end.value if isinstance(self.end.value, CheckResult) else None


class LiveCheck:
    """What one test has found so far. It is changed in the interface's thread alone."""

    def __init__(self, listener: Widget) -> None:
        self.steps: list[Step] = []
        self.grants: list[Grant] = []
        self.running: StepName | None = StepName.RESOLVE
        self._listener = listener
        self._job: Job | None = None

    def follow(self, begin: Callable[[OnProgress], Job]) -> None:
        """Begin the test. Raises what beginning it raises."""
        job = self._job = begin(lambda progress: self._tell(CheckTold(self, progress)))
        when_done(job, self._listener, lambda end: CheckEnded(self, end))

    def cancel(self) -> None:
        """Stop it; harmless when it has ended."""
        if self._job is not None:
            self._job.cancel()

    def take(self, progress: Progress) -> None:
        match progress:
            case StepStarted(name):
                self.running = name
            case StepEnded(step):
                self.steps.append(step)
                self.running = None if step.name is self.running else self.running
            case GrantJudged(grant):
                self.grants.append(grant)

    def _tell(self, message: Message) -> None:
        self._listener.post_message(message)
