"""Importing what other tools keep here, and bundles from one Jackfield to another."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jackfield.cli.keyholder import ask, ask_new, read_first_line
from jackfield.cli.output import table
from jackfield.cli.program import (
    Program,
    find_connection,
    find_places,
    json_option,
    organization_option,
    project_option,
)
from jackfield.cli.testing import in_place
from jackfield.cli.views import place_of
from jackfield.model.connection import Scope
from jackfield.model.errors import Refused, UsageError
from jackfield.model.secret import Secret

if TYPE_CHECKING:
    from jackfield.providers.contract.registry import Registry
    from jackfield.services.importing.finding import Candidate
    from jackfield.services.importing.plan import Done, Planned
    from jackfield.services.importing.sources import Looked
    from jackfield.services.session import Session

_REFUSED = 5
_BUNDLE_PASSPHRASE = click.option(
    "--bundle-passphrase-file", metavar="FILE", help="The bundle's passphrase, a file's first line, - or fd:N."
)


@click.command("import")
@click.argument("names", nargs=-1, metavar="[SOURCE…]")
@organization_option
@project_option
@click.option("--list", "listing", is_flag=True, help="Only say which sources there are here.")
@click.option("--from", "file", type=click.Path(path_type=Path), help="Read this file instead; with one SOURCE.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Import what another Jackfield exported.")
@_BUNDLE_PASSPHRASE
@click.option("--only", multiple=True, metavar="NAME", help="Import this one, whatever stands against it; repeatable.")
@click.option("--dry-run", is_flag=True, help="Show what would be imported, and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def import_(
    program: Program,
    /,
    *,
    names: tuple[str, ...],
    organization: str | None,
    project: str | None,
    listing: bool,
    file: Path | None,
    bundle: Path | None,
    bundle_passphrase_file: str | None,
    only: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> int:
    """Make connections of what other tools keep here.

    SOURCE is env, aws, pgpass, pg-service, gh, glab or netrc; all of them when none is named. Everything is shown
    first. What is imported is untested, has no uses, and is tested by itself only once you say how often.
    """
    if (file is not None and len(names) != 1) or (bundle is not None and (names or file is not None)):
        raise UsageError("--from goes with one source, and --bundle with none.", "Name the source that the file is of.")
    if listing:
        return _list(program, names)
    if organization is None:
        raise UsageError("What is imported belongs to an organization.", "Name one with -o ORG.")
    with program.session() as session:
        place, inner = find_places(session, organization, project)
        assert place is not None
        scope = Scope(place.id, inner.id if inner else None)
        if bundle is not None:
            looked, candidates = [], _of_bundle(session.registry, bundle, bundle_passphrase_file)
        else:
            looked = list(_look(session.registry, names, file))
            candidates = tuple(one for source in looked for one in source.candidates)
        return _import(program, session, scope, looked, candidates, only=only, dry_run=dry_run, yes=yes)


def _list(program: Program, names: tuple[str, ...]) -> int:
    """The sources of this machine. No vault is needed for that."""
    from jackfield.providers.contract.registry import Registry

    looked = list(_look(Registry(program.home.providers), names, None))
    rows = [
        (one.source, one.title, str(len(one.candidates)) if one.is_here else "-", ", ".join(one.files))
        for one in looked
    ]
    program.out.show([_source_value(one) for one in looked], table(("SOURCE", "WHAT", "FOUND", "FILES"), rows))
    _tell_troubles(program, looked)
    return 0


def _look(registry: "Registry", names: tuple[str, ...], file: Path | None) -> "Iterator[Looked]":
    """Raises NotFound for a source that there is not, UsageError for a named one that cannot be read at all."""
    from jackfield.services.importing.machine import Machine
    from jackfield.services.importing.sources import SOURCES, look, source

    for wanted in tuple(map(source, dict.fromkeys(names))) or SOURCES:
        found = look(registry, Machine.here(), wanted, file)
        if names and found.troubles and not found.candidates:
            raise UsageError(found.troubles[0].message, found.troubles[0].next_step)
        yield found


def _of_bundle(registry: "Registry", bundle: Path, passphrase_file: str | None) -> "tuple[Candidate, ...]":
    from jackfield.services.bundle import read_bundle

    given = ask("Passphrase of the bundle: ") if passphrase_file is None else read_first_line(passphrase_file)
    return read_bundle(registry, bundle.expanduser().absolute(), given)


def _import(
    program: Program,
    session: "Session",
    scope: Scope,
    looked: "Sequence[Looked]",
    candidates: "Sequence[Candidate]",
    *,
    only: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> int:
    """Show what was found, ask, and make what is chosen."""
    from jackfield.services.importing.plan import choose, plan

    rows = plan(session, candidates, scope)
    chosen = choose(rows, only)
    done: list[Done] = []
    lines = [*_preview_lines(rows, chosen)]
    _tell_troubles(program, looked)
    if chosen and not dry_run:
        if not yes:
            _require_consent(program, lines, len(chosen))
            lines = []
        done = _carry_out(program, session, scope, chosen)
        lines += _done_lines(done)
    program.out.show(_import_value(looked, rows, chosen, done), lines)
    return _REFUSED if any(one.error for one in done) else 0


def _require_consent(program: Program, lines: list[str], number: int) -> None:
    """Show the preview and ask. Raises UsageError where nobody can be asked, Refused for a no."""
    if program.out.json or not sys.stdin.isatty():
        raise UsageError("Nothing was imported: nobody can be asked here.", "Look with --dry-run, then say --yes.")
    program.out.show(None, lines)
    if not click.confirm(f"Import {number} of them?", err=True):
        raise Refused("Nothing was imported.", "Name single ones with --only NAME.")


def _carry_out(program: Program, session: "Session", scope: Scope, chosen: "Sequence[Planned]") -> "list[Done]":
    from jackfield.services.importing.plan import carry_out

    done: list[Done] = []
    try:
        for one in carry_out(session, chosen, scope):
            done.append(one)  # noqa: PERF402  what was made before an interruption is counted
    except BaseException:
        made = sum(one.connection is not None for one in done)
        program.out.note(f"jackfield: {made} of {len(chosen)} were imported before it ended; they stay.")
        raise
    return done


def _tell_troubles(program: Program, looked: "Sequence[Looked]") -> None:
    for trouble in (trouble for one in looked for trouble in one.troubles):
        program.out.note(f"jackfield: {trouble.source}: {trouble.message} {trouble.next_step}")


def _preview_lines(rows: "Sequence[Planned]", chosen: "Sequence[Planned]") -> Iterator[str]:
    from jackfield.services.importing.plan import counts

    wanted = {row.id for row in chosen}
    yield from table(
        ("", "NAME", "PROVIDER", "FROM", "STANDING", ""),
        [
            (
                "+" if row.id in wanted else "-",
                row.name,
                row.candidate.definition.provider if row.candidate.definition else "-",
                row.candidate.origin,
                row.standing.value,
                " ".join(filter(None, (row.why, "; ".join(row.candidate.notes)))),
            )
            for row in rows
        ],
    )
    found = ", ".join(f"{number} {standing.value}" for standing, number in counts(rows).items())
    yield (
        f"Found {found}. {len(chosen)} to import, {len(rows) - len(chosen)} to skip." if rows else "Nothing was found."
    )


def _done_lines(done: "Sequence[Done]") -> Iterator[str]:
    for one in done:
        if one.connection is not None:
            yield f"Imported {one.connection.name} ({one.connection.id}), {one.connection.state.value}."
        else:
            yield f"Not imported: {one.planned.name}: {one.error}"


def _import_value(
    looked: "Sequence[Looked]", rows: "Sequence[Planned]", chosen: "Sequence[Planned]", done: "Sequence[Done]"
) -> dict[str, Any]:
    """A preview, and what became of it, as JSON. Others rely on its shape."""
    wanted = {row.id for row in chosen}
    return {
        "sources": [_source_value(one) for one in looked],
        "candidates": [
            {
                "name": row.name,
                "source": row.candidate.source,
                "from": row.candidate.origin,
                "provider": row.candidate.definition.provider if row.candidate.definition else None,
                "method": row.candidate.definition.method if row.candidate.definition else None,
                "fields": sorted(row.candidate.fields),
                "standing": row.standing.value,
                "why": row.why or None,
                "notes": list(row.candidate.notes),
                "chosen": row.id in wanted,
            }
            for row in rows
        ],
        "imported": [
            {"id": one.connection.id, "name": one.connection.name} for one in done if one.connection is not None
        ],
        "failed": [{"name": one.planned.name, "reason": str(one.error)} for one in done if one.error is not None],
    }


def _source_value(one: "Looked") -> dict[str, Any]:
    return {
        "source": one.source,
        "here": one.is_here,
        "files": list(one.files),
        "found": len(one.candidates),
        "troubles": [trouble.message for trouble in one.troubles],
    }


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, metavar="[CONNECTION…]")
@organization_option
@project_option
@_BUNDLE_PASSPHRASE
@json_option
@click.pass_obj
def export(
    program: Program,
    file: Path,
    names: tuple[str, ...],
    organization: str | None,
    project: str | None,
    bundle_passphrase_file: str | None,
) -> None:
    """Seal connections into one new file for another Jackfield.

    It holds their fields, uses, tags and schedule, under a passphrase of its own; their history stays here. Without
    names it is every connection, or every one of the organization or project.
    """
    from jackfield.services.bundle import export as seal

    with program.session() as session:
        if names:
            wanted = [find_connection(session, name, organization, project) for name in dict.fromkeys(names)]
        else:
            wanted = list(in_place(session, organization, project))
        passphrase = _new_passphrase(bundle_passphrase_file)
        made = seal(session, wanted, file.expanduser().absolute(), passphrase)
        held = [place_of(session, one) for one in made.connections]
        left = [{"connection": place_of(session, one.connection), "reason": one.reason} for one in made.left_out]
    for one in left:
        program.out.note(f"jackfield: {one['connection']} is not in it: {one['reason']}")
    value = {"file": str(file), "connections": held, "left_out": left}
    program.out.show(value, [f"Sealed {len(held)} connection{'' if len(held) == 1 else 's'} into {file}."])


def _new_passphrase(place: str | None) -> Secret:
    return ask_new("Passphrase for the bundle") if place is None else read_first_line(place)
