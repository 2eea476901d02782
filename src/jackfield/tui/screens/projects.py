"""The projects of one organization."""

from collections.abc import Iterator, Sequence

from jackfield.model.connection import Organization, Project, Scope
from jackfield.services.session import Session
from jackfield.tui.screens.places import EVERY, PAGE, Chosen, PlaceRow, PlacesScreen, place_row


class ProjectsScreen(PlacesScreen):
    """Chooses a project, or the whole organization."""

    NOUN = "project"

    def __init__(self, session: Session, organization: Organization, here: Scope | None) -> None:
        """`here` is the place that is listed now."""
        super().__init__(session, highlight=here.project_id if here else None)
        self._organization = organization
        self._known: dict[str, Project] = {}

    def path(self) -> Sequence[str]:
        return ("Jackfield", self._organization.name, "projects")

    def rows(self) -> Sequence[PlaceRow]:
        self._known = {one.id: one for one in self._all()}
        counts = self.session.connections.counts
        whole = place_row(
            EVERY, "all projects", "and what belongs to none", counts(organization_id=self._organization.id)
        )
        return [
            whole,
            *(place_row(one.id, one.name, one.description, counts(project_id=one.id)) for one in self._known.values()),
        ]

    def create(self, name: str, description: str) -> str:
        return self.session.projects.create(self._organization.id, name, description).id

    def edit(self, row_id: str, name: str, description: str) -> str:
        return self.session.projects.edit(self._known[row_id], name=name, description=description).id

    def delete(self, row_id: str) -> None:
        self.session.projects.delete(self._known[row_id])

    def open(self, row: PlaceRow) -> None:
        self.dismiss(Chosen(Scope(self._organization.id, row.id or None)))

    def _all(self) -> Iterator[Project]:
        after = ""
        while page := self.session.projects.page(self._organization.id, after=after, limit=PAGE):
            yield from page
            after = page[-1].name
