"""The audit trail."""

import click

from jackfield.cli.output import instant, table
from jackfield.cli.program import Program, find_connection, json_option


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
@json_option
@click.pass_obj
def verify(program: Program) -> int:
    """Walk the whole trail, and name the first entry that is not what was written."""
    with program.session() as session:
        found = session.audit.verify()
    whole = found.bad is None
    value = {"whole": whole, "entries": found.entries, "bad": found.bad, "reason": found.reason or None}
    said = f"Whole: {found.entries} entries." if whole else f"Entry {found.bad} is bad: {found.reason}."
    program.out.show(value, [said])
    return 0 if whole else 1
