"""Wrapped data keys, and the sealed values that each still opens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, update

from jackfield.model.errors import Conflict, InUse
from jackfield.store import credentials, tables
from jackfield.store.transaction import AnyRow, Reading, Writing, not_found

_table = tables.data_key
_c = _table.c
_SEALED: Final[dict[str, tuple[Table, ColumnElement[bytes]]]] = {
    "credential": (tables.credential, tables.credential.c.sealed),
    "check_run": (tables.check_run, tables.check_run.c.sealed_detail),
    "identity": (tables.identity, tables.identity.c.sealed),
    "draft": (tables.draft, tables.draft.c.sealed),
}


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as the vault wrapped it; `scope` says whose it is, in the vault's words."""

    id: str
    scope: str
    wrapped: bytes
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A sealed column of one row, with all of its place that the seal binds, and what the trail calls it."""

    table: str
    row_id: str
    column: str
    version: int
    sealed: bytes
    left: str


def add(tx: Writing, key_id: str, *, scope: str, wrapped: bytes) -> None:
    """Keep a new key; it becomes the current one of its scope, and the one before is retired."""
    tx.run(update(_table).where(_c.scope == scope, _c.retired_at.is_(None)).values(retired_at=tx.now))
    tx.run(insert(_table).values(id=key_id, scope=scope, wrapped=wrapped, created_at=tx.now, retired_at=None))
    tx.touch(left_name(scope))


def current(tx: Reading, scope: str) -> WrappedKey | None:
    """The key that seals for `scope` now; None before the first."""
    row = tx.first(select(_table).where(_c.scope == scope, _c.retired_at.is_(None)))
    return None if row is None else _key(row)


def get(tx: Reading, key_id: str) -> WrappedKey:
    """Raises NotFound."""
    row = tx.first(select(_table).where(_c.id == key_id))
    if row is None:
        raise not_found("key")
    return _key(row)


def all_keys(tx: Reading) -> tuple[WrappedKey, ...]:
    """Every key, the retired ones too, the oldest first."""
    return tuple(map(_key, tx.all(select(_table).order_by(_c.created_at, _c.id))))


def rewrap(tx: Writing, key_id: str, wrapped: bytes) -> None:
    """Keep the same key under another wrapping, as after a change of the root key. Raises NotFound."""
    if not tx.run(update(_table).where(_c.id == key_id).values(wrapped=wrapped)):
        raise not_found("key")


def remove(tx: Writing, key_id: str) -> bool:
    """Forget a key; False when it is gone already. Raises InUse while a sealed value still needs it."""
    held = {name: _count(tx, table, key_id) for name, (table, _) in _SEALED.items()}
    uses = tuple(f"{number} in {name}" for name, number in held.items() if number)
    if uses:
        raise InUse("Sealed values still need this key.", "Seal them with the new key first.", uses=uses)
    row = tx.first(select(_c.scope).where(_c.id == key_id))
    if row is None:
        return False
    tx.run(delete(_table).where(_c.id == key_id))
    tx.touch(left_name(row.scope))
    return True


def sealed_with(tx: Reading, key_id: str, *, limit: int = 256) -> tuple[SealedValue, ...]:
    """Some of the values that `key_id` seals; none when it is no longer needed."""
    found: list[SealedValue] = []
    for name, (table, column) in _SEALED.items():
        rows = tx.all(select(table).where(table.c.key_id == key_id).limit(limit - len(found)))
        found += [_value(name, column, row) for row in rows]
    return tuple(found)


def sealed_of(tx: Reading, connection_id: str) -> tuple[tuple[SealedValue, str], ...]:
    """Every value sealed for one connection, each with the id of its key."""
    found: list[tuple[SealedValue, str]] = []
    for name in ("credential", "check_run"):
        table, column = _SEALED[name]
        rows = tx.all(select(table).where(table.c.connection_id == connection_id))
        found += [(_value(name, column, row), row.key_id) for row in rows]
    return tuple(found)


def reseal(tx: Writing, value: SealedValue, *, sealed: bytes, key_id: str) -> None:
    """Replace a sealed value by the same under another key, sealed as the next version.

    Raises Conflict when it was replaced meanwhile.
    """
    table, column = _SEALED[value.table]
    done = tx.run(
        update(table)
        .where(table.c.id == value.row_id, table.c.version == value.version)
        .values({column: sealed, table.c.key_id: key_id, table.c.version: value.version + 1})
    )
    if not done:
        raise Conflict("A sealed value was replaced meanwhile.", "Go on: the new one is read again.")


def left_name(scope: str) -> str:
    """What the trail calls the keys of a scope."""
    return f"data_key/{scope}"


def _value(table: str, column: ColumnElement[bytes], row: AnyRow) -> SealedValue:
    match table:
        case "credential":
            left = credentials.left_name(row.connection_id, row.status)
        case "check_run":
            left = f"result/{row.connection_id}"
        case _:
            left = f"{table}/{row.id}"
    return SealedValue(table, row.id, str(column.key), row.version, getattr(row, str(column.key)), left)


def _count(tx: Reading, table: Table, key_id: str) -> int:
    return int(tx.value(select(func.count()).where(table.c.key_id == key_id)))


def _key(row: AnyRow) -> WrappedKey:
    return WrappedKey(row.id, row.scope, row.wrapped, row.created_at, row.retired_at)
