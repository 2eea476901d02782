"""A vault: opened by one of its slots, it hands out keys until it is locked."""

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from jackfield.model.errors import (
    HeaderTampered,
    HomeError,
    LockedError,
    NotFound,
    Refused,
    UsageError,
    WrongPassphrase,
)
from jackfield.model.secret import Secret
from jackfield.vault.costs import FLOOR, Costs, calibrate
from jackfield.vault.folder import COPY_NAME, HEADER_NAME, HeaderFolder
from jackfield.vault.header import SLOT_LIMIT, STORE_ID_SIZE, Header, encode, parse, tampered
from jackfield.vault.keyrings import Keyring, system_keyring
from jackfield.vault.keys import DataKey, RootKey
from jackfield.vault.recovery import new_recovery_key
from jackfield.vault.slots import Slot, SlotKind, are_enough, new_slot_id, unwrap_root, wrap_root
from jackfield.vault.sources import KeyFileSource, KeyringSource, KeySource, PassphraseSource, RecoverySource

_WRONG: Final = {
    SlotKind.PASSPHRASE: ("The passphrase is wrong.", "Type it again, or use the recovery key."),
    SlotKind.RECOVERY: ("The recovery key is well formed, but not this vault's.", "Look for a newer note of it."),
    SlotKind.KEYRING: ("The keyring holds no key for this vault.", "Unlock with the passphrase."),
    SlotKind.KEY_FILE: ("This key file is not the vault's.", "Choose the right file, or unlock with the passphrase."),
}


class Vault:
    """An unlocked vault. After `lock`, everything that needs a key raises LockedError.

    `healed` says that the header was damaged and was opened from its copy; `warnings` say so in words.
    Methods that derive from a passphrase take up to seconds, so call them from a thread; several threads may hold
    one vault.
    """

    def __init__(self, files: HeaderFolder, raw: bytes, header: Header, root: RootKey, floor: Costs) -> None:
        self._files = files
        self._raw = raw
        self._header = header
        self._root = root
        self._floor = floor
        self._previous = _open_previous(header, root)
        self._data_keys: weakref.WeakSet[DataKey] = weakref.WeakSet()
        self._guard = threading.Lock()  # over _data_keys and _locked
        self._locked = False
        self.healed = False
        self.warnings: tuple[str, ...] = ()

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether there is a vault in the folder, whole or damaged."""
        return HeaderFolder(folder).exists()

    @classmethod
    def create(
        cls,
        folder: Path,
        passphrase: Secret,
        *,
        costs: Costs | None = None,
        declined_recovery: bool = False,
        floor: Costs = FLOOR,
    ) -> tuple[Self, Secret | None]:
        """Make a vault, and its recovery key unless that was declined; the key is not kept and cannot be shown again.

        Raises InvalidField for a passphrase that is too short, UsageError for costs outside floor and ceiling,
        Refused where a vault exists, HomeError where it cannot be written.
        """
        sources: list[KeySource] = [PassphraseSource(passphrase, _accepted_costs(costs, floor))]
        recovery = None if declined_recovery else new_recovery_key()
        if recovery is not None:
            sources.append(RecoverySource(recovery))
        files = HeaderFolder(folder)
        if files.exists():
            raise Refused("There is a vault in this folder already.", "Unlock it, or choose another folder.")
        root = RootKey.random(os.urandom(STORE_ID_SIZE).hex())
        header = Header(root.store_id, tuple(_new_slot(root, source) for source in sources))
        raw = encode(header, root)
        files.create(raw)
        return cls(files, raw, header, root, floor), recovery

    @classmethod
    def unlock(cls, folder: Path, passphrase: Secret, *, floor: Costs = FLOOR) -> Self:
        """Open the vault. Raises WrongPassphrase, HeaderTampered, or another HomeError, each with its own text."""
        return cls.unlock_with(folder, PassphraseSource(passphrase), floor=floor)

    @classmethod
    def unlock_with_recovery(cls, folder: Path, key: Secret, *, floor: Costs = FLOOR) -> Self:
        """As `unlock`; raises InvalidField when the key is mistyped rather than wrong."""
        return cls.unlock_with(folder, RecoverySource(key), floor=floor)

    @classmethod
    def unlock_with_keyring(cls, folder: Path, keyring: Keyring | None = None, *, floor: Costs = FLOOR) -> Self:
        """As `unlock`; raises Refused when no allowed keyring answers."""
        return cls.unlock_with(folder, KeyringSource(keyring or system_keyring()), floor=floor)

    @classmethod
    def unlock_with_key_file(cls, folder: Path, path: Path, *, floor: Costs = FLOOR) -> Self:
        """As `unlock`; raises HomeError when the file is missing or open to others."""
        return cls.unlock_with(folder, KeyFileSource(path), floor=floor)

    @classmethod
    def unlock_with(cls, folder: Path, source: KeySource, *, floor: Costs = FLOOR) -> Self:
        """Open the vault from its header, or from the copy when the header is missing or damaged."""
        files = HeaderFolder(folder)
        main: bytes | None = None
        try:
            main = files.read(HEADER_NAME)
            if main is None:
                raise tampered("it is missing")
            vault = cls._open(files, main, source, floor)
        except HeaderTampered as damage:
            copy = files.read(COPY_NAME)
            if not files.exists():
                raise HomeError("There is no vault in this folder.", "Create one, or choose another folder.") from None
            if copy is None or copy == main:
                raise
            vault = cls._open(files, copy, source, floor)
            vault.healed = True
            opened_from_copy = f"{damage.message} The vault was opened from its copy."
            vault.warnings = (opened_from_copy, *_failure_of(lambda: files.heal(copy, damaged=main)))
        else:
            vault.warnings = _failure_of(lambda: files.refresh_copy(main))
        return vault

    @classmethod
    def _open(cls, files: HeaderFolder, raw: bytes, source: KeySource, floor: Costs) -> Self:
        unverified = parse(raw, floor=floor)
        store_id = unverified.header.store_id
        for slot in unverified.header.slots:
            root = _open_slot(slot, store_id, source)
            if root is not None:
                return cls(files, raw, unverified.verify(root), root, floor)
        if not any(slot.kind is source.kind for slot in unverified.header.slots):
            raise LockedError(f"This vault has no {source.kind.value} slot.", "Unlock it another way.")
        raise WrongPassphrase(*_WRONG[source.kind])

    @property
    def store_id(self) -> str:
        return self._header.store_id

    @property
    def locked(self) -> bool:
        return self._locked

    @property
    def previous(self) -> RootKey | None:
        """The root key before this one, while a change of root is under way; what is not moved yet opens with it.

        Move the database to `database_key()`, wrap every data key again and compute every digest again; then call
        `finish_rotation`.
        """
        self._require_unlocked()
        return self._previous

    def database_key(self) -> bytes:
        """The raw key of the database file, 32 bytes."""
        return self._root.database_key()

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for a purpose named by the caller."""
        return self._root.derive(purpose)

    def digest(self, secret: Secret) -> str:
        """64 hex digits that are equal for equal secrets and tell nothing without the vault."""
        return self._root.digest(secret)

    def new_data_key(self) -> DataKey:
        """A fresh key for one organization or project. Keep it with `wrap_data_key`."""
        self._require_unlocked()
        return self._tracked(DataKey.random())

    def wrap_data_key(self, key: DataKey, *, scope: str) -> bytes:
        """The key as 77 bytes that only this vault opens, and only as the key of `scope`."""
        return self._root.wrap_data_key(key, scope=scope)

    def unwrap_data_key(self, blob: bytes, *, scope: str) -> DataKey:
        """Raises BlobTampered when the blob was changed or is not the key of `scope` in this vault."""
        return self._tracked(self._root.unwrap_data_key(blob, scope=scope))

    def list_slots(self) -> tuple[Slot, ...]:
        self._require_unlocked()
        return self._header.slots

    def add_slot(self, source: KeySource, *, slot_id: str | None = None) -> Slot:
        """A further way to open the vault. A passphrase without costs gets those `calibrate` finds."""
        self._require_unlocked()
        slot = _new_slot(self._root, self._with_costs(source), slot_id)
        self._write_slots((*self._header.slots, slot))
        return slot

    def remove_slot(self, slot_id: str, *, keyring: Keyring | None = None) -> None:
        """Close one way in; with `keyring`, its entry goes as well. An old copy of the header still has the slot.

        Raises NotFound, or Refused when nothing would be left that does not depend on a keyring.
        """
        self._require_unlocked()
        slot = next((slot for slot in self._header.slots if slot.id == slot_id), None)
        if slot is None:
            raise NotFound("There is no such slot.", "List the slots to see their ids.")
        self._write_slots(tuple(other for other in self._header.slots if other is not slot))
        if keyring is not None and slot.kind is SlotKind.KEYRING:
            KeyringSource(keyring).discard(self.store_id, slot.id)

    def change_passphrase(self, old: Secret, new: Secret, *, costs: Costs | None = None) -> None:
        """Replace the slot `old` opens by one for `new`. Raises WrongPassphrase, or InvalidField for a short one."""
        self._require_unlocked()
        changed = self._require_slot_of(PassphraseSource(old))
        slot = _new_slot(self._root, PassphraseSource(new, _accepted_costs(costs, self._floor)))
        self._write_slots(tuple(slot if other is changed else other for other in self._header.slots))

    def reset_passphrase(self, new: Secret, *, costs: Costs | None = None) -> None:
        """Replace every passphrase slot by one for `new`: for who forgot the old one and opened with another slot."""
        self._require_unlocked()
        slot = _new_slot(self._root, PassphraseSource(new, _accepted_costs(costs, self._floor)))
        others = (other for other in self._header.slots if other.kind is not SlotKind.PASSPHRASE)
        self._write_slots((slot, *others))

    def rotate_root(self, *sources: KeySource) -> Secret | None:
        """Put a new root key in place of this one, and return the new recovery key where there was one.

        Every slot but those for recovery must be opened by one of `sources`; one that none of them opens raises
        Refused, so that nobody is shut out unasked. Until `finish_rotation`, the old root key is kept,
        sealed under the new one, as `previous`: a crash between the two loses nothing.
        """
        self._require_unlocked()
        if self._previous is not None:
            raise Refused("A change of the root key is not finished.", "Finish it first.")
        moved = [(slot, self._source_of(slot, sources)) for slot in self._header.slots if not _is_recovery(slot)]
        root = RootKey.random(self.store_id)
        slots = [_new_slot(root, self._with_costs(source, slot.costs)) for slot, source in moved]
        recovery = new_recovery_key() if len(moved) < len(self._header.slots) else None
        if recovery is not None:
            slots.append(_new_slot(root, RecoverySource(recovery)))
        self._write(Header(self.store_id, tuple(slots), root.seal_previous(self._root)), root)
        with self._guard:
            self._previous, self._root = self._root, root
            if self._locked:  # by another thread, while the header was written
                root.wipe()
        for slot, source in moved:
            source.discard(self.store_id, slot.id)
        return recovery

    def finish_rotation(self) -> None:
        """Drop the previous root key, once nothing is left that needs it."""
        self._require_unlocked()
        if self._previous is not None:
            self._write(replace(self._header, previous=None), self._root)
            self._previous.wipe()
            self._previous = None

    def lock(self) -> None:
        """Wipe every key this vault holds or handed out as a DataKey. Bytes a caller kept are the caller's to drop."""
        with self._guard:
            self._locked = True
            for key in (self._root, self._previous, *self._data_keys):
                if key is not None:
                    key.wipe()

    def _require_unlocked(self) -> None:
        if self._locked:
            raise LockedError("The vault is locked.", "Unlock it first.")

    def _tracked(self, key: DataKey) -> DataKey:
        with self._guard:
            self._data_keys.add(key)
            if self._locked:  # by another thread, since the key was opened
                key.wipe()
        return key

    def _with_costs(self, source: KeySource, costs: Costs | None = None) -> KeySource:
        if not isinstance(source, PassphraseSource):
            return source
        return replace(source, costs=_accepted_costs(source.costs or costs, self._floor))

    def _require_slot_of(self, source: KeySource) -> Slot:
        for slot in self._header.slots:
            if _open_slot(slot, self.store_id, source) is not None:
                return slot
        raise WrongPassphrase(*_WRONG[source.kind])

    def _source_of(self, slot: Slot, sources: Sequence[KeySource]) -> KeySource:
        for source in sources:
            if _open_slot(slot, self.store_id, source) is not None:
                return source
        raise Refused(
            f"The {slot.kind.value} slot of {slot.created} would be lost: nothing given opens it.",
            "Give what opens it, or remove the slot first.",
        )

    def _write_slots(self, slots: tuple[Slot, ...]) -> None:
        if not are_enough(slots):
            raise Refused("The vault needs a way in besides the keyring.", "Add another slot first.")
        if len(slots) > SLOT_LIMIT:
            raise Refused(f"A vault has at most {SLOT_LIMIT} slots.", "Remove one first.")
        self._write(replace(self._header, slots=slots), self._root)

    def _write(self, header: Header, root: RootKey) -> None:
        raw = encode(header, root)
        self._files.update(raw, expected=self._raw)
        self._raw, self._header = raw, header


def _failure_of(write: Callable[[], None]) -> tuple[str, ...]:
    """Do what an open vault can do without, such as on a read-only disk; the message, if it failed."""
    try:
        write()
    except HomeError as failure:
        return (failure.message,)
    return ()


def _accepted_costs(costs: Costs | None, floor: Costs) -> Costs:
    costs = costs or calibrate()
    if fault := costs.fault(floor):
        raise UsageError(f"These costs cannot be used: {fault}.", "Choose others.")
    return costs


def _new_slot(root: RootKey, source: KeySource, slot_id: str | None = None) -> Slot:
    slot_id = slot_id or new_slot_id()
    material = source.issue(root.store_id, slot_id)
    return wrap_root(root, slot_id=slot_id, kind=source.kind, material=material, costs=source.costs)


def _open_slot(slot: Slot, store_id: str, source: KeySource) -> RootKey | None:
    if source.kind is not slot.kind:
        return None
    material = source.read(store_id, slot.id)
    return None if material is None else unwrap_root(slot, store_id=store_id, material=material)


def _open_previous(header: Header, root: RootKey) -> RootKey | None:
    if header.previous is None:
        return None
    previous = root.open_previous(header.previous)
    if previous is None:
        raise tampered("the previous root key does not open")
    return previous


def _is_recovery(slot: Slot) -> bool:
    return slot.kind is SlotKind.RECOVERY
