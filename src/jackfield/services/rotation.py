"""Changing keys, in steps that can be cut off anywhere and are finished by the next start or the next call.

The root key: see `new_root`. Data keys: each scope gets a new one, and what the old ones sealed is sealed anew in
batches; a key that seals nothing any more is forgotten.
"""

import contextlib
from collections.abc import Callable
from typing import Final

from jackfield.model.errors import BlobTampered
from jackfield.model.secret import Secret
from jackfield.services.audit import TRAIL_SCOPE
from jackfield.services.new_root import finish_new_root
from jackfield.services.sealing import place_text
from jackfield.services.session import Session
from jackfield.store import keys
from jackfield.vault.sources import KeySource

BATCH: Final = 256  # sealed values in one transaction


def rotate_root(session: Session, *sources: KeySource) -> Secret | None:
    """Put a new root key in place of the old; the new recovery key where there was one, shown this once.

    Every way in but recovery must be opened by one of `sources`. Raises Refused where one is not, or while another
    Jackfield has the home open.
    """
    vault, store = session.vault, session.store
    with session.presence.alone(), session.audit.around("key.rotate", object_id=vault.store_id, name="root"):
        recovery = vault.rotate_root(*sources)
        store.rekey(vault.database_key())
        finish_new_root(store, vault, session.connections.renew_digests)
    return recovery


def rotate_data_keys(session: Session, on_batch: Callable[[int], None] = lambda _: None) -> int:
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


def _seal_again(session: Session, on_batch: Callable[[int], None]) -> int:
    """Seal what retired keys sealed with the current ones; gives how many values that were."""
    with session.store.read() as tx:
        retired = [one for one in keys.all_keys(tx) if one.retired_at is not None]
    done = 0
    for key in retired:
        while sealed := _seal_some(session, key):
            done += sealed
            on_batch(done)
    return done


def _seal_some(session: Session, key: keys.WrappedKey) -> int:
    """Seal one batch anew; forget a key that seals nothing any more. A value that does not open stays as it is."""
    done = 0
    with session.store.write() as tx:
        values = keys.sealed_with(tx, key.id, limit=BATCH)
        for value in values:
            with contextlib.suppress(BlobTampered):
                session.sealer.reseal(tx, value, key_id=key.id)
                done += 1
        if not values and keys.remove(tx, key.id):
            session.audit.append(tx, "key.forget", object_id=key.id, name=place_text(key.scope))
    return done
