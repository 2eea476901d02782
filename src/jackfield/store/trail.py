"""The audit trail: entries chained by a keyed digest, so that none can be taken out, changed or moved unnoticed.

What the digest of an entry covers, in this order, each part after its length as 4 bytes, big-endian:
`jackfield-trail-1`, seq as 8 bytes, at as 8 bytes of microseconds since 1970 (signed), then as UTF-8 actor, host,
action, object, object_name, outcome, reason, then for each name that it notes (left.py) the name, what, and the version
as 8 bytes, and last the digest of the entry before (32 zero bytes for the first). The caller brings the keyed digest.
A trail cut at its end is noticed only by comparing with a head kept elsewhere.
"""

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select

from jackfield.store import left, tables
from jackfield.store.columns import microseconds
from jackfield.store.left import Left
from jackfield.store.transaction import AnyRow, Reading, Writing

Mac = Callable[[bytes], bytes]

_START: Final = bytes(32)
_BATCH: Final = 1000
_table = tables.audit_event
_c = _table.c


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what to which object, and how it ended. Never a value of a credential."""

    actor: str
    host: str
    action: str
    object: str  # its id
    object_name: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place in the chain."""

    seq: int  # from 1, without gaps
    at: datetime
    event: Event
    previous: bytes
    mac: bytes
    left: tuple[Left, ...] = ()  # by name


@dataclass(frozen=True, slots=True)
class Head:
    """How long the trail is, and the digest of its last entry."""

    count: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """`bad` is the first entry that is missing or not what was written; None when the trail is whole."""

    entries: int
    bad: int | None = None
    reason: str = ""


def append(tx: Writing, event: Event, mac: Mac, *, accepted: tuple[str, ...] = ()) -> Entry:
    """Add an event to the end of the trail. Do it in the transaction of the action itself: no entry, no action.

    It notes the rows that were touched, and those `accepted` as they are, however old.
    """
    end = head(tx)
    seq = end.count + 1
    noted = {name: left.to_note(tx, name) for name in tx.touched} | {name: left.now(tx, name) for name in accepted}
    tx.touched.clear()
    lefts = tuple(noted[name] for name in sorted(noted))
    entry = Entry(seq, tx.now, event, end.mac, mac(chained(seq, tx.now, event, end.mac, lefts)), lefts)
    tx.run(
        insert(_table).values(
            seq=entry.seq,
            at=entry.at,
            actor=event.actor,
            host=event.host,
            action=event.action,
            object=event.object,
            object_name=event.object_name,
            outcome=event.outcome,
            reason=event.reason,
            previous=entry.previous,
            mac=entry.mac,
        )
    )
    tx.run_many(
        insert(tables.audit_left),
        [{"seq": seq, "name": one.name, "what": one.what, "version": one.version} for one in lefts],
    )
    return entry


def head(tx: Reading) -> Head:
    """The end of the trail as stored."""
    row = tx.first(select(_c.seq, _c.mac).order_by(_c.seq.desc()).limit(1))
    return Head(0, _START) if row is None else Head(row.seq, row.mac)


def last(tx: Reading) -> Entry | None:
    """The last entry; None in an empty trail."""
    row = tx.first(select(_table).order_by(_c.seq.desc()).limit(1))
    return None if row is None else _entry(row)


def holds(tx: Reading, head: Head) -> bool:
    """Whether the trail once ended with this head; what came before the entry is not verified."""
    found = tx.value(select(_c.mac).where(_c.seq == head.count))
    return isinstance(found, bytes) and _begins(found, head.mac)


def page(
    tx: Reading, *, about: str | None = None, action: str | None = None, before: int | None = None, limit: int = 50
) -> tuple[Entry, ...]:
    """Entries, the newest first, from the one that precedes the seq `before`.

    Only those `about` one object's id, or of one `action`, when given.
    """
    wanted = select(_table).order_by(_c.seq.desc()).limit(limit)
    if about is not None:
        wanted = wanted.where(_c.object == about)
    if action is not None:
        wanted = wanted.where(_c.action == action)
    if before is not None:
        wanted = wanted.where(_c.seq < before)
    return tuple(map(_entry, tx.all(wanted)))


def verify(tx: Reading, mac: Mac, *, expected: Head | None = None) -> Verification:
    """Walk the whole trail and name the first entry that is wrong; `expected` is a head noted earlier, elsewhere.

    Its MAC may be cut to its first bytes.
    """
    previous, seq = _START, 0
    for entry in _entries(tx):
        seq += 1
        if entry.seq != seq:
            return Verification(seq - 1, seq, "the entry is missing")
        if not is_genuine(entry, mac):
            return Verification(seq - 1, seq, "the entry is not what was written")
        if not hmac.compare_digest(entry.previous, previous):
            return Verification(seq - 1, seq, "the entry does not follow the one before it")
        if expected is not None and expected.count == seq and not _begins(entry.mac, expected.mac):
            return Verification(seq - 1, seq, "the entry is not the one that was noted")
        previous = entry.mac
    if expected is not None and expected.count > seq:
        return Verification(seq, seq + 1, f"the trail ends early: {expected.count - seq} entries are missing")
    return Verification(seq)


def get(tx: Reading, seq: int) -> Entry | None:
    """One entry with what it noted; None where there is none."""
    row = tx.first(select(_table).where(_c.seq == seq))
    return None if row is None else _entry(row, left.by_entry(tx, seq, seq).get(seq, ()))


def is_genuine(entry: Entry, mac: Mac) -> bool:
    """Whether an entry, read with what it noted, is what was written."""
    return hmac.compare_digest(entry.mac, mac(chained(entry.seq, entry.at, entry.event, entry.previous, entry.left)))


def chained(seq: int, at: datetime, event: Event, previous: bytes, lefts: tuple[Left, ...] = ()) -> bytes:
    """The bytes that the digest of an entry covers; see above."""
    texts = (event.actor, event.host, event.action, event.object, event.object_name, event.outcome, event.reason)
    parts = (
        b"jackfield-trail-1",
        seq.to_bytes(8, "big"),
        microseconds(at).to_bytes(8, "big", signed=True),
        *(text.encode() for text in texts),
        *(part for one in lefts for part in (one.name.encode(), one.what.encode(), one.version.to_bytes(8, "big"))),
        previous,
    )
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _begins(mac: bytes, start: bytes) -> bool:
    return hmac.compare_digest(mac[: len(start)], start)


def _entries(tx: Reading) -> Iterator[Entry]:
    last = -(1 << 63)  # below every number SQLite can hold
    while rows := tx.all(select(_table).where(_c.seq > last).order_by(_c.seq).limit(_BATCH)):
        noted = left.by_entry(tx, rows[0].seq, rows[-1].seq)
        yield from (_entry(row, noted.get(row.seq, ())) for row in rows)
        last = rows[-1].seq


def _entry(row: AnyRow, lefts: tuple[Left, ...] = ()) -> Entry:
    event = Event(row.actor, row.host, row.action, row.object, row.object_name, row.outcome, row.reason)
    return Entry(row.seq, row.at, event, row.previous, row.mac, lefts)
