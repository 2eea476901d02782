"""A session: the vault unlocked, the store open, and the use cases that need both."""

import getpass
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Self

from jackfield.model.errors import HomeError
from jackfield.model.secret import Secret
from jackfield.providers.contract.registry import Registry
from jackfield.services.anchor import Anchor, Noted, anchor_path, head_code, noted_at, noted_of
from jackfield.services.audit import TRAIL_SCOPE, Audit
from jackfield.services.connections import Connections
from jackfield.services.drafts import Drafts
from jackfield.services.expiry import Expiry
from jackfield.services.home import Home
from jackfield.services.identities import Identities
from jackfield.services.many import Many
from jackfield.services.new_root import finish_new_root, open_store
from jackfield.services.organizations import Organizations
from jackfield.services.packages import Packages
from jackfield.services.presence import Presence
from jackfield.services.projects import Projects
from jackfield.services.sealing import Sealer
from jackfield.services.settings import Settings
from jackfield.services.testing import Tests
from jackfield.services.tokens import Tokens
from jackfield.services.undo import Undo
from jackfield.services.usage import Usage
from jackfield.store.store import Clock, Store, utc_now
from jackfield.vault.costs import FLOOR, Costs
from jackfield.vault.vault import Vault

if TYPE_CHECKING:
    from jackfield.services.keyring_note import KeyringNote


class Session:
    """Everything a face can do while the vault is unlocked. Ends with `lock`."""

    def __init__(self, home: Home, vault: Vault, store: Store, presence: Presence) -> None:
        self.home = home
        self.vault = vault
        self.store = store
        self.presence = presence
        self.registry = Registry(home.providers)
        self.sealer = Sealer(vault)
        self.anchor = self.anchor_of(home)
        self.audit = Audit(
            store,
            self.sealer.mac_key(store, TRAIL_SCOPE, "audit"),
            actor=_actor(),
            host=socket.gethostname(),
            on_append=self.anchor.note,
        )
        self.sealer.audit = self.audit
        self.packages = Packages(store, self.audit, self.registry)
        self.organizations = Organizations(store, self.audit)
        self.projects = Projects(store, self.audit)
        self.identities = Identities(store, self.sealer, self.audit, self.registry)
        self.connections = Connections(store, self.sealer, self.audit, self.registry, self.identities, vault.digest)
        self.many = Many(store, self.audit, self.connections)
        self.undo = Undo(store, self.audit, self.connections)
        self.tokens = Tokens(store, self.audit, self.connections)
        self.tests = Tests(store, self.sealer, self.audit, self.registry, self.connections, self.tokens)
        self.drafts = Drafts(store, self.sealer, self.audit)
        self.usage = Usage(store, self.audit, self.registry, self.tests)
        self.expiry = Expiry(store)
        self._at_end = ExitStack()

    @classmethod
    def create(
        cls,
        home: Home,
        passphrase: Secret,
        *,
        declined_recovery: bool = False,
        costs: Costs | None = None,
        floor: Costs = FLOOR,
        clock: Clock = utc_now,
    ) -> tuple[Self, Secret | None]:
        """Make the vault and an empty store; the recovery key is returned this once. Raises what Vault.create does.

        `clock` gives the times that the store writes down.
        """
        home.prepare()
        recovery: Secret | None = None

        def make() -> Vault:
            nonlocal recovery
            vault, recovery = Vault.create(
                home.folder, passphrase, declined_recovery=declined_recovery, costs=costs, floor=floor
            )
            return vault

        session = cls._start(home, make, lambda vault: Store.open(home.folder, vault.database_key(), clock=clock))
        session.audit.note("vault.create", object_id=session.vault.store_id, name="")
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
        """Open the vault and its store; a change of the root key that was cut off is finished first.

        Raises WrongPassphrase, HeaderTampered, StoreTampered, StoreTooNew, Refused or HomeError.
        """
        if not home.folder.is_dir():
            raise HomeError(f"There is no vault in {home.folder}.", "Make one with: jackfield init")
        home.prepare()
        return cls._start(home, unlock, lambda vault: open_store(home.folder, vault))

    @classmethod
    def _start(cls, home: Home, open_vault: Callable[[], Vault], open_store: Callable[[Vault], Store]) -> Self:
        with ExitStack() as opened:
            presence = Presence(home.folder)
            opened.callback(presence.end)
            vault = open_vault()
            opened.callback(vault.lock)
            with presence.alone() if vault.previous else nullcontext():
                store = open_store(vault)
                opened.callback(store.close)
                session = cls(home, vault, store, presence)
                opened.callback(session.anchor.close)
                opened.callback(session.drafts.note)
                session.anchor.compare(store)
                if vault.previous is not None:
                    finish_new_root(store, vault, session.connections.renew_digests)
                    session.audit.note("key.rotate", object_id=vault.store_id, name="root", reason="finished later")
            session._at_end = opened.pop_all()
        return session

    def on_lock(self, action: Callable[[], object]) -> None:
        """Have `action` called before the keys go: to stop what still needs them."""
        self._at_end.callback(action)

    def anchor_of(self, home: Home) -> Anchor:
        """The note outside `home` that this vault's trail in it is compared with."""
        anchor = Anchor(home, self.vault.store_id, self.sealer.mac_key(self.store, TRAIL_SCOPE, "anchor"))
        if Settings(self.store).head_in_keyring():
            anchor.use_keyring(_keyring_note(anchor.name))
        return anchor

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong when it was opened and did not prevent that: a damaged header, a trail not as noted."""
        return (*self.vault.warnings, *filter(None, (self.anchor.warning, self.anchor.silence)))

    def keep_head_in_keyring(self, *, wanted: bool) -> None:
        """Whether the head of the trail is kept in the system's keyring, too. Raises Refused or HomeError.

        Nothing changes where no keyring keeps it.
        """
        note = _keyring_note(self.anchor.name)
        last = self.audit.last()
        if wanted and last is not None:
            note.write(self.anchor.text_of(noted_of(last)))
        self.anchor.use_keyring(note if wanted else None)
        Settings(self.store).keep_head_in_keyring(self.audit, wanted=wanted)
        if not wanted:
            note.discard()

    def accept_trail(self) -> Noted:
        """Go on from the trail and the rows as they are; an entry says what was noted outside. Gives the new head.

        Raises HomeError.
        """
        noted = noted_at(anchor_path(self.home, self.vault.store_id))
        reason = head_code(noted.head) if noted is not None else ""
        entry = self.audit.accept(object_id=self.vault.store_id, reason=reason)
        self.anchor.accept(noted_of(entry))
        return noted_of(entry)

    @property
    def locked(self) -> bool:
        return self.vault.locked

    def lock(self) -> None:
        """Stop what runs, close the store, drop every key, whatever fails on the way. Harmless when locked already."""
        self._at_end.close()


def _keyring_note(name: str) -> "KeyringNote":
    """The entry of that name in the system's keyring, which few homes use."""
    from jackfield.services.keyring_note import KeyringNote
    from jackfield.vault.keyrings import system_keyring

    return KeyringNote(name, system_keyring)


def _actor() -> str:
    """The OS user; a number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
