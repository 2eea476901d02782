"""Projects of an organization: made, renamed and deleted, each with its entry in the trail."""

from jackfield.model.connection import Project
from jackfield.services.audit import Audit
from jackfield.store import projects
from jackfield.store.store import Store


class Projects:
    def __init__(self, store: Store, audit: Audit) -> None:
        self._store = store
        self._audit = audit

    def page(self, organization_id: str, *, after: str = "", limit: int = 128) -> tuple[Project, ...]:
        """By name, from the one that follows the name `after`."""
        with self._store.read() as tx:
            return projects.page(tx, organization_id, after=after, limit=limit)

    def named(self, organization_id: str, name: str) -> Project:
        """Raises NotFound."""
        with self._store.read() as tx:
            return projects.named(tx, organization_id, name)

    def get(self, project_id: str) -> Project:
        """Raises NotFound."""
        with self._store.read() as tx:
            return projects.get(tx, project_id)

    def create(self, organization_id: str, name: str, description: str = "") -> Project:
        """Raises NotFound, or InvalidField when the name is taken in the organization or no slug."""
        with self._store.write() as tx:
            made = projects.create(tx, organization_id, name=name, description=description)
            self._audit.append(tx, "project.create", object_id=made.id, name=name)
        return made

    def edit(self, project: Project, *, name: str, description: str) -> Project:
        """Raises NotFound, Conflict or InvalidField."""
        with self._store.write() as tx:
            changed = projects.edit(tx, project.id, version=project.version, name=name, description=description)
            self._audit.append(tx, "project.edit", object_id=project.id, name=name)
        return changed

    def delete(self, project: Project) -> None:
        """Raises InUse while it holds connections."""
        with self._store.write() as tx:
            projects.remove(tx, project.id, version=project.version)
            self._audit.append(tx, "project.delete", object_id=project.id, name=project.name)
