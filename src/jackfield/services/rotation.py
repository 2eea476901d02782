"""Changing keys, in steps that can be cut off anywhere and are finished by the next start or the next call.

The root key: the vault's header first keeps the old one beside the new; then the database and the wrapped data keys
are moved to the new one and every digest is computed again; then the old one is dropped. Data keys: each scope gets a
new one, and what the old ones sealed is sealed anew in batches; a key that seals nothing any more is forgotten.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jackfield.model.errors import BlobTampered, StoreTampered
from jackfield.model.secret import Secret
from jackfield.services.audit import TRAIL_SCOPE
from jackfield.store import keys
from jackfield.store.store import Store
from jackfield.vault.keys import RootKey
from jackfield.vault.sources import KeySource
from jackfield.vault.vault import Vault

if TYPE_CHECKING:
    from jackfield.services.session import Session

BATCH: Final = 256  # sealed values or digests in one transaction


def rotate_root(session: "Session", *sources: KeySource) -> Secret | None:
    """Put a new root key in place of the old; the new recovery key where there was one, shown this once.

    Every way in but recovery must be opened by one of `sources`. Raises Refused where one is not, or while another
    Jackfield has the home open.
    """
    with session.presence.alone():
        session.audit.note("key.rotate", object_id=session.vault.store_id, name="root")
        recovery = session.vault.rotate_root(*sources)
        session.store.rekey(session.vault.database_key())
        finish_rotation(session)
    return recovery


def open_store(folder: Path, vault: Vault) -> Store:
    """The store of an unlocked vault, brought under its root key where a change of that was cut off.

    Raises StoreTampered, StoreTooNew or HomeError.
    """
    if vault.previous is None:
        return Store.open(folder, vault.database_key(), must_exist=True)
    try:
        store = Store.open(folder, vault.database_key(), must_exist=True)
    except StoreTampered:  # not moved yet, unless it is really damaged: then the old key does not open it either
        store = Store.open(folder, vault.previous.database_key(), must_exist=True)
        store.rekey(vault.database_key())
    _wrap_again(store, vault, vault.previous)
    return store


def finish_rotation(session: "Session") -> None:
    """Move what still needs the previous root key, and drop that."""
    if session.vault.previous is not None:
        _wrap_again(session.store, session.vault, session.vault.previous)
        last = ""
        while last := session.connections.renew_digests(after=last, limit=BATCH):
            pass
        session.store.empty_log()
        session.vault.finish_rotation()


def _wrap_again(store: Store, vault: Vault, previous: RootKey) -> None:
    """Wrap every data key under the new root key, in one transaction. Those that are already are left alone."""
    with store.write() as tx:
        for one in keys.all_keys(tx):
            try:
                vault.unwrap_data_key(one.wrapped, scope=one.scope)
            except BlobTampered:
                with contextlib.suppress(BlobTampered):  # a damaged key is lost under either root: its rows say so
                    key = previous.unwrap_data_key(one.wrapped, scope=one.scope)
                    keys.rewrap(tx, one.id, vault.wrap_data_key(key, scope=one.scope))


def rotate_data_keys(session: "Session", on_batch: Callable[[int], None] = lambda _: None) -> int:
    """Seal everything with fresh data keys; gives the number of values. One that was cut off is finished instead.

    `on_batch` is told the number so far. The trail keeps its key: its entries could not be verified under another.
    """
    done = _seal_again(session, on_batch)
    if not done:
        with session.store.write() as tx:
            for scope in {one.scope for one in keys.all_keys(tx)} - {TRAIL_SCOPE}:
                session.sealer.renew_key(tx, scope)
            session.audit.append(tx, "key.rotate", object_id=session.vault.store_id, name="data")
        done = _seal_again(session, on_batch)
    session.store.empty_log()
    return done


def _seal_again(session: "Session", on_batch: Callable[[int], None]) -> int:
    """Seal what retired keys sealed with the current ones; gives how many values that were."""
    with session.store.read() as tx:
        retired = [one for one in keys.all_keys(tx) if one.retired_at is not None]
    done = 0
    for key in retired:
        while sealed := _seal_some(session, key):
            done += sealed
            on_batch(done)
    return done


def _seal_some(session: "Session", key: keys.WrappedKey) -> int:
    """Seal one batch anew; forget a key that seals nothing any more. A value that does not open stays as it is."""
    done = 0
    with session.store.write() as tx:
        values = keys.sealed_with(tx, key.id, limit=BATCH)
        for value in values:
            with contextlib.suppress(BlobTampered):
                session.sealer.reseal(tx, value, key_id=key.id)
                done += 1
        if not values:
            keys.remove(tx, key.id)
    return done
