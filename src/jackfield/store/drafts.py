"""Sealed drafts of forms, kept so that a lost connection loses nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from jackfield.store import left, tables
from jackfield.store.transaction import Reading, Writing

_table = tables.draft
_c = _table.c


@dataclass(frozen=True, slots=True)
class SealedDraft:
    """What was typed so far, sealed. Its id, key and version are part of what the seal binds."""

    id: str
    sealed: bytes
    key_id: str
    version: int
    updated_at: datetime


def put(tx: Writing, draft_id: str, *, sealed: bytes, key_id: str, version: int) -> None:
    """Keep a draft in the place of an earlier version of it."""
    remove(tx, draft_id)
    tx.run(insert(_table).values(id=draft_id, sealed=sealed, key_id=key_id, version=version, updated_at=tx.now))


def left_name(draft_id: str) -> str:
    """What the trail calls a draft."""
    return f"draft/{draft_id}"


def all_drafts(tx: Reading) -> tuple[SealedDraft, ...]:
    """Every draft, the latest first."""
    rows = tx.all(select(_table).order_by(_c.updated_at.desc(), _c.id))
    return tuple(SealedDraft(row.id, row.sealed, row.key_id, row.version, row.updated_at) for row in rows)


def newer_than_noted(tx: Reading) -> tuple[str, ...]:
    """Ids of the drafts that were saved again since the trail noted them."""
    found = tx.all(select(_c.id, _c.version).order_by(_c.id))
    noted = left.newest(tx, *(left_name(row.id) for row in found))
    return tuple(
        row.id for row in found if (last := noted.get(left_name(row.id))) is not None and last[0].version < row.version
    )


def remove(tx: Writing, draft_id: str) -> bool:
    """Forget a draft; False when it is gone already."""
    return bool(tx.run(delete(_table).where(_c.id == draft_id)))
