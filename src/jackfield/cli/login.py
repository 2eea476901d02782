"""Logging in at a vendor from the command line: for a connection that is being made, or again for a stored one."""

import shutil
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import click

from jackfield.cli.program import Program, described, find_connection, json_option
from jackfield.cli.views import connection_value
from jackfield.model.errors import Refused, UsageError

if TYPE_CHECKING:
    from jackfield.model.secret import FieldValue
    from jackfield.net.network import Network
    from jackfield.services.engine import Engine
    from jackfield.services.form import Form
    from jackfield.services.logins import Prompt, Show, Way
    from jackfield.services.session import Session

    Begin = Callable[[Network, Show, Way | None, Awaitable[str] | None], Coroutine[Any, Any, Any]]

_WAYS: Final = {"device": "device", "browser": "browser", "paste": "pasted"}  # as typed → as logins call it
_LONGEST_PASTE: Final = 16_384  # characters

way_option = click.option(
    "--way",
    type=click.Choice(tuple(_WAYS)),
    help="Log in by a code, a browser of this machine, or a line pasted from one elsewhere.",
)


@click.command()
@described
@way_option
@json_option
@click.pass_obj
def login(program: Program, name: str, organization: str | None, project: str | None, way: str | None) -> None:
    """Log in again for a connection, which stays the same one.

    New tokens take the place of the old. With --way paste, the address or code is read from standard input.
    """
    from jackfield.services.logins import repair, ways

    with program.session() as session:
        found = find_connection(session, name, organization, project)
        _, method = session.connections.provider_and_method(found.provider, found.method)
        if not ways(method):
            raise Refused(f"{method.name} has no login.", f"Give other fields: jackfield connection edit {found.name}")
        with program.engine(session) as engine:
            repaired = _run(
                program,
                engine,
                way,
                lambda network, show, chosen, pasted: repair(session, found, network, show, way=chosen, pasted=pasted),
            )
        value = connection_value(session, repaired)
    lines = [f"Logged in for {found.name} ({found.id}).", f"  jackfield connection test {found.name}   test it"]
    program.out.show(value, lines)


def needs_login(form: "Form") -> bool:
    """Whether a login fills fields of this form, and none of them is given."""
    obtained = form.obtained()
    return bool(obtained) and not any(form.texts.get(field.name) for field in obtained)


def log_in_form(program: Program, session: "Session", engine: "Engine", form: "Form", way: str | None) -> None:
    """Fill by a login what only a login fills, where it is not given. Raises UsageError or Refused."""
    from jackfield.services.logins import log_in

    if not needs_login(form):
        if way is not None:
            raise UsageError("Nothing is left for a login to fill.", "Leave --way out, or the tokens.")
        return
    obtained: dict[str, FieldValue] = _run(
        program,
        engine,
        way,
        lambda network, show, chosen, pasted: log_in(session, form, network, show, way=chosen, pasted=pasted),
    )
    form.logged_in(obtained)


def _run(program: Program, engine: "Engine", way: str | None, begin: "Begin") -> Any:
    """Log in by this way, or the best one, and wait for its end; an interrupt ends it with the engine."""
    from jackfield.services.logins import Way

    chosen = None if way is None else Way(_WAYS[way])

    def show(prompt: "Prompt") -> None:
        _show(program, prompt)

    async def act(network: "Network") -> Any:
        pasted = _pasted_line() if chosen is Way.PASTED else None
        try:
            return await begin(network, show, chosen, pasted)
        finally:
            if pasted is not None:
                pasted.close()  # of a login that did not come to ask for it

    return engine.run(act).future.result()


async def _pasted_line() -> str:
    """A line of standard input. No thread waits for it, so a login that ends before leaves nothing behind.

    Raises UsageError at the end of the input.
    """
    import asyncio

    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        descriptor = sys.stdin.fileno()
        loop.add_reader(descriptor, ready.set)
    except OSError:  # no terminal and no pipe: it can be read at once
        return _line()
    try:
        await ready.wait()
        return _line()
    finally:
        loop.remove_reader(descriptor)


def _line() -> str:
    line = sys.stdin.readline(_LONGEST_PASTE).strip()
    if not line:
        raise UsageError("Nothing was pasted.", "Give the address that the browser ended at, or the code in it.")
    return line


def _show(program: Program, prompt: "Prompt") -> None:
    """What the person has to do now, on standard error; with a QR code at a terminal that has room for it."""
    from jackfield.services.logins import Way

    program.out.note(f"Open  {prompt.url}")
    if prompt.code:
        program.out.note(f"Code  {prompt.code}")
    if sys.stderr.isatty():
        lines = prompt.qr(ascii_only=not (sys.stderr.encoding or "").lower().startswith("utf"))
        if lines and len(lines[0]) <= shutil.get_terminal_size().columns:
            for line in lines:
                program.out.note(line)
    if prompt.way is Way.PASTED:
        program.out.note("Paste the address that the browser ended at, or the code in it, and press Enter.")
    elif prompt.way is Way.BROWSER:
        program.out.note("The browser has to run on this machine; for one elsewhere begin again with --way paste.")
    program.out.note(f"Waiting until {prompt.expires_at:%H:%M} UTC. Ctrl-C cancels.")
