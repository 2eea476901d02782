"""Whose connections a list shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from jackfield.model.connection import ConnectionSummary, Scope, State
from jackfield.model.errors import NotFound
from jackfield.services.session import Session


@dataclass(frozen=True, slots=True)
class Shown:
    """A place in words. `scope` is None for all; then `organizations` are their names by id.

    `possible` is False as long as there is no organization at all.
    """

    scope: Scope | None
    words: tuple[str, ...]
    organizations: Mapping[str, str] = field(default_factory=dict)
    possible: bool = True

    @property
    def organization_id(self) -> str | None:
        return self.scope.organization_id if self.scope else None

    @property
    def project_id(self) -> str | None:
        return self.scope.project_id if self.scope else None

    def when_empty(self, *, filtered: bool) -> str:
        """What an empty list says: why, and what to do."""
        if filtered:
            return "Nothing matches the filter: esc lifts it."
        if not self.possible:
            return "No organization yet: o makes the first one, such as acme."
        return "No connection here yet: n makes one, guided in four steps."

    def scope_of(self, row: ConnectionSummary) -> str:
        """Where a connection belongs, as far as the place does not say it."""
        if self.scope is not None:
            return row.scope_name
        organization = self.organizations.get(row.scope.organization_id, "")
        return f"{organization}/{row.scope_name}" if row.scope.project_id else organization


NOWHERE: Final = Shown(None, ())
_NAMED: Final = 2000  # organizations whose names are read for a list of all


def describe(session: Session, scope: Scope | None) -> Shown:
    """The place in words; one that is gone becomes the one around it, and a single organization is the place."""
    if scope is None:
        found = session.organizations.page(limit=_NAMED)
        if len(found) != 1:
            names = {one.id: one.name for one in found}
            return Shown(None, ("all organizations",) if found else (), names, possible=bool(found))
        scope = Scope(found[0].id)
    try:
        organization = session.organizations.get(scope.organization_id)
        project = session.projects.get(scope.project_id).name if scope.project_id else "all projects"
    except NotFound:
        return describe(session, Scope(scope.organization_id) if scope.project_id else None)
    return Shown(scope, (organization.name, project))


def facts(counts: Mapping[State, int]) -> tuple[str, ...]:
    """How many connections there are, and how many have not passed, in words."""
    total, need = sum(counts.values()), sum(counts.values()) - counts[State.PASSED]
    connections = f"{total:,} connection{'' if total == 1 else 's'}"
    return (connections, f"{need:,} need{'s' if need == 1 else ''} you") if need else (connections,)
