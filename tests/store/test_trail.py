"""The audit trail: whole, or the first wrong entry is named."""

import hashlib
import hmac
from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, select, update

from jackfield.model.errors import HomeError, LockedError
from jackfield.store import organizations, trail
from jackfield.store.store import Store
from jackfield.store.tables import audit_event
from jackfield.store.trail import Event, Head
from jackfield.store.transaction import Writing

from .conftest import Clock

c = audit_event.c


def mac(data: bytes) -> bytes:
    return hmac.digest(b"key of the trail", data, hashlib.sha256)


def event(number: int) -> Event:
    return Event("alice", "host", "connection.test", f"id-{number % 3}", f"name-{number}", "passed", "why")


@pytest.fixture
def head(store: Store) -> Head:
    """The end of a trail of 2,500 entries."""
    with store.write() as tx:
        for number in range(2500):
            trail.append(tx, event(number), mac)
        return trail.head(tx)


def test_a_whole_trail_verifies_and_reads_in_pages(store: Store, clock: Clock, head: Head) -> None:
    with store.read() as tx:
        assert trail.verify(tx, mac, expected=head) == trail.Verification(2500)
        page = trail.page(tx, limit=40)
        assert [entry.seq for entry in page] == list(range(2500, 2460, -1))
        assert [entry.seq for entry in trail.page(tx, before=page[-1].seq, limit=2)] == [2460, 2459]
        about = trail.page(tx, about="id-1", limit=3)
        assert [entry.event.object_name for entry in about] == ["name-2497", "name-2494", "name-2491"]
        assert about[0].at == clock.now
    assert head.count == 2500


def remove_last(tx: Writing) -> None:
    tx.run(delete(audit_event).where(c.seq > 2400))


def swap(tx: Writing) -> None:
    for seq, place in ((1200, -1), (1201, 1200), (-1, 1201)):
        tx.run(update(audit_event).where(c.seq == seq).values(seq=place))


def duplicate(tx: Writing) -> None:
    tx.run(update(audit_event).where(c.seq > 1200).values(seq=c.seq + 10_000))
    tx.run(update(audit_event).where(c.seq > 10_000).values(seq=c.seq - 9_999))
    copy = tx.first(select(audit_event).where(c.seq == 1200))
    assert copy is not None
    tx.run(insert(audit_event).values({**copy._mapping, "seq": 1201}))


@pytest.mark.parametrize(
    ("attack", "bad"),
    [
        (lambda tx: tx.run(delete(audit_event).where(c.seq == 1200)), 1200),
        (lambda tx: tx.run(delete(audit_event).where(c.seq == 1)), 1),
        (lambda tx: tx.run(update(audit_event).where(c.seq == 1200).values(actor="mallory")), 1200),
        (lambda tx: tx.run(update(audit_event).where(c.seq == 1200).values(actor="alic", host="ehost")), 1200),
        (lambda tx: tx.run(update(audit_event).where(c.seq == 1200).values(mac=bytes(32))), 1200),
        (lambda tx: tx.run(update(audit_event).where(c.seq == 1200).values(previous=bytes(32))), 1200),
        (swap, 1200),
        (duplicate, 1201),
        (remove_last, 2401),
        (lambda tx: tx.run(delete(audit_event)), 1),
    ],
    ids=["delete", "first", "edit", "shift", "mac", "previous", "reorder", "duplicate", "truncate", "all"],
)
def test_every_change_names_the_first_wrong_entry(
    store: Store, head: Head, attack: Callable[[Writing], object], bad: int
) -> None:
    with store.write() as tx:
        attack(tx)
    with store.read() as tx:
        found = trail.verify(tx, mac, expected=head)
    assert found.bad == bad
    assert found.entries == bad - 1
    assert found.reason


def test_a_trail_written_again_from_its_start_is_not_the_noted_one(store: Store, head: Head) -> None:
    with store.write() as tx:
        tx.run(delete(audit_event))
        for number in range(1, 2502):
            trail.append(tx, event(number), mac)
        assert trail.verify(tx, mac).bad is None
        assert trail.verify(tx, mac, expected=head).bad == 2500


def test_no_entry_no_action(store: Store) -> None:
    def no_key(_: bytes) -> bytes:
        raise LockedError("The vault is locked.")

    def act() -> None:
        with store.write() as tx:
            organizations.create(tx, name="acme")
            trail.append(tx, event(1), no_key)

    with pytest.raises(LockedError):
        act()
    with store.read() as tx:
        assert organizations.page(tx) == ()


def test_a_full_disk_blocks_the_action(store: Store) -> None:
    with store.read() as tx:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()

    def act() -> None:
        with store.write() as tx:
            tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            organizations.create(tx, name="acme")
            for number in range(2000):
                trail.append(tx, event(number), mac)

    with pytest.raises(HomeError, match="full"):
        act()
    with store.read() as tx:
        assert organizations.page(tx) == ()
        assert trail.head(tx) == Head(0, bytes(32))


def test_the_covered_bytes_are_those_of_the_description(clock: Clock) -> None:
    """A fixed vector: a change of the format must be noticed."""
    covered = trail.chained(7, clock.now, Event("a", "h", "act", "o", "n", "done", ""), bytes(32))
    parts = [
        b"jackfield-trail-1",
        bytes([0] * 7 + [7]),
        int(clock.now.timestamp() * 10**6).to_bytes(8, "big"),
        *(b"a", b"h", b"act", b"o", b"n", b"done", b""),
        bytes(32),
    ]
    assert covered == b"".join(bytes([0, 0, 0, len(part)]) + part for part in parts)
