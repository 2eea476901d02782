"""Running things: a command with a credential in its environment, and the background tester."""

import os
import queue
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import click

from jackfield.cli.program import Program, described, find_connection, json_option
from jackfield.model.errors import JackfieldError, NotFound, Refused
from jackfield.services.idle import Idle, boot_seconds

if TYPE_CHECKING:
    from jackfield.services.engine import News
    from jackfield.services.session import Session

LOOK_SECONDS: Final = 5.0  # between looks whether the machine slept
_TESTING: Final = "jackfield: testing what is due"
_PAUSED: Final = (
    "jackfield: automatic tests are paused for this home; waiting for: jackfield settings automatic-tests on"
)
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@click.command("exec")
@described
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def exec_(program: Program, name: str, command: tuple[str, ...], organization: str | None, project: str | None) -> None:
    """Run a command with a credential in its environment.

    Its variables have the names that the vendor's usual tools read. The command takes this program's place: signals,
    terminal and exit code are its own.
    """
    from jackfield.services.environment import variables

    found = shutil.which(command[0])
    if found is None:
        raise NotFound("There is no such command, or it cannot be run.", "Give its whole path.")
    with program.session() as session:
        connection = find_connection(session, name, organization, project)
        provider, method = session.connections.provider_and_method(connection.provider, connection.method)
        values = variables(provider, method, session.tokens.fields_now(connection, reason="exec"))
        session.connections.record_use(
            connection, kind="command", name=Path(command[0]).name, project_id=connection.scope.project_id
        )
    environment = os.environ | {variable: value.reveal() for variable, value in values.items()}
    os.umask(program.umask)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and the command would inherit that
    try:
        os.execve(found, list(command), environment)  # noqa: S606 - the words are the user's own command
    except OSError as error:
        raise Refused(f"The command cannot be run: {error.strerror}.", "Check the file.") from None


@click.command()
@json_option
@click.pass_obj
def worker(program: Program) -> None:
    """Test what is due until told to end.

    Prints one line for each change of a state. While automatic tests are paused for this home it waits. Ends on
    SIGTERM, SIGINT, SIGHUP and `jackfield lock`, and when the machine slept, unless `jackfield settings idle never` was
    chosen.
    """
    from jackfield.services.engine import News
    from jackfield.services.settings import Settings

    events: queue.SimpleQueue[News | None] = queue.SimpleQueue()

    def end(_: int, __: FrameType | None) -> None:
        events.put(None)

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        with program.session() as session, program.engine(session) as engine:
            engine.listen(events.put)
            engine.schedule()
            if Settings(session.store).automatic_tests():
                program.out.note(_TESTING)
            program.out.note(_tell_until_the_end(program, session, events))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_until_the_end(program: Program, session: "Session", events: "queue.SimpleQueue[News | None]") -> str:
    """Tell the news until it is time to lock; why that is."""
    from jackfield.services.engine import LockAsked
    from jackfield.services.settings import Settings

    idle, settings, shown = Idle(boot_seconds), Settings(session.store), dict[str, str]()
    while not (idle.slept and settings.idle_minutes() is not None):
        with suppress(queue.Empty):
            news = events.get(timeout=LOOK_SECONDS)
            if news is None:
                return "jackfield: ended"
            if isinstance(news, LockAsked):
                return "jackfield: locked"
            _tell(program, session, news, shown)
    return "jackfield: locked, for the machine was asleep"


def _tell(program: Program, session: "Session", news: "News", shown: dict[str, str]) -> None:
    """One line when a connection shows another state than it did in the last line about it."""
    from jackfield.cli.views import place_of, result_value
    from jackfield.services.engine import AutomaticTests, Tested, TestEnded

    if isinstance(news, Tested):
        state = news.result.failure.kind.value if news.result.failure else news.result.outcome.value
        said = f": {news.result.failure.message} {news.result.failure.next_step}" if news.result.failure else ""
    elif isinstance(news, TestEnded):
        state, said = "not tested", f": {news.reason}"
    elif isinstance(news, AutomaticTests):
        program.out.note(_TESTING if news.on else _PAUSED)
        return
    else:
        program.out.note(f"jackfield: {getattr(news, 'reason', '')}")
        return
    if shown.get(news.connection_id) == state:
        return
    shown[news.connection_id] = state
    try:
        place = place_of(session, session.connections.get(news.connection_id))
    except JackfieldError:
        return  # deleted meanwhile
    value = result_value(place, news.result) if isinstance(news, Tested) else {"connection": place, "outcome": state}
    program.out.show(value, [f"{place}  {state}{said}"])
