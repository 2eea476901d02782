"""Changing several connections with one command."""

from typing import TYPE_CHECKING

import click

from jackfield.cli.program import (
    Program,
    find_connection,
    find_places,
    json_option,
    organization_option,
    project_option,
)
from jackfield.model.connection import Scope
from jackfield.model.errors import NotFound

if TYPE_CHECKING:
    from jackfield.services.many import Outcome

_REFUSED = 5


@click.command("change")
@click.argument("names", metavar="CONNECTION…", nargs=-1, required=True)
@organization_option
@project_option
@click.option("--tag", "add", multiple=True, metavar="TAG", help="Put this tag on; several times.")
@click.option("--untag", "remove", multiple=True, metavar="TAG", help="Take this tag off; several times.")
@click.option("--every", metavar="MINUTES|off", help="How often they are tested by themselves.")
@click.option("--to-organization", metavar="ORG", help="Move them there, or to the project that --to-project names.")
@click.option("--to-project", metavar="PROJECT", help="A project of --to-organization.")
@json_option
@click.pass_obj
def change_connections(
    program: Program,
    names: tuple[str, ...],
    organization: str | None,
    project: str | None,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    every: str | None,
    to_organization: str | None,
    to_project: str | None,
) -> int:
    """Tag, schedule or move several connections.

    What can be done is done; the exit code is 5 when anything was refused, and each refusal is told.
    """
    from jackfield.services.many import read_tags
    from jackfield.services.schedule import read_minutes

    if to_project and not to_organization:
        raise click.UsageError("--to-project needs --to-organization.")
    if not (add or remove or every or to_organization):
        raise click.UsageError("Say what to change: --tag, --untag, --every or --to-organization.")
    minutes = read_minutes(every) if every else None
    added, removed = (read_tags(" ".join(tags)) if tags else () for tags in (add, remove))
    outcomes: list[tuple[str, Outcome]] = []
    with program.session() as session:
        ids = [find_connection(session, name, organization, project).id for name in dict.fromkeys(names)]
        place, inner = find_places(session, to_organization, to_project)
        if to_organization and place is None:
            raise NotFound("There is no such organization.", "List them with: jackfield organization list")
        if added or removed:
            outcomes.append(("Tagged", session.many.tag(ids, add=added, remove=removed)))
        if every:
            outcomes.append(("Scheduled", session.many.schedule(ids, minutes)))
        if place is not None:
            scope = Scope(place.id, inner.id if inner else None)
            outcomes.append(("Moved", session.many.move(ids, scope)))
    _tell(program, outcomes)
    return _REFUSED if any(outcome.refused for _, outcome in outcomes) else 0


def _tell(program: Program, outcomes: "list[tuple[str, Outcome]]") -> None:
    value = [
        {
            "change": did.lower(),
            "done": outcome.done,
            "refused": [{"name": one.name, "reason": one.error.message} for one in outcome.refused],
        }
        for did, outcome in outcomes
    ]
    lines = [
        line
        for did, outcome in outcomes
        for line in (
            *(f"{did} {name}." for name in outcome.done),
            *(f"Not {did.lower()}: {one.name}: {one.error}" for one in outcome.refused),
        )
    ]
    program.out.show(value, lines)
