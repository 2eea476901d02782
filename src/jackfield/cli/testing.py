"""Testing connections from the command line, and how a result is told."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any

import click

from jackfield.cli.program import (
    Program,
    find_connection,
    find_places,
    json_option,
    organization_option,
    project_option,
)
from jackfield.cli.views import result_lines, result_value
from jackfield.model.check import CheckResult, Outcome
from jackfield.model.errors import JackfieldError

if TYPE_CHECKING:
    from jackfield.checks.request import OnProgress, Progress
    from jackfield.model.connection import Connection
    from jackfield.services.connections import ConnectionList
    from jackfield.services.engine import Engine
    from jackfield.services.session import Session


@click.command("test")
@click.argument("names", metavar="CONNECTION…", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every connection, or every one of the organization.")
@organization_option
@project_option
@json_option
@click.pass_obj
def test_connections(
    program: Program, names: tuple[str, ...], everything: bool, organization: str | None, project: str | None
) -> int:
    """Test connections: one, several or all.

    --all means every one, or every one of -o ORG; -p PROJECT alone means all of that project. The exit code is 0 when
    every one passed, 1 when any came out otherwise.
    """
    if not names and not everything and project is None:
        raise click.UsageError("Name a connection, or give --all or a project.")
    with program.session() as session, program.engine(session) as engine:
        if names:
            wanted = [find_connection(session, name, organization, project) for name in names]
        else:
            wanted = list(in_place(session, organization, project))
        found = list(_run(program, engine, wanted))
    values = [result_value(one.name, result) for one, result in found]
    lines = [line for one, result in found for line in result_lines(one.name, result)]
    program.out.show(values[0] if len(names) == 1 else values, lines or ["There is no connection to test."])
    return 0 if all(result.outcome is Outcome.PASSED for _, result in found) else 1


def in_place(session: "Session", organization: str | None, project: str | None) -> "Iterator[Connection]":
    """Every connection of the named places, or of all."""
    from jackfield.services.connections import ConnectionList

    place, inner = find_places(session, organization, project)
    wanted = ConnectionList(place.id if place else None, inner.id if inner else None)
    for row in every_row(session, wanted):
        yield session.connections.get(row.id)


def every_row(session: "Session", wanted: "ConnectionList") -> Iterator[Any]:
    """All lines of a list of connections, page after page."""
    after = None
    while found := session.connections.page(wanted, after=after):
        yield from found
        after = found[-1]


def _run(
    program: Program, engine: "Engine", wanted: "Iterable[Connection]"
) -> "Iterator[tuple[Connection, CheckResult]]":
    """Test side by side, as many as may run at once; results come in the order asked for.

    Raises the first error of one that could not be tested, once all others are done.
    """
    from jackfield.services.engine import AT_ONCE

    several = list(wanted)
    running: set[Future[CheckResult]] = set()
    futures: list[Future[CheckResult]] = []
    for one in several:
        if len(running) >= AT_ONCE:
            running = wait(running, return_when=FIRST_COMPLETED).not_done
        tell = teller(program, one.name if len(several) > 1 else "")
        futures.append(engine.test(one.id, tell).future)
        running.add(futures[-1])
    wait(futures)
    failed: JackfieldError | None = None
    for one, future in zip(several, futures, strict=True):
        try:
            yield one, future.result()
        except JackfieldError as error:
            program.out.note(f"jackfield: {one.name}: {error}")
            failed = failed or error
    if failed is not None:
        raise failed


def teller(program: Program, name: str = "") -> "OnProgress":
    """Tells each step as it finishes; called in the engine's thread."""
    from jackfield.checks.request import StepEnded

    def tell(progress: "Progress") -> None:
        if isinstance(progress, StepEnded) and not program.out.json:
            step = progress.step
            program.out.note(f"{name}  {step.name:<12} {step.outcome:<9} {step.ms:>7.1f} ms  {step.detail}".rstrip())

    return tell
