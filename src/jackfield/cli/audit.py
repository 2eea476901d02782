"""The audit trail."""

from typing import TYPE_CHECKING

import click

from jackfield.cli.output import instant, table
from jackfield.cli.program import Program, find_connection, json_option

if TYPE_CHECKING:
    from jackfield.services.anchor import Noted


@click.group()
def audit() -> None:
    """Read the trail of what was done, and of every opening of a secret."""


@audit.command("list")
@click.option("--about", metavar="CONNECTION", help="Only entries about this connection.")
@click.option("--before", type=click.IntRange(min=1), metavar="NUMBER", help="Only entries before this one.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    metavar="NUMBER",
    default=50,
    show_default=True,
    help="At most so many.",
)
@json_option
@click.pass_obj
def list_entries(program: Program, about: str | None, before: int | None, limit: int) -> None:
    """Entries, the newest first."""
    with program.session() as session:
        object_id = None if about is None else find_connection(session, about, None, None).id
        found = session.audit.page(about=object_id, before=before, limit=limit)
    value = [
        {
            "number": entry.seq,
            "at": instant(entry.at),
            "actor": entry.event.actor,
            "host": entry.event.host,
            "action": entry.event.action,
            "object": entry.event.object,
            "name": entry.event.object_name,
            "outcome": entry.event.outcome,
            "reason": entry.event.reason,
        }
        for entry in found
    ]
    rows = [
        (
            str(entry.seq),
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            f"{entry.event.actor}@{entry.event.host}",
            entry.event.action,
            entry.event.object_name,
            entry.event.outcome,
            entry.event.reason,
        )
        for entry in found
    ]
    program.out.show(value, table(("NUMBER", "AT (UTC)", "WHO", "ACTION", "WHAT", "OUTCOME", "REASON"), rows))


@audit.command()
@click.option("--head", metavar="CODE", help="Also see whether it still holds this head, written down earlier.")
@json_option
@click.pass_obj
def verify(program: Program, head: str | None) -> int:
    """Walk the whole trail, and name the first entry that is not what was written.

    Also compare the stored rows with what the trail says they were left as, and name those that are not.
    """
    from jackfield.services.anchor import read_head_code

    expected = None if head is None else read_head_code(head)
    with program.session() as session:
        found = session.audit.verify(expected=expected)
        replaced = session.audit.replaced()
    whole = found.bad is None and not replaced
    value = {
        "whole": whole,
        "entries": found.entries,
        "bad": found.bad,
        "reason": found.reason or None,
        "replaced": replaced,
    }
    said = f"Whole: {found.entries} entries." if found.bad is None else f"Entry {found.bad} is bad: {found.reason}."
    program.out.show(value, [said, *(f"Not what the trail says was left: {one}." for one in replaced)])
    return 0 if whole else 1


@audit.command("head")
@json_option
@click.pass_obj
def show_head(program: Program) -> None:
    """Show the head of the trail, to be written down.

    `jackfield audit verify --head CODE` notices later when this home is an older one, or when the trail was cut off.
    """
    from jackfield.services.anchor import noted_of

    with program.session() as session:
        last = session.audit.last()
    if last is not None:
        _show_head(program, noted_of(last))


@audit.command()
@json_option
@click.pass_obj
def accept(program: Program) -> None:
    """Take the trail as it is for the right one, after an older home was put back on purpose.

    What was noted of the trail outside the home is replaced; an entry says what that was.
    """
    with program.session() as session:
        _show_head(program, session.accept_trail())


def _show_head(program: Program, noted: "Noted") -> None:
    from jackfield.services.anchor import head_code

    code = head_code(noted.head)
    program.out.show({"head": code, "entries": noted.head.count, "at": instant(noted.at)}, [code])
