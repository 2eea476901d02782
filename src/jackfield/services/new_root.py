"""A store brought under its vault's new root key, in steps that the next start finishes when they are cut off.

The vault's header keeps the old root key beside the new one. The database and the wrapped data keys are moved to the
new one, and every digest is computed again; then the old one is dropped.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from jackfield.model.errors import BlobTampered, StoreTampered
from jackfield.store import keys
from jackfield.store.store import Store
from jackfield.vault.keys import RootKey
from jackfield.vault.vault import Vault

BATCH: Final = 256  # digests in one transaction


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


def finish_new_root(store: Store, vault: Vault, renew_digests: Callable[..., str]) -> None:
    """Move what still needs the previous root key, and drop that.

    `renew_digests(after=id, limit=number)` computes digests of secrets again and gives the last id, empty at the end.
    """
    if vault.previous is not None:
        _wrap_again(store, vault, vault.previous)
        last = ""
        while last := renew_digests(after=last, limit=BATCH):
            pass
        store.empty_log()
        vault.finish_rotation()


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
