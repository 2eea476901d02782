"""Leases, credentials, keys, drafts, settings."""

import pytest

from jackfield.model.connection import Organization, Scope
from jackfield.model.errors import Conflict, InUse, NotFound
from jackfield.store import connections, credentials, drafts, keys, leases, settings
from jackfield.store.connections import Definition
from jackfield.store.credentials import SealedCredential, Status
from jackfield.store.store import Store

from .conftest import Clock


def test_a_lease_has_one_holder_until_it_ends(store: Store, clock: Clock) -> None:
    with store.write() as tx:
        assert leases.acquire(tx, "worker", "one", 30)
        assert leases.acquire(tx, "worker", "one", 30)
        assert not leases.acquire(tx, "worker", "two", 30)
        assert leases.acquire(tx, "other", "two", 30)
    clock.forward(29)
    with store.write() as tx:
        assert not leases.acquire(tx, "worker", "two", 30)
        assert leases.renew(tx, "worker", "one", 30)
        assert not leases.renew(tx, "worker", "two", 30)
    clock.forward(30)
    with store.write() as tx:
        assert leases.holder(tx, "worker") is None
        assert not leases.renew(tx, "worker", "one", 30)
        assert leases.acquire(tx, "worker", "two", 30)
        leases.release(tx, "worker", "one")
        found = leases.holder(tx, "worker")
        assert found is not None
        assert found.holder == "two"
        leases.release(tx, "worker", "two")
        assert leases.acquire(tx, "worker", "one", 30)


def test_a_pending_credential_waits_beside_the_current_one(store: Store, scope: Scope) -> None:
    with store.write() as tx:
        row_id = connections.create(tx, scope, Definition("c", "aws", "m")).id
        with pytest.raises(NotFound):
            credentials.require(tx, row_id)
        old = SealedCredential("1", row_id, Status.CURRENT, b"old", "key", 1)
        new = SealedCredential("2", row_id, Status.PENDING, b"new", "key", 2)
        credentials.put(tx, old)
        with pytest.raises(Conflict):
            credentials.promote(tx, row_id)
        credentials.put(tx, new)
        assert credentials.require(tx, row_id) == old
        assert credentials.pending(tx) == (new,)
        credentials.promote(tx, row_id)
        assert credentials.require(tx, row_id).sealed == b"new"
        assert credentials.pending(tx) == ()
        connections.remove(tx, row_id, version=1)
        assert credentials.get(tx, row_id) is None


def test_a_key_is_replaced_value_by_value_and_then_removed(store: Store, acme: Organization, clock: Clock) -> None:
    with store.write() as tx:
        row_id = connections.create(tx, Scope(acme.id), Definition("c", "aws", "m")).id
        credentials.put(tx, SealedCredential("1", row_id, Status.CURRENT, b"old", "key", 1))
        drafts.put(tx, "draft", sealed=b"typed", key_id="key", version=4)
        clock.forward(1)
    with store.write() as tx:
        keys.add(tx, "key-2", scope=acme.id, wrapped=b"w2")
        assert [key.id for key in keys.all_keys(tx)] == ["key", "key-2"]
        current = keys.current(tx, acme.id)
        assert current is not None
        assert current.id == "key-2"
        assert keys.get(tx, "key").retired_at == clock.now
        with pytest.raises(InUse) as caught:
            keys.remove(tx, "key")
        assert caught.value.uses == ("1 in credential", "1 in draft")
        first, second = keys.sealed_with(tx, "key")
        assert keys.sealed_with(tx, "key", limit=1) == (first,)
        assert (first.table, first.row_id, first.column, first.version) == ("credential", "1", "sealed", 1)
        keys.reseal(tx, first, sealed=b"again", key_id="key-2")
        with pytest.raises(Conflict):
            keys.reseal(tx, first, sealed=b"twice", key_id="key-2")
        keys.reseal(tx, second, sealed=b"typed again", key_id="key-2")
        keys.remove(tx, "key")
        resealed = credentials.require(tx, row_id)
        assert (resealed.sealed, resealed.key_id, resealed.version) == (b"again", "key-2", 2)
        keys.rewrap(tx, "key-2", b"w3")
        assert keys.get(tx, "key-2").wrapped == b"w3"
        with pytest.raises(NotFound):
            keys.get(tx, "key")
        with pytest.raises(NotFound):
            keys.rewrap(tx, "key", b"")


@pytest.mark.usefixtures("acme")
def test_drafts_are_kept_by_id_the_latest_first(store: Store, clock: Clock) -> None:
    with store.write() as tx:
        drafts.put(tx, "a", sealed=b"1", key_id="key", version=1)
    clock.forward(1)
    with store.write() as tx:
        drafts.put(tx, "b", sealed=b"2", key_id="key", version=1)
    clock.forward(1)
    with store.write() as tx:
        drafts.put(tx, "a", sealed=b"3", key_id="key", version=2)
        assert [(one.id, one.sealed, one.version) for one in drafts.all_drafts(tx)] == [("a", b"3", 2), ("b", b"2", 1)]
        drafts.remove(tx, "a")
        drafts.remove(tx, "a")
        assert [one.id for one in drafts.all_drafts(tx)] == ["b"]


def test_settings_and_saved_filters_come_back(store: Store) -> None:
    with store.write() as tx:
        assert settings.get(tx, "theme") is None
        for value in ("dark", 3, True, ["a"], {"k": {"n": 1.5}}):
            settings.put(tx, "theme", value)
            assert settings.get(tx, "theme") == value
        settings.put(tx, "theme", None)
        assert settings.get(tx, "theme") is None
        settings.save_filter(tx, "mine", "state:failed")
        settings.save_filter(tx, "mine", "state:limited")
        settings.save_filter(tx, "a", "prod")
        assert [(one.name, one.text) for one in settings.saved_filters(tx)] == [
            ("a", "prod"),
            ("mine", "state:limited"),
        ]
        settings.drop_filter(tx, "a")
        assert [one.name for one in settings.saved_filters(tx)] == ["mine"]
