"""A session: the vault unlocked, the store open, and the use cases that need both."""

import getpass
import os
import socket
from collections.abc import Callable
from typing import Self

from jackfield.model.errors import HomeError
from jackfield.model.secret import Secret
from jackfield.providers.contract.registry import Registry
from jackfield.services.audit import Audit
from jackfield.services.connections import Connections
from jackfield.services.drafts import Drafts
from jackfield.services.home import Home
from jackfield.services.organizations import Organizations
from jackfield.services.projects import Projects
from jackfield.services.sealing import Sealer
from jackfield.services.testing import Tests
from jackfield.store.store import Store
from jackfield.vault.costs import FLOOR, Costs
from jackfield.vault.vault import Vault


class Session:
    """Everything a face can do while the vault is unlocked. Ends with `lock`."""

    def __init__(self, home: Home, vault: Vault, store: Store) -> None:
        self.home = home
        self.vault = vault
        self.store = store
        self.registry = Registry(home.providers)
        self.sealer = Sealer(vault)
        self.audit = Audit(store, self.sealer.mac_key(store, "audit"), actor=_actor(), host=socket.gethostname())
        self.organizations = Organizations(store, self.audit)
        self.projects = Projects(store, self.audit)
        self.connections = Connections(store, self.sealer, self.audit, self.registry, vault.digest)
        self.tests = Tests(store, self.sealer, self.audit, self.registry, self.connections)
        self.drafts = Drafts(store, self.sealer)
        self._on_lock: list[Callable[[], None]] = []

    @classmethod
    def create(
        cls,
        home: Home,
        passphrase: Secret,
        *,
        declined_recovery: bool = False,
        costs: Costs | None = None,
        floor: Costs = FLOOR,
    ) -> tuple[Self, Secret | None]:
        """Make the vault and an empty store; the recovery key is returned this once. Raises what Vault.create does."""
        home.prepare()
        vault, recovery = Vault.create(
            home.folder, passphrase, declined_recovery=declined_recovery, costs=costs, floor=floor
        )
        session = cls(home, vault, Store.open(home.folder, vault.database_key()))
        session.audit.note("vault.create", object_id=vault.store_id, name="")
        return session, recovery

    @classmethod
    def unlock(cls, home: Home, passphrase: Secret, *, floor: Costs = FLOOR) -> Self:
        """Open with the passphrase. Takes as long as its derivation: call it from a thread."""
        return cls.open(home, lambda: Vault.unlock(home.folder, passphrase, floor=floor))

    @classmethod
    def unlock_with_recovery(cls, home: Home, key: Secret) -> Self:
        return cls.open(home, lambda: Vault.unlock_with_recovery(home.folder, key))

    @classmethod
    def unlock_with_keyring(cls, home: Home) -> Self:
        return cls.open(home, lambda: Vault.unlock_with_keyring(home.folder))

    @classmethod
    def open(cls, home: Home, unlock: Callable[[], Vault]) -> Self:
        """Open the vault and its store. Raises WrongPassphrase, HeaderTampered, StoreTampered, StoreTooNew, HomeError."""
        if not home.folder.is_dir():
            raise HomeError(f"There is no vault in {home.folder}.", "Make one with: jackfield init")
        home.prepare()
        vault = unlock()
        try:
            return cls(home, vault, Store.open(home.folder, vault.database_key(), must_exist=True))
        except BaseException:
            vault.lock()
            raise

    def on_lock(self, action: Callable[[], None]) -> None:
        """Have `action` called before the keys go: to stop what still needs them."""
        self._on_lock.append(action)

    @property
    def locked(self) -> bool:
        return self.vault.locked

    def lock(self) -> None:
        """Stop what runs, close the store, drop every key. Harmless when locked already."""
        if self.vault.locked:
            return
        for action in reversed(self._on_lock):
            action()
        self.store.close()
        self.vault.lock()


def _actor() -> str:
    """The OS user; a number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
