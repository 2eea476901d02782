"""Sealed credentials: the current one of each connection, and a pending one while a takeover is under way."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, insert, select, update

from jackfield.model.errors import Conflict
from jackfield.store import tables
from jackfield.store.transaction import AnyRow, Reading, Writing, not_found, require_row

_table = tables.credential
_c = _table.c


class Status(StrEnum):
    CURRENT = "current"
    PENDING = "pending"  # sealed before the vendor was asked to change it, not yet proven


class Renewal(StrEnum):
    """How far a refresh of a credential's tokens came; storing new tokens begins anew."""

    IDLE = "idle"
    SENT = "sent"  # the vendor was asked, and its answer is not stored
    OVER = "over"  # the vendor refused it for good
    LOST = "lost"  # the same, after the answer to an earlier one was lost


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """The sealed JSON of a connection's fields. Its id, key and version are part of what the seal binds."""

    id: str
    connection_id: str
    status: Status
    sealed: bytes
    key_id: str
    version: int
    renewal: Renewal = Renewal.IDLE


def put(tx: Writing, credential: SealedCredential) -> None:
    """Keep a credential in the place of the one with the same status. Raises NotFound for its connection."""
    require_row(tx, tables.connection, credential.connection_id, "connection")
    drop(tx, credential.connection_id, credential.status)
    tx.run(
        insert(_table).values(
            id=credential.id,
            connection_id=credential.connection_id,
            status=credential.status,
            sealed=credential.sealed,
            key_id=credential.key_id,
            version=credential.version,
            renewal=credential.renewal,
        )
    )
    tx.touch(left_name(credential.connection_id, credential.status))


def get(tx: Reading, connection_id: str, status: Status = Status.CURRENT) -> SealedCredential | None:
    """The credential with this status; None when there is none."""
    row = tx.first(select(_table).where(_c.connection_id == connection_id, _c.status == status))
    return None if row is None else _credential(row)


def promote(tx: Writing, connection_id: str) -> None:
    """Make the pending credential the current one. Raises Conflict when none is pending."""
    if get(tx, connection_id, Status.PENDING) is None:
        raise Conflict("No new credential waits for this connection.", "Look at the connection again.")
    drop(tx, connection_id, Status.CURRENT)
    tx.run(update(_table).where(_c.connection_id == connection_id).values(status=Status.CURRENT))
    tx.touch(*(left_name(connection_id, status) for status in Status))


def drop(tx: Writing, connection_id: str, status: Status) -> None:
    """Delete the credential with this status, if there is one."""
    if tx.run(delete(_table).where(_c.connection_id == connection_id, _c.status == status)):
        tx.touch(left_name(connection_id, status))


def set_renewal(tx: Writing, connection_id: str, renewal: Renewal) -> None:
    """Note how far a refresh of the current credential came."""
    tx.run(update(_table).where(_c.connection_id == connection_id, _c.status == Status.CURRENT).values(renewal=renewal))


def pending(tx: Reading) -> tuple[SealedCredential, ...]:
    """Every pending credential: what a crash left undecided."""
    rows = tx.all(select(_table).where(_c.status == Status.PENDING).order_by(_c.connection_id))
    return tuple(map(_credential, rows))


def require(tx: Reading, connection_id: str) -> SealedCredential:
    """The current credential. Raises NotFound."""
    found = get(tx, connection_id)
    if found is None:
        raise not_found("credential")
    return found


def left_name(connection_id: str, status: Status) -> str:
    """What the trail calls the credential with this status."""
    return f"credential/{connection_id}/{status}"


def _credential(row: AnyRow) -> SealedCredential:
    status, renewal = Status(row.status), Renewal(row.renewal)
    return SealedCredential(row.id, row.connection_id, status, row.sealed, row.key_id, row.version, renewal)
