"""The organizations."""

from collections.abc import Iterator, Sequence

from jackfield.model.connection import Organization, Scope
from jackfield.services.session import Session
from jackfield.tui.screens.places import EVERY, PAGE, Chosen, PlaceRow, PlacesScreen, place_row
from jackfield.tui.screens.projects import ProjectsScreen


class OrganizationsScreen(PlacesScreen):
    """Chooses an organization, and then one of its projects."""

    NOUN = "organization"
    EMPTY = "No organization yet: n makes the first one, such as acme."

    def __init__(self, session: Session, here: Scope | None) -> None:
        """`here` is the place that is listed now."""
        super().__init__(session, highlight=here.organization_id if here else None)
        self._here = here
        self._known: dict[str, Organization] = {}

    def path(self) -> Sequence[str]:
        return ("Jackfield", "organizations")

    def rows(self) -> Sequence[PlaceRow]:
        self._known = {one.id: one for one in self._all()}
        counts = self.session.connections.counts
        found = [
            place_row(one.id, one.name, one.description, counts(organization_id=one.id)) for one in self._known.values()
        ]
        if len(found) > 1:
            found.insert(0, place_row(EVERY, "all organizations", "", counts()))
        return found

    def create(self, name: str, description: str) -> str:
        return self.session.organizations.create(name, description).id

    def edit(self, row_id: str, name: str, description: str) -> str:
        return self.session.organizations.edit(self._known[row_id], name=name, description=description).id

    def delete(self, row_id: str) -> None:
        self.session.organizations.delete(self._known[row_id])

    def open(self, row: PlaceRow) -> None:
        if row.id == EVERY:
            self.dismiss(Chosen(None))
        else:
            self.app.push_screen(ProjectsScreen(self.session, self._known[row.id], self._here), self._chose)

    def _chose(self, chosen: Chosen | None) -> None:
        if chosen is not None:
            self.dismiss(chosen)

    def _all(self) -> Iterator[Organization]:
        after = ""
        while page := self.session.organizations.page(after=after, limit=PAGE):
            yield from page
            after = page[-1].name
