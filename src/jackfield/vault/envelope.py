"""Sealed values: one blob per value, bound to the place it is kept in.

    offset  size
         0     1  format, 0x01
         1    16  id of the data key
        17    16  salt
        33    12  nonce
        45     n  ciphertext, as long as the plaintext
      45+n    16  tag

The blob's own key is HKDF-SHA-256 of the data key, with the salt, info = pack("jackfield blob key 1"). It encrypts
with AES-256-GCM. The associated data is pack("jackfield blob 1", key id in hex, store id, table, row id, column,
scope, version), where `pack` puts a 4-byte big-endian length before each field, text is UTF-8, and the version is
8 bytes big-endian. Salt and nonce are random and fresh for every seal, so no key meets a nonce twice.
"""

import os
from dataclasses import dataclass
from typing import Final

from jackfield.model.errors import BlobTampered
from jackfield.vault.keys import KEY_ID_SIZE, DataKey
from jackfield.vault.primitives import OVERHEAD, SALT_SIZE, decrypt, encrypt, pack

_FORMAT: Final = b"\x01"
_SALT_AT: Final = 1 + KEY_ID_SIZE
_SEALED_AT: Final = _SALT_AT + SALT_SIZE
_KEY_INFO: Final = pack("jackfield blob key 1")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives. A blob opens at exactly the place it was sealed for."""

    store_id: str
    table: str
    row_id: str
    column: str
    scope: str
    version: int


def seal(plaintext: bytes, key: DataKey, place: Place) -> bytes:
    """Encrypt one value for one place. Raises LockedError when the key was wiped."""
    salt = os.urandom(SALT_SIZE)
    sealed = encrypt(key.derive_key(_KEY_INFO, salt), plaintext, _binding(key.id, place))
    return _FORMAT + bytes.fromhex(key.id) + salt + sealed


def open_sealed(blob: bytes, key: DataKey, place: Place) -> bytes:
    """The value sealed for this place with this key.

    Raises BlobTampered when the blob, the place or the key is not the same, LockedError when the key was wiped.
    """
    if key_id_of(blob) == key.id:
        salt = blob[_SALT_AT:_SEALED_AT]
        plaintext = decrypt(key.derive_key(_KEY_INFO, salt), blob[_SEALED_AT:], _binding(key.id, place))
        if plaintext is not None:
            return plaintext
    raise _tampered()


def key_id_of(blob: bytes) -> str:
    """The id of the data key a blob says it was sealed with. Raises BlobTampered when it is no blob of this format."""
    if len(blob) < _SEALED_AT + OVERHEAD or blob[:1] != _FORMAT:
        raise _tampered()
    return blob[1:_SALT_AT].hex()


def _binding(key_id: str, place: Place) -> bytes:
    return pack(
        "jackfield blob 1",
        key_id,
        place.store_id,
        place.table,
        place.row_id,
        place.column,
        place.scope,
        place.version,
    )


def _tampered() -> BlobTampered:
    return BlobTampered(
        "A sealed value cannot be opened: it was changed, moved or damaged.", "Enter it again, or restore a backup."
    )
