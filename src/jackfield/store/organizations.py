"""Organizations: the outermost scope of what is stored."""

from sqlalchemy import delete, func, insert, select

from jackfield.model.connection import Organization
from jackfield.model.errors import InUse, InvalidField, NotFound
from jackfield.model.names import require_description, require_slug
from jackfield.store import tables
from jackfield.store.transaction import AnyRow, Reading, Writing, change, new_id, not_found, require_version

_table = tables.organization


def create(tx: Writing, *, name: str, description: str = "", organization_id: str | None = None) -> Organization:
    """Raises InvalidField when the name is taken or not a slug."""
    _require_free(tx, require_slug(name))
    made = Organization(organization_id or new_id(), name, require_description(description), tx.now, 1)
    tx.run(
        insert(_table).values(
            id=made.id, name=name, description=description, created_at=tx.now, updated_at=tx.now, version=1
        )
    )
    tx.touch(f"organization/{made.id}")
    return made


def get(tx: Reading, organization_id: str) -> Organization:
    """Raises NotFound."""
    row = tx.first(select(_table).where(_table.c.id == organization_id))
    if row is None:
        raise not_found("organization")
    return _organization(row)


def named(tx: Reading, name: str) -> Organization:
    """Raises NotFound."""
    row = tx.first(select(_table).where(_table.c.name == name))
    if row is None:
        raise NotFound(f"There is no organization {name}.", "List them with: jackfield organization list")
    return _organization(row)


def page(tx: Reading, *, after: str = "", limit: int = 128) -> tuple[Organization, ...]:
    """By name, from the one that follows the name `after`."""
    return tuple(
        map(_organization, tx.all(select(_table).where(_table.c.name > after).order_by(_table.c.name).limit(limit)))
    )


def edit(tx: Writing, organization_id: str, *, version: int, name: str, description: str) -> Organization:
    """Raises NotFound, Conflict or InvalidField."""
    require_version(tx, _table, organization_id, version, "organization")
    _require_free(tx, require_slug(name), but=organization_id)
    values = {"name": name, "description": require_description(description)}
    change(tx, _table, organization_id, version, "organization", values)
    return get(tx, organization_id)


def remove(tx: Writing, organization_id: str, *, version: int) -> None:
    """Raises InUse while it holds projects or connections."""
    require_version(tx, _table, organization_id, version, "organization")
    projects = tx.all(select(tables.project.c.name).where(tables.project.c.organization_id == organization_id))
    c = tables.connection.c
    held = tx.value(select(func.count()).where(c.organization_id == organization_id, c.project_id.is_(None)))
    uses = tuple(f"project {row.name}" for row in projects) + ((f"{held} connections of its own",) if held else ())
    if uses:
        raise InUse("The organization is not empty.", "Delete what it holds first.", uses=uses)
    tx.run(delete(_table).where(_table.c.id == organization_id))
    tx.touch(f"organization/{organization_id}")


def _require_free(tx: Writing, name: str, *, but: str = "") -> None:
    if tx.first(select(_table.c.id).where(_table.c.name == name, _table.c.id != but)):
        raise InvalidField("name", f"An organization {name} exists already.", "Choose another name.")


def _organization(row: AnyRow) -> Organization:
    return Organization(row.id, row.name, row.description, row.created_at, row.version)
