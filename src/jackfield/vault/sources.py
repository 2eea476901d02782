"""Where the material of a slot comes from: one class for each kind of slot.

The same object opens a slot that exists (`read`) and makes one (`issue`), so that unlocking, adding a slot and
changing the root key are each written once.
"""

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Protocol

from jackfield.model.errors import HomeError, Refused
from jackfield.model.secret import Secret
from jackfield.vault.costs import Costs
from jackfield.vault.folder import read_private, sync_folder, write_private
from jackfield.vault.keyrings import Keyring
from jackfield.vault.passphrase import passphrase_bytes, require_passphrase
from jackfield.vault.primitives import KEY_SIZE
from jackfield.vault.recovery import decode_recovery_key
from jackfield.vault.slots import SlotKind

_SERVICE: Final = "jackfield"


class KeySource(Protocol):
    """`costs` are for the slots it makes; None for material that is already random."""

    kind: ClassVar[SlotKind]

    @property
    def costs(self) -> Costs | None: ...

    def read(self, store_id: str, slot_id: str) -> bytes | None:
        """The material of an existing slot, None when this source has nothing for it."""

    def issue(self, store_id: str, slot_id: str) -> bytes:
        """The material of a new slot, kept where the source keeps it."""

    def discard(self, store_id: str, slot_id: str) -> None:
        """Drop what `issue` kept for a slot that no longer is; material without its slot opens nothing."""


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    kind: ClassVar = SlotKind.PASSPHRASE
    passphrase: Secret
    costs: Costs | None = None  # needed to make a slot, not to open one

    def read(self, store_id: str, slot_id: str) -> bytes:  # noqa: ARG002  # a passphrase is the same for every slot
        return passphrase_bytes(self.passphrase)

    def issue(self, store_id: str, slot_id: str) -> bytes:
        require_passphrase(self.passphrase)
        return self.read(store_id, slot_id)

    def discard(self, store_id: str, slot_id: str) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class RecoverySource:
    kind: ClassVar = SlotKind.RECOVERY
    key: Secret
    costs: None = field(default=None, init=False)

    def read(self, store_id: str, slot_id: str) -> bytes:  # noqa: ARG002  # a recovery key is the same for every slot
        return decode_recovery_key(self.key)

    def issue(self, store_id: str, slot_id: str) -> bytes:
        return self.read(store_id, slot_id)

    def discard(self, store_id: str, slot_id: str) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class KeyringSource:
    """Random material in the system's keyring, one entry for each slot. Raises Refused when the keyring fails."""

    kind: ClassVar = SlotKind.KEYRING
    keyring: Keyring
    costs: None = field(default=None, init=False)

    def read(self, store_id: str, slot_id: str) -> bytes | None:
        try:
            entry = self.keyring.get_password(_SERVICE, f"{store_id}/{slot_id}")
        except Exception:  # noqa: BLE001  # backends let their own errors and those of D-Bus through
            raise _keyring_failed() from None
        try:
            return None if entry is None else bytes.fromhex(entry)
        except ValueError:
            return None

    def issue(self, store_id: str, slot_id: str) -> bytes:
        material = os.urandom(KEY_SIZE)
        try:
            self.keyring.set_password(_SERVICE, f"{store_id}/{slot_id}", material.hex())
        except Exception:  # noqa: BLE001  # as above
            raise _keyring_failed() from None
        if self.read(store_id, slot_id) != material:
            raise Refused("The system's keyring did not keep the key.", "Unlock with the passphrase instead.")
        return material

    def discard(self, store_id: str, slot_id: str) -> None:
        with contextlib.suppress(Exception):  # the entry opens nothing any more, wherever it stays
            self.keyring.delete_password(_SERVICE, f"{store_id}/{slot_id}")


@dataclass(frozen=True, slots=True)
class KeyFileSource:
    """32 random bytes in a file of the user's, 0600. A file that is there already serves several slots."""

    kind: ClassVar = SlotKind.KEY_FILE
    path: Path
    costs: None = field(default=None, init=False)

    def read(self, store_id: str, slot_id: str) -> bytes:  # noqa: ARG002  # one key file serves every slot made with it
        material = read_private(self.path, called="The key file", limit=KEY_SIZE)
        if material is None:
            raise HomeError("The key file is not there.", "Put it back, or unlock with the passphrase.")
        if len(material) != KEY_SIZE:
            raise HomeError(f"A key file has {KEY_SIZE} bytes; this one has not.", "Choose the right file.")
        return material

    def issue(self, store_id: str, slot_id: str) -> bytes:
        if not os.path.lexists(self.path):
            try:
                write_private(self.path, os.urandom(KEY_SIZE))
                sync_folder(self.path.parent)
            except OSError as error:
                raise HomeError(f"The key file cannot be written: {error.strerror}.", "Choose another place.") from None
        return self.read(store_id, slot_id)

    def discard(self, store_id: str, slot_id: str) -> None:
        """The file stays: it may open other slots and other vaults."""


def _keyring_failed() -> Refused:
    return Refused("The system's keyring did not answer, or stayed locked.", "Unlock with the passphrase instead.")
