"""Source identities: credentials of the program's own that connections start from, sealed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from jackfield.model.errors import InUse, InvalidField, NotFound
from jackfield.model.names import require_slug
from jackfield.store import tables
from jackfield.store.transaction import AnyRow, Reading, Writing, not_found, require_version

_table = tables.identity
_c = _table.c


@dataclass(frozen=True, slots=True)
class Identity:
    """What a list shows of a source identity; `method` is the kind of it that the provider knows."""

    id: str
    name: str
    provider: str
    method: str
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class SealedFields:
    """Its sealed fields. The identity's id and version are part of what the seal binds."""

    sealed: bytes
    key_id: str


def create(tx: Writing, identity_id: str, fields: SealedFields, *, name: str, provider: str, method: str) -> Identity:
    """Keep a new identity, sealed as version 1. Raises InvalidField when the name is taken or no slug."""
    _require_free(tx, name)
    tx.run(
        insert(_table).values(
            id=identity_id,
            name=require_slug(name),
            provider=provider,
            method=method,
            sealed=fields.sealed,
            key_id=fields.key_id,
            created_at=tx.now,
            updated_at=tx.now,
            version=1,
        )
    )
    tx.touch(f"identity/{identity_id}")
    return get(tx, identity_id)


def replace(tx: Writing, identity: Identity, fields: SealedFields, *, name: str) -> Identity:
    """Put name and fields, sealed as the next version, in the place of the old.

    Raises NotFound, Conflict, or InvalidField when the name is taken or no slug.
    """
    require_version(tx, _table, identity.id, identity.version, "source identity")
    _require_free(tx, name, but=identity.id)
    tx.run(
        update(_table)
        .where(_c.id == identity.id)
        .values(
            name=require_slug(name),
            sealed=fields.sealed,
            key_id=fields.key_id,
            updated_at=tx.now,
            version=identity.version + 1,
        )
    )
    tx.touch(f"identity/{identity.id}")
    return get(tx, identity.id)


def get(tx: Reading, identity_id: str) -> Identity:
    """Raises NotFound."""
    row = tx.first(_lines().where(_c.id == identity_id))
    if row is None:
        raise not_found("source identity")
    return _identity(row)


def named(tx: Reading, name: str) -> Identity:
    """By name or id. Raises NotFound."""
    row = tx.first(_lines().where((_c.name == name) | (_c.id == name)))
    if row is None:
        raise not_found("source identity")
    return _identity(row)


def page(tx: Reading, *, after: str = "", limit: int = 128) -> tuple[Identity, ...]:
    """By name, from the one that follows the name `after`."""
    return tuple(map(_identity, tx.all(_lines().where(_c.name > after).order_by(_c.name).limit(limit))))


def of_connection(tx: Reading, connection_id: str) -> Identity | None:
    """The identity that a connection starts from; None when it has all its fields itself."""
    connection = tables.connection.c
    row = tx.first(
        _lines().join(tables.connection, connection.identity_id == _c.id).where(connection.id == connection_id)
    )
    return None if row is None else _identity(row)


def fields_of(tx: Reading, identity: Identity) -> SealedFields:
    """Raises NotFound, also when they were replaced since the identity was read."""
    row = tx.first(select(_c.sealed, _c.key_id).where(_c.id == identity.id, _c.version == identity.version))
    if row is None:
        raise NotFound(f"The source identity {identity.name} was changed or deleted meanwhile.", "Look at it again.")
    return SealedFields(row.sealed, row.key_id)


def connections_of(tx: Reading, identity_id: str) -> tuple[tuple[str, str], ...]:
    """Id and name of every connection that starts from it, by name."""
    connection = tables.connection.c
    found = select(connection.id, connection.name).where(connection.identity_id == identity_id)
    return tuple((row.id, row.name) for row in tx.all(found.order_by(connection.name, connection.seq)))


def remove(tx: Writing, identity: Identity) -> None:
    """Raises NotFound, Conflict, or InUse with the connections that start from it."""
    require_version(tx, _table, identity.id, identity.version, "source identity")
    uses = tuple(f"connection {name}" for _, name in connections_of(tx, identity.id))
    if uses:
        raise InUse(
            f"Connections start from the source identity {identity.name}.",
            "Give them another one, or keys of their own, first.",
            uses=uses,
        )
    tx.run(delete(_table).where(_c.id == identity.id))
    tx.touch(f"identity/{identity.id}")


def _require_free(tx: Reading, name: str, *, but: str = "") -> None:
    if tx.first(select(_c.id).where(_c.name == name, _c.id != but)):
        raise InvalidField("name", f"A source identity {name} exists already.", "Choose another name.")


def _lines() -> Select[Any]:
    return select(_c.id, _c.name, _c.provider, _c.method, _c.created_at, _c.updated_at, _c.version)


def _identity(row: AnyRow) -> Identity:
    return Identity(row.id, row.name, row.provider, row.method, row.created_at, row.updated_at, row.version)
