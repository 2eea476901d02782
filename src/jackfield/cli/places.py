"""Organizations and their projects."""

from typing import TYPE_CHECKING

import click

from jackfield.cli.output import instant, table
from jackfield.cli.program import Program, every, json_option

if TYPE_CHECKING:
    from jackfield.model.connection import Organization, Project
    from jackfield.services.session import Session

description_option = click.option("--description", default="", help="At most 256 characters.")
of_organization = click.option("-o", "--organization", metavar="ORG", required=True, help="The organization.")


@click.group()
def organization() -> None:
    """Manage organizations, which connections belong to."""


@organization.command("list")
@json_option
@click.pass_obj
def list_organizations(program: Program) -> None:
    """Every organization, by name."""
    with program.session() as session:
        found = list(every(lambda after: session.organizations.page(after=after)))
        rows = [_line(session, one) for one in found]
    program.out.show(rows, _table(rows))


@organization.command("create")
@click.argument("name")
@description_option
@json_option
@click.pass_obj
def create_organization(program: Program, name: str, description: str) -> None:
    """Make an organization."""
    with program.session() as session:
        made = session.organizations.create(name, description)
    program.out.show(_place(made), [f"Made the organization {made.name}."])


@organization.command("rename")
@click.argument("name")
@click.argument("new")
@json_option
@click.pass_obj
def rename_organization(program: Program, name: str, new: str) -> None:
    """Give an organization another name."""
    with program.session() as session:
        found = session.organizations.named(name)
        changed = session.organizations.edit(found, name=new, description=found.description)
    program.out.show(_place(changed), [f"Renamed {name} to {changed.name}."])


@organization.command("describe")
@click.argument("name")
@click.argument("description")
@json_option
@click.pass_obj
def describe_organization(program: Program, name: str, description: str) -> None:
    """Say in a sentence what an organization is; an empty one takes it away."""
    with program.session() as session:
        found = session.organizations.named(name)
        changed = session.organizations.edit(found, name=found.name, description=description)
    program.out.show(_place(changed), [f"Described {changed.name}."])


@organization.command("delete")
@click.argument("name")
@json_option
@click.pass_obj
def delete_organization(program: Program, name: str) -> None:
    """Delete an organization that holds nothing."""
    with program.session() as session:
        gone = session.organizations.named(name)
        session.organizations.delete(gone)
    program.out.show(_place(gone), [f"Deleted the organization {name}."])


@click.group()
def project() -> None:
    """Manage the projects of an organization."""


@project.command("list")
@of_organization
@json_option
@click.pass_obj
def list_projects(program: Program, organization: str) -> None:
    """Every project of an organization, by name."""
    with program.session() as session:
        place = session.organizations.named(organization)
        found = list(every(lambda after: session.projects.page(place.id, after=after)))
        rows = [_line(session, one) for one in found]
    program.out.show(rows, _table(rows))


@project.command("create")
@click.argument("name")
@of_organization
@description_option
@json_option
@click.pass_obj
def create_project(program: Program, name: str, organization: str, description: str) -> None:
    """Make a project."""
    with program.session() as session:
        made = session.projects.create(session.organizations.named(organization).id, name, description)
    program.out.show(_place(made), [f"Made the project {made.name} of {organization}."])


@project.command("rename")
@click.argument("name")
@click.argument("new")
@of_organization
@json_option
@click.pass_obj
def rename_project(program: Program, name: str, new: str, organization: str) -> None:
    """Give a project another name."""
    with program.session() as session:
        found = session.projects.named(session.organizations.named(organization).id, name)
        changed = session.projects.edit(found, name=new, description=found.description)
    program.out.show(_place(changed), [f"Renamed {name} to {changed.name}."])


@project.command("describe")
@click.argument("name")
@click.argument("description")
@of_organization
@json_option
@click.pass_obj
def describe_project(program: Program, name: str, description: str, organization: str) -> None:
    """Say in a sentence what a project is; an empty one takes it away."""
    with program.session() as session:
        found = session.projects.named(session.organizations.named(organization).id, name)
        changed = session.projects.edit(found, name=found.name, description=description)
    program.out.show(_place(changed), [f"Described {changed.name}."])


@project.command("delete")
@click.argument("name")
@of_organization
@json_option
@click.pass_obj
def delete_project(program: Program, name: str, organization: str) -> None:
    """Delete a project that holds no connection."""
    with program.session() as session:
        gone = session.projects.named(session.organizations.named(organization).id, name)
        session.projects.delete(gone)
    program.out.show(_place(gone), [f"Deleted the project {name}."])


def _place(place: "Organization | Project") -> dict[str, object]:
    return {
        "id": place.id,
        "name": place.name,
        "description": place.description,
        "created_at": instant(place.created_at),
    }


def _line(session: "Session", place: "Organization | Project") -> dict[str, object]:
    """A place with its number of connections, by state."""
    inner = getattr(place, "organization_id", None)
    counts = session.connections.counts(
        organization_id=inner or place.id, project_id=place.id if inner is not None else None
    )
    return {**_place(place), "connections": {str(state): number for state, number in counts.items()}}


def _table(rows: list[dict[str, object]]) -> list[str]:
    shown = []
    for row in rows:
        counts = row["connections"]
        said = [f"{number} {state}" for state, number in counts.items() if number] if isinstance(counts, dict) else []
        shown.append((str(row["name"]), ", ".join(said) or "none", str(row["description"])))
    return table(("NAME", "CONNECTIONS", "DESCRIPTION"), shown) or ["None yet."]
