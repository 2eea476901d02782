"""Overviews of many connections: what uses them, and when they end."""

from datetime import UTC, datetime, timedelta

import click

from jackfield.cli.output import instant, table, until
from jackfield.cli.program import (
    Program,
    find_connection,
    find_places,
    json_option,
    organization_option,
    project_option,
)
from jackfield.cli.testing import every_row
from jackfield.model.connection import Scope


@click.command("map")
@organization_option
@project_option
@click.option("--without", metavar="CONNECTION", help="Say what would stop working without this connection.")
@json_option
@click.pass_obj
def map_(program: Program, organization: str | None, project: str | None, without: str | None) -> None:
    """Show what uses which connection, and who that is at the vendor."""
    from jackfield.services.usage import Kind, Node, losses

    with program.session() as session:
        place, part = find_places(session, organization, project)
        scope = Scope(place.id, part.id if part else None) if place else None
        found = session.usage.map(scope)
        gone = find_connection(session, without, organization, project) if without is not None else None
    if gone is not None:
        lost = losses(found.links, Node(Kind.CONNECTION, gone.id, gone.name))
        program.out.show({"connection": gone.name, "losses": list(lost)}, lost or ["Nothing would stop working."])
        return
    value = {
        "cut": found.cut,
        "links": [
            {
                "project": link.project.name,
                "use": link.use.name if link.use else None,
                "times": link.times,
                "connection": link.connection.name,
                "state": link.summary.state.value,
                "account": link.account.name,
            }
            for link in found.links
        ],
    }
    rows = [
        (
            link.project.name,
            link.use.name if link.use else "-",
            link.connection.name,
            link.summary.state.value,
            link.account.name,
        )
        for link in found.links
    ]
    lines = table(("PROJECT", "USED BY", "CONNECTION", "STATE", "ACCOUNT"), rows) or ["No connection yet."]
    program.out.show(value, [*lines, *(["There are more: name a project with -p."] if found.cut else [])])


@click.command()
@organization_option
@project_option
@click.option("--within", metavar="DAYS", type=click.IntRange(0, 36_500), help="Only those that end within DAYS.")
@json_option
@click.pass_obj
def expiry(program: Program, organization: str | None, project: str | None, within: int | None) -> None:
    """List the connections whose end is known, the first to end first."""
    from jackfield.services.expiry import list_of_ends, span_until

    with program.session() as session:
        place, part = find_places(session, organization, project)
        scope = Scope(place.id, part.id if part else None) if place else None
        now = datetime.now(UTC)
        span = () if within is None else (span_until(now + timedelta(days=within)),)
        rows = list(every_row(session, list_of_ends(scope, *span)))
    value = [
        {
            "connection": row.name,
            "provider": row.provider,
            "project": row.scope_name if row.scope.project_id else None,
            "expires_at": instant(row.expires_at),
            "known": row.expiry_known.value,
            "state": row.state.value,
        }
        for row in rows
    ]
    lines = table(
        ("NAME", "PROVIDER", "SCOPE", "ENDS", "LEFT", "KNOWN", "STATE"),
        [
            (
                row.name,
                row.provider,
                row.scope_name,
                f"{row.expires_at:%Y-%m-%d}",
                until(row.expires_at, now=now),
                row.expiry_known.value,
                row.state.value,
            )
            for row in rows
        ],
    )
    program.out.show(value, lines or ["No end is known."])
