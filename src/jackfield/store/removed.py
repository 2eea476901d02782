"""A deleted connection, kept in memory row by row so that it can be put back as it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, insert, select

from jackfield.model.connection import Connection, Scope
from jackfield.model.errors import InvalidField, NotFound, Refused
from jackfield.store import connections, credentials, tables
from jackfield.store.transaction import Reading, Writing

_HANGING: Final[tuple[Table, ...]] = (
    tables.credential,
    tables.intended_use,
    tables.tag,
    tables.check_run,
    tables.grant_verdict,
    tables.consumer,
)
_NUMBERED: Final = "seq"  # given anew: another row may have taken the number since

_Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Removed:
    """The row of one connection, and those that hang on it, by table. Secrets are in it as they are stored: sealed."""

    connection: _Values
    hanging: Mapping[str, tuple[_Values, ...]]

    @property
    def name(self) -> str:
        return str(self.connection["name"])


def remember(tx: Reading, connection_id: str) -> Removed:
    """Everything that deleting this connection takes away. Raises NotFound."""
    connections.get(tx, connection_id)
    rows = {table.name: _rows(tx, table, table.c.connection_id == connection_id) for table in _HANGING}
    return Removed(_rows(tx, tables.connection, tables.connection.c.id == connection_id)[0], rows)


def put_back(tx: Writing, removed: Removed) -> Connection:
    """Write the rows again, under the ids they had. What used it from a project that is gone is left out.

    Raises NotFound when its place is gone, InvalidField when its name is taken there, Refused when a key or a source
    identity that it needs is gone.
    """
    row = removed.connection
    scope = Scope(row["organization_id"], row["project_id"])
    try:
        connections.require_vacant(tx, scope, removed.name)
    except NotFound:
        raise NotFound(
            f"{removed.name} cannot come back: its place is gone.", "Make a connection anew where it belongs now."
        ) from None
    except InvalidField:
        raise InvalidField(
            "name",
            f"{removed.name} cannot come back: another connection has its name now.",
            "Rename or move that one, then undo again.",
        ) from None
    _require_needed(tx, removed)
    tx.run(insert(tables.connection).values(**row))
    for table in _HANGING:
        rows = removed.hanging[table.name]
        if table is tables.consumer:
            rows = tuple(
                one for one in rows if one["project_id"] is None or _has(tx, tables.project, one["project_id"])
            )
        tx.run_many(insert(table), rows)
    connections.tally(tx, scope, row["state"], 1)
    names = (credentials.left_name(row["id"], one["status"]) for one in removed.hanging[tables.credential.name])
    tx.touch(*connections.left_names(row["id"]), *names)
    return connections.get(tx, row["id"])


def _require_needed(tx: Reading, removed: Removed) -> None:
    sealed = (*removed.hanging[tables.credential.name], *removed.hanging[tables.check_run.name])
    if not all(_has(tx, tables.data_key, key_id) for key_id in {one["key_id"] for one in sealed}):
        raise Refused(f"{removed.name} cannot come back: the keys were replaced since.", "Make it anew.")
    identity = removed.connection["identity_id"]
    if identity is not None and not _has(tx, tables.identity, identity):
        raise Refused(f"{removed.name} cannot come back: its source identity is gone.", "Make it anew.")


def _has(tx: Reading, table: Table, row_id: str) -> bool:
    return tx.first(select(table.c.id).where(table.c.id == row_id)) is not None


def _rows(tx: Reading, table: Table, wanted: Any) -> tuple[_Values, ...]:
    columns = [column for column in table.c if column.name != _NUMBERED]
    found = select(*columns).where(wanted)
    if _NUMBERED in table.c:
        found = found.order_by(table.c[_NUMBERED])
    names = [column.name for column in columns]
    return tuple(dict(zip(names, row, strict=True)) for row in tx.all(found))
