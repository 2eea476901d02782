"""Key slots: the root key, wrapped once for each way of opening the vault.

A slot's material is what its owner brings: the passphrase (UTF-8, NFC), or 16 or 32 random bytes. Its key-encryption
key is Argon2id of a passphrase (salt, costs, 32 bytes), or HKDF-SHA-256 of random material with the salt and
info = pack("jackfield slot key 1", kind). The root key is wrapped by AES-256-GCM as nonce (12), ciphertext (32), tag
(16); the associated data is pack("jackfield slot 1", store id, slot id, kind, salt, memory, passes, lanes), the last
three 0 where there are no costs.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from jackfield.vault.costs import Costs
from jackfield.vault.keys import RootKey
from jackfield.vault.primitives import KEY_SIZE, OVERHEAD, SALT_SIZE, decrypt, derive, pack, stretch

SLOT_ID_SIZE: Final = 8
WRAPPED_SIZE: Final = KEY_SIZE + OVERHEAD


class SlotKind(StrEnum):
    PASSPHRASE = "passphrase"  # noqa: S105  # the name of a kind, not a passphrase
    RECOVERY = "recovery"
    KEYRING = "keyring"
    KEY_FILE = "key-file"


@dataclass(frozen=True, slots=True)
class Slot:
    """One way in. Nothing here is secret; `costs` belong to a passphrase and to no other kind."""

    id: str  # 16 hex digits
    kind: SlotKind
    created: date
    salt: bytes  # 16 bytes
    costs: Costs | None
    wrapped: bytes  # 60 bytes

    @property
    def cost_of_a_guess(self) -> str:
        """What one guess at it takes, in words."""
        if self.costs is None:
            return "random key: cannot be guessed"
        return f"{self.costs.memory_kib // 1024} MiB, {self.costs.passes} pass{'es' * (self.costs.passes != 1)}"


def are_enough(slots: Iterable[Slot]) -> bool:
    """Whether a vault with these can be opened without a keyring, which may lose its entry."""
    return any(slot.kind is not SlotKind.KEYRING for slot in slots)


def new_slot_id() -> str:
    return os.urandom(SLOT_ID_SIZE).hex()


def wrap_root(root: RootKey, *, slot_id: str, kind: SlotKind, material: bytes, costs: Costs | None) -> Slot:
    """A new slot that `material` opens. Argon2id takes its costs in time and memory, outside the interpreter's lock."""
    salt = os.urandom(SALT_SIZE)
    key = _slot_key(material, kind, salt, costs)
    wrapped = root.encrypt_under(key, _binding(root.store_id, slot_id, kind, salt, costs))
    return Slot(slot_id, kind, datetime.now(UTC).date(), salt, costs, wrapped)


def unwrap_root(slot: Slot, *, store_id: str, material: bytes) -> RootKey | None:
    """The root key, or None when the material is not this slot's. The header's MAC must still be checked with it."""
    key = _slot_key(material, slot.kind, slot.salt, slot.costs)
    root = decrypt(key, slot.wrapped, _binding(store_id, slot.id, slot.kind, slot.salt, slot.costs))
    return None if root is None else RootKey(root, store_id)


def _slot_key(material: bytes, kind: SlotKind, salt: bytes, costs: Costs | None) -> bytes:
    if costs is None:
        return derive(material, pack("jackfield slot key 1", kind.value), salt)
    return stretch(material, salt, memory_kib=costs.memory_kib, passes=costs.passes, lanes=costs.lanes)


def _binding(store_id: str, slot_id: str, kind: SlotKind, salt: bytes, costs: Costs | None) -> bytes:
    memory, passes, lanes = (costs.memory_kib, costs.passes, costs.lanes) if costs else (0, 0, 0)
    return pack("jackfield slot 1", store_id, slot_id, kind.value, salt, memory, passes, lanes)
