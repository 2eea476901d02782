"""Leases: which process does what only one may do, until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from jackfield.store import tables
from jackfield.store.transaction import Reading, Writing

_table = tables.lease
_c = _table.c


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds what, until when."""

    name: str
    holder: str
    until: datetime


def acquire(tx: Writing, name: str, holder: str, seconds: float) -> bool:
    """Take the lease, or keep it, for `seconds` from now; False while another holds it."""
    until = tx.now + timedelta(seconds=seconds)
    mine_or_over = (_c.holder == holder) | (_c.until <= tx.now)
    if tx.run(update(_table).where(_c.name == name, mine_or_over).values(holder=holder, until=until)):
        return True
    if tx.first(select(_c.name).where(_c.name == name)):
        return False
    tx.run(insert(_table).values(name=name, holder=holder, until=until))
    return True


def renew(tx: Writing, name: str, holder: str, seconds: float) -> bool:
    """Hold the lease for `seconds` from now; False when it was lost, even if nobody took it since."""
    until = tx.now + timedelta(seconds=seconds)
    held = (_c.name == name, _c.holder == holder, _c.until > tx.now)
    return bool(tx.run(update(_table).where(*held).values(until=until)))


def release(tx: Writing, name: str, holder: str) -> None:
    """Give the lease back, if it is still held."""
    tx.run(delete(_table).where(_c.name == name, _c.holder == holder))


def holder(tx: Reading, name: str) -> Lease | None:
    """Who holds the lease now; None when it is free."""
    row = tx.first(select(_table).where(_c.name == name, _c.until > tx.now))
    return None if row is None else Lease(row.name, row.holder, row.until)
