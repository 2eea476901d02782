"""Projects of an organization."""

from sqlalchemy import delete, insert, select

from jackfield.model.connection import Project
from jackfield.model.errors import InUse, InvalidField, NotFound
from jackfield.model.names import require_description, require_slug
from jackfield.store import tables
from jackfield.store.transaction import (
    AnyRow,
    Reading,
    Writing,
    change,
    new_id,
    not_found,
    require_row,
    require_version,
)

_table = tables.project


def create(
    tx: Writing, organization_id: str, *, name: str, description: str = "", project_id: str | None = None
) -> Project:
    """Raises NotFound, or InvalidField when the name is taken in this organization or not a slug."""
    require_row(tx, tables.organization, organization_id, "organization")
    _require_free(tx, organization_id, require_slug(name))
    made = Project(project_id or new_id(), organization_id, name, require_description(description), tx.now, 1)
    tx.run(
        insert(_table).values(
            id=made.id,
            organization_id=organization_id,
            name=name,
            description=description,
            created_at=tx.now,
            updated_at=tx.now,
            version=1,
        )
    )
    tx.touch(f"project/{made.id}")
    return made


def get(tx: Reading, project_id: str) -> Project:
    """Raises NotFound."""
    row = tx.first(select(_table).where(_table.c.id == project_id))
    if row is None:
        raise not_found("project")
    return _project(row)


def named(tx: Reading, organization_id: str, name: str) -> Project:
    """Raises NotFound."""
    row = tx.first(select(_table).where(_table.c.organization_id == organization_id, _table.c.name == name))
    if row is None:
        raise NotFound(f"There is no project {name} in this organization.", "List them with: jackfield project list")
    return _project(row)


def page(tx: Reading, organization_id: str, *, after: str = "", limit: int = 128) -> tuple[Project, ...]:
    """By name, from the one that follows the name `after`."""
    wanted = select(_table).where(_table.c.organization_id == organization_id, _table.c.name > after)
    return tuple(map(_project, tx.all(wanted.order_by(_table.c.name).limit(limit))))


def edit(tx: Writing, project_id: str, *, version: int, name: str, description: str) -> Project:
    """Raises NotFound, Conflict or InvalidField."""
    require_version(tx, _table, project_id, version, "project")
    _require_free(tx, get(tx, project_id).organization_id, require_slug(name), but=project_id)
    change(tx, _table, project_id, version, "project", {"name": name, "description": require_description(description)})
    return get(tx, project_id)


def remove(tx: Writing, project_id: str, *, version: int) -> None:
    """Raises InUse while it holds connections; what it used of others is forgotten with it."""
    require_version(tx, _table, project_id, version, "project")
    c = tables.connection.c
    held = tx.all(select(c.name).where(c.project_id == project_id).order_by(c.name).limit(100))
    if held:
        uses = tuple(f"connection {row.name}" for row in held)
        raise InUse("The project still holds connections.", "Delete them first.", uses=uses)
    tx.run(delete(tables.state_tally).where(tables.state_tally.c.project_id == project_id))
    tx.run(delete(_table).where(_table.c.id == project_id))
    tx.touch(f"project/{project_id}")


def _require_free(tx: Writing, organization_id: str, name: str, *, but: str = "") -> None:
    c = _table.c
    if tx.first(select(c.id).where(c.organization_id == organization_id, c.name == name, c.id != but)):
        raise InvalidField("name", f"A project {name} exists already in this organization.", "Choose another name.")


def _project(row: AnyRow) -> Project:
    return Project(row.id, row.organization_id, row.name, row.description, row.created_at, row.version)
