"""Connections: listed, shown, deleted, moved, and what became of them. Making and editing them is in `form`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import click

from jackfield.cli.completing import complete_files
from jackfield.cli.filters import filters
from jackfield.cli.form import clone, create, edit
from jackfield.cli.login import login
from jackfield.cli.many import change_connections
from jackfield.cli.output import ago, instant, pairs, table, until
from jackfield.cli.program import (
    Program,
    described,
    find_connection,
    find_places,
    json_option,
    organization_option,
    project_option,
)
from jackfield.cli.testing import every_row, test_connections
from jackfield.cli.views import connection_value, place_of, result_lines, result_value
from jackfield.model.connection import ConnectionSummary, Scope
from jackfield.model.errors import BlobTampered, NotFound, UsageError

_SORTS = ("name", "state", "expiry", "tested", "provider")
# Name of a column → its heading, and its cell from a row and the organizations' names by id.
_COLUMNS: Final[dict[str, tuple[str, Callable[[ConnectionSummary, dict[str, str]], str]]]] = {
    "name": ("NAME", lambda row, _: row.name),
    "provider": ("PROVIDER", lambda row, _: row.provider),
    "method": ("METHOD", lambda row, _: row.method),
    "organization": ("ORGANIZATION", lambda row, names: names[row.scope.organization_id]),
    "scope": ("SCOPE", lambda row, _: row.scope_name),
    "state": ("STATE", lambda row, _: _state(row)),
    "expiry": ("EXPIRES", lambda row, _: until(row.expires_at)),
    "tested": ("TESTED", lambda row, _: ago(row.tested_at)),
    "id": ("ID", lambda row, _: row.id),
}
_USUAL: Final = tuple(name for name in _COLUMNS if name not in ("method", "id"))


def _chosen_columns(text: str | None) -> tuple[str, ...]:
    """Raises UsageError for what is no column."""
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    for name in names:
        if name not in _COLUMNS:
            raise UsageError(f"There is no column {name}.", f"Choose among {', '.join(_COLUMNS)}.")
    return names or _USUAL


@click.group()
def connection() -> None:
    """Make, test and use connections.

    CONNECTION is a name, ORG/NAME, ORG/PROJECT/NAME or an id.
    """


for _command in (create, clone, edit, change_connections, filters, login, test_connections):
    connection.add_command(_command)


@connection.command("list")
@click.argument("words", nargs=-1, metavar="[FILTER…]")
@organization_option
@project_option
@click.option("--sort", type=click.Choice(_SORTS), default="name", show_default=True, help="The order.")
@click.option("--descending", is_flag=True, help="The other way round.")
@click.option(
    "--columns",
    metavar="COLUMNS",
    callback=lambda _, __, text: _chosen_columns(text),
    help=f"Only these, in this order, between commas: {', '.join(_COLUMNS)}. JSON holds all.",
)
@click.option("--saved", metavar="NAME", help="Narrow by the filter that was saved under this name, too.")
@click.option(
    "--with-secret",
    metavar="FILE",
    shell_complete=complete_files,
    help="Only those that hold this secret, read from a file, - or fd:N.",
)
@json_option
@click.pass_obj
def list_connections(
    program: Program,
    words: tuple[str, ...],
    organization: str | None,
    project: str | None,
    sort: str,
    descending: bool,
    columns: tuple[str, ...],
    saved: str | None,
    with_secret: str | None,
) -> None:
    """List connections.

    A filter is words, or parts such as state:failed provider:aws,gcp tag:web expires:<30d
    """
    from jackfield.cli.keyholder import read_first_line
    from jackfield.services.connections import ConnectionList, Sort, parse_filter
    from jackfield.services.filters import SavedFilters

    with program.session() as session:
        place, inner = find_places(session, organization, project)
        if saved is not None:
            words = (SavedFilters(session.store).get(saved).text, *words)
        wanted = ConnectionList(
            place.id if place else None,
            inner.id if inner else None,
            parse_filter(" ".join(words), now=datetime.now(UTC)),
            Sort(sort),
            descending,
        )
        rows = list(every_row(session, wanted))
        if with_secret is not None:
            held = {one.id for one in session.connections.with_secret(read_first_line(with_secret))}
            rows = [row for row in rows if row.id in held]
        names = {row.scope.organization_id for row in rows}
        organizations = {one: session.organizations.get(one).name for one in names}
    lines = table(
        [_COLUMNS[name][0] for name in columns],
        [[_COLUMNS[name][1](row, organizations) for name in columns] for row in rows],
    )
    program.out.show([_summary(row, organizations) for row in rows], lines or ["No connection."])


@connection.command()
@described
@click.option("--fields", is_flag=True, help="Open the credential and show its fields that are no secrets.")
@click.option("--guide", is_flag=True, help="Open it, and show how it is made at the vendor, filled in.")
@json_option
@click.pass_obj
def show(program: Program, name: str, organization: str | None, project: str | None, fields: bool, guide: bool) -> None:
    """Show what a connection is for, and what its last test found."""
    from jackfield.model.secret import Secret
    from jackfield.services.trial import stored_form

    with program.session() as session:
        found = find_connection(session, name, organization, project)
        value = connection_value(session, found)
        try:
            last = session.tests.latest(found.id)
        except BlobTampered as error:
            last = None
            program.out.note(f"jackfield: {error}")
        opened = session.connections.fields(found, reason="show") if fields else {}
        steps = list(stored_form(session, found, reason="guide").guide()) if guide else []
    plain = {name: one for name, one in opened.items() if not isinstance(one, Secret)}
    value |= {"last_test": result_value(found.name, last) if last else None} | ({"fields": plain} if fields else {})
    value |= {"guide": steps} if guide else {}
    lines = [
        *pairs(
            (key.replace("_", " "), _shown(one))
            for key, one in value.items()
            if key not in {"last_test", "fields", "guide"}
        ),
        *(f"  {field} = {_with_reading(one)}" for field, one in plain.items()),
        *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
        *(("", *result_lines("last test", last)) if last else ()),
    ]
    program.out.show(value, lines)


@connection.command()
@described
@click.option("--force", is_flag=True, help="Delete it though something uses it.")
@json_option
@click.pass_obj
def delete(program: Program, name: str, organization: str | None, project: str | None, force: bool) -> None:
    """Delete a connection that nothing uses.

    While anything does it is refused, with the list of what would break. It cannot be undone here: only the full-screen
    program keeps what it deleted until its vault locks.
    """
    with program.session() as session:
        gone = find_connection(session, name, organization, project)
        session.connections.delete(gone, even_if_used=force)
    program.out.show({"id": gone.id, "name": gone.name}, [f"Deleted {gone.name}."])


@connection.command()
@described
@click.option("--to-organization", metavar="ORG", required=True, help="The organization it goes to.")
@click.option("--to-project", metavar="PROJECT", help="Left out, every project of the organization may use it.")
@json_option
@click.pass_obj
def move(
    program: Program,
    name: str,
    organization: str | None,
    project: str | None,
    to_organization: str,
    to_project: str | None,
) -> None:
    """Move to another organization or project."""
    with program.session() as session:
        found = find_connection(session, name, organization, project)
        place, inner = find_places(session, to_organization, to_project)
        if place is None:
            raise NotFound("There is no such organization.", "List them with: jackfield organization list")
        moved = session.connections.move(found, Scope(place.id, inner.id if inner else None))
        value = connection_value(session, moved)
        where = place_of(session, moved)
    program.out.show(value, [f"Moved to {where}."])


@connection.command()
@described
@click.option(
    "--limit", type=click.IntRange(1, 500), metavar="NUMBER", default=20, show_default=True, help="At most so many."
)
@json_option
@click.pass_obj
def history(program: Program, name: str, organization: str | None, project: str | None, limit: int) -> None:
    """List what tests found so far."""
    with program.session() as session:
        found = find_connection(session, name, organization, project)
        runs = session.tests.history(found.id, limit=limit)
    value = [
        {
            "at": instant(run.started_at),
            "outcome": run.outcome.value,
            "failure": run.failure and {"kind": run.failure.kind.value, "message": run.failure.message},
            "duration_ms": run.duration_ms,
        }
        for run in runs
    ]
    rows = [
        (
            f"{run.started_at:%Y-%m-%d %H:%M:%S}",
            run.outcome.value,
            f"{run.duration_ms:.0f} ms",
            f"{run.failure.kind.value}: {run.failure.message}" if run.failure else "",
        )
        for run in runs
    ]
    program.out.show(value, table(("AT (UTC)", "OUTCOME", "TOOK", "WHY"), rows) or ["Never tested."])


@connection.command()
@described
@click.option("--note", metavar="KIND:NAME", help="Note that something uses it, such as sync:nightly.")
@click.option("--forget", metavar="KIND:NAME", help="Note that this uses it no longer.")
@click.option("--in", "used_in", metavar="PROJECT", help="The project in which --note or --forget is meant.")
@json_option
@click.pass_obj
def uses(
    program: Program,
    name: str,
    organization: str | None,
    project: str | None,
    note: str | None,
    forget: str | None,
    used_in: str | None,
) -> None:
    """List what uses a connection, or note what does."""
    with program.session() as session:
        found = find_connection(session, name, organization, project)
        where = session.projects.named(found.scope.organization_id, used_in).id if used_in else found.scope.project_id
        for said, change in ((note, session.usage.note), (forget, session.usage.forget)):
            if said is not None:
                kind, _, what = said.partition(":")
                change(found, kind=kind.strip(), name=what.strip(), project_id=where)
        users = session.connections.used_by(found.id)
    value = [
        {
            "kind": one.kind,
            "name": one.name,
            "project": one.project_name or None,
            "count": one.use_count,
            "last_used_at": instant(one.last_used_at),
        }
        for one in users
    ]
    rows = [(one.project_name or "-", one.kind, one.name, str(one.use_count), ago(one.last_used_at)) for one in users]
    program.out.show(value, table(("PROJECT", "KIND", "NAME", "TIMES", "LAST"), rows) or ["Nothing uses it yet."])


@connection.command("take-over")
@described
@json_option
@click.pass_obj
def take_over(program: Program, name: str, organization: str | None, project: str | None) -> int:
    """Let Jackfield replace and keep the secret.

    Nobody else knows the new one.
    """
    from jackfield.services.takeover import Takeover

    with program.session() as session, program.engine(session) as engine:
        found = find_connection(session, name, organization, project)
        end, result = engine.take_over(found).future.result()
        value = result_value(found.name, result) | {"takeover": end.value}
    said = {
        Takeover.DONE: "Done: the new secret is proven and stored.",
        Takeover.UNDONE: "Undone: the old secret still holds; nothing changed.",
        Takeover.UNRESOLVED: "Unresolved: neither secret could be proven. Both are kept; test the connection later.",
    }[end]
    program.out.show(value, [said, *result_lines(found.name, result)])
    return 0 if end is Takeover.DONE else 1


@connection.command("give-back")
@described
@json_option
@click.pass_obj
def give_back(program: Program, name: str, organization: str | None, project: str | None) -> None:
    """Let Jackfield manage the secret no longer.

    It stays as it is, and may be edited again.
    """
    from dataclasses import replace

    from jackfield.services.connections import Changes
    from jackfield.services.takeover import definition_of

    with program.session() as session:
        found = find_connection(session, name, organization, project)
        definition = replace(definition_of(found), platform_managed=False)
        value = connection_value(session, session.connections.edit(found, Changes(definition, {})))
    program.out.show(value, [f"{found.name} is yours again."])


def _with_reading(value: object) -> str:
    """A field, with what its host reads as where that is not as it is written: hosts are kept in ASCII."""
    from jackfield.providers.contract.fields import told_of_address

    told = told_of_address(value) if isinstance(value, str) and "xn--" in value else ""
    return f"{value} ({told})" if told else str(value)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict) and "use" in value:
        targets = ", ".join(f"{name}={text}" for name, text in value["targets"].items())
        return f"{value['use']} ({targets})" if targets else str(value["use"])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _state(row: ConnectionSummary) -> str:
    state = f"{row.state.value} ({row.failure_kind.value})" if row.failure_kind else row.state.value
    return f"{state}, TLS not verified" if row.tls_unverified else state


def _summary(row: ConnectionSummary, organizations: dict[str, str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "organization": organizations[row.scope.organization_id],
        "project": row.scope_name if row.scope.project_id else None,
        "provider": row.provider,
        "method": row.method,
        "state": row.state.value,
        "failure": row.failure_kind.value if row.failure_kind else None,
        "unverified": row.unverified,
        "expires_at": instant(row.expires_at),
        "tested_at": instant(row.tested_at),
        "platform_managed": row.platform_managed,
        "tls_unverified": row.tls_unverified,
    }
