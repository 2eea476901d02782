"""Organizations: made, renamed and deleted, each with its entry in the trail."""

from jackfield.model.connection import Organization
from jackfield.services.audit import Audit
from jackfield.store import organizations
from jackfield.store.store import Store


class Organizations:
    def __init__(self, store: Store, audit: Audit) -> None:
        self._store = store
        self._audit = audit

    def page(self, *, after: str = "", limit: int = 128) -> tuple[Organization, ...]:
        """By name, from the one that follows the name `after`."""
        with self._store.read() as tx:
            return organizations.page(tx, after=after, limit=limit)

    def named(self, name: str) -> Organization:
        """Raises NotFound."""
        with self._store.read() as tx:
            return organizations.named(tx, name)

    def get(self, organization_id: str) -> Organization:
        """Raises NotFound."""
        with self._store.read() as tx:
            return organizations.get(tx, organization_id)

    def create(self, name: str, description: str = "") -> Organization:
        """Raises InvalidField when the name is taken or no slug."""
        with self._store.write() as tx:
            made = organizations.create(tx, name=name, description=description)
            self._audit.append(tx, "organization.create", object_id=made.id, name=name)
        return made

    def edit(self, organization: Organization, *, name: str, description: str) -> Organization:
        """Raises NotFound, Conflict or InvalidField."""
        with self._store.write() as tx:
            changed = organizations.edit(
                tx, organization.id, version=organization.version, name=name, description=description
            )
            self._audit.append(tx, "organization.edit", object_id=organization.id, name=name)
        return changed

    def delete(self, organization: Organization) -> None:
        """Raises InUse while it holds projects or connections."""
        with self._store.write() as tx:
            organizations.remove(tx, organization.id, version=organization.version)
            self._audit.append(tx, "organization.delete", object_id=organization.id, name=organization.name)
