"""What uses a connection: syncs, rotations and commands, by project."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select, update

from jackfield.store import tables
from jackfield.store.transaction import Reading, Writing, new_id, require_row

_table = tables.consumer
_c = _table.c


@dataclass(frozen=True, slots=True)
class Consumer:
    """One use of a connection. `project_name` is empty for a use outside every project."""

    id: str
    connection_id: str
    project_id: str | None
    project_name: str
    kind: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    use_count: int


def add(tx: Writing, connection_id: str, *, kind: str, name: str, project_id: str | None = None) -> str:
    """Note once that something uses the connection, and return the id of the note. Raises NotFound."""
    require_row(tx, tables.connection, connection_id, "connection")
    if project_id is not None:
        require_row(tx, tables.project, project_id, "project")
    found = named(tx, connection_id, kind=kind, name=name, project_id=project_id)
    if found is not None:
        return found
    row_id = new_id()
    tx.run(
        insert(_table).values(
            id=row_id,
            connection_id=connection_id,
            project_id=project_id,
            kind=kind,
            name=name,
            created_at=tx.now,
            last_used_at=None,
            use_count=0,
        )
    )
    return row_id


def record_use(tx: Writing, connection_id: str, *, kind: str, name: str, project_id: str | None = None) -> None:
    """Count one use, noting who uses it when that is new. Raises NotFound."""
    row_id = add(tx, connection_id, kind=kind, name=name, project_id=project_id)
    tx.run(update(_table).where(_c.id == row_id).values(use_count=_c.use_count + 1, last_used_at=tx.now))


def remove(tx: Writing, consumer_id: str) -> None:
    """Forget a use; nothing happens when it is gone already."""
    tx.run(delete(_table).where(_c.id == consumer_id))


def of_connection(tx: Reading, connection_id: str) -> tuple[Consumer, ...]:
    """What uses this connection, by project, kind and name."""
    return _consumers(tx, _c.connection_id == connection_id)


def of_project(tx: Reading, project_id: str) -> tuple[Consumer, ...]:
    """What this project uses."""
    return _consumers(tx, _c.project_id == project_id)


def named(tx: Reading, connection_id: str, *, kind: str, name: str, project_id: str | None) -> str | None:
    """The id of the note that this uses the connection; None when there is none."""
    found: str | None = tx.value(select(_c.id).where(*_noted(connection_id, kind, name, project_id)))
    return found


def of_place(
    tx: Reading, *, organization_id: str | None = None, project_id: str | None = None, limit: int
) -> tuple[Consumer, ...]:
    """What uses the connections of a place, by project, connection, kind and name; a project's own uses count too."""
    connection = tables.connection.c
    wanted = [connection.organization_id == organization_id] if organization_id is not None else []
    if project_id is not None:
        wanted.append((connection.project_id == project_id) | (_c.project_id == project_id))
    return _consumers(tx, *wanted, by_connection=True, limit=limit)


def unused(
    tx: Reading, *, organization_id: str | None = None, project_id: str | None = None, limit: int
) -> tuple[str, ...]:
    """Ids of the connections of a place that nothing uses, by name."""
    connection = tables.connection.c
    wanted = select(connection.id).where(connection.id.not_in(select(_c.connection_id)))
    if organization_id is not None:
        wanted = wanted.where(connection.organization_id == organization_id)
    if project_id is not None:
        wanted = wanted.where(connection.project_id == project_id)
    return tuple(row.id for row in tx.all(wanted.order_by(connection.name, connection.id).limit(limit)))


def _noted(connection_id: str, kind: str, name: str, project_id: str | None) -> tuple[ColumnElement[bool], ...]:
    here = _c.project_id.is_(None) if project_id is None else _c.project_id == project_id
    return _c.connection_id == connection_id, here, _c.kind == kind, _c.name == name


def _consumers(
    tx: Reading, *wanted: ColumnElement[bool], by_connection: bool = False, limit: int | None = None
) -> tuple[Consumer, ...]:
    project, connection = tables.project, tables.connection
    order = [project.c.name, *([connection.c.name] if by_connection else []), _c.kind, _c.name]
    rows = tx.all(
        select(_table, project.c.name.label("project_name"))
        .join_from(_table, connection, connection.c.id == _c.connection_id)
        .outerjoin(project, project.c.id == _c.project_id)
        .where(*wanted)
        .order_by(*order)
        .limit(limit)
    )
    return tuple(
        Consumer(
            row.id,
            row.connection_id,
            row.project_id,
            row.project_name or "",
            row.kind,
            row.name,
            row.created_at,
            row.last_used_at,
            row.use_count,
        )
        for row in rows
    )
