"""Where a connection may belong: organizations and their projects."""

from dataclasses import dataclass
from typing import Final

from jackfield.model.connection import Scope
from jackfield.services.session import Session

_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """One organization, or one project of it, in words."""

    id: str
    words: str
    scope: Scope


def places_of(session: Session) -> tuple[Place, ...]:
    """All of them by name, each organization before its projects; at most two thousand."""
    found: list[Place] = []
    after = ""
    while len(found) < _MOST and (organizations := session.organizations.page(after=after)):
        after = organizations[-1].name
        for organization in organizations:
            found.append(Place(organization.id, f"{organization.name} (every project)", Scope(organization.id)))
            found += _projects(session, organization.id, organization.name)
    return tuple(found[:_MOST])


def first_scope(session: Session) -> Scope | None:
    """Where a connection belongs while nobody says otherwise; None where there is no organization yet."""
    organizations = session.organizations.page()
    return Scope(organizations[0].id) if organizations else None


def _projects(session: Session, organization_id: str, organization: str) -> list[Place]:
    found: list[Place] = []
    after = ""
    while projects := session.projects.page(organization_id, after=after):
        after = projects[-1].name
        found += [
            Place(project.id, f"{organization} › {project.name}", Scope(organization_id, project.id))
            for project in projects
        ]
    return found
