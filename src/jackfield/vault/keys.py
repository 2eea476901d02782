"""Keys that can be wiped. The bytes of a key never leave its object: it derives, wraps and forgets.

    root key ── header MAC, database key, digest key, …     HKDF-SHA-256, info = pack("jackfield 1", purpose)
       └────── data keys, wrapped                           AES-256-GCM under HKDF(root, "data key wrap")
                  └── one key per sealed value              see `envelope`

A wrapped data key, 77 bytes:

    offset  size
         0     1  format, 0x01
         1    16  key id
        17    12  nonce
        29    32  the data key, encrypted
        61    16  tag

Its associated data is pack("jackfield data key 1", store id, scope, key id in hex).
"""

import hmac
import os
import threading
from typing import Final, Self

from jackfield.model.errors import BlobTampered, LockedError
from jackfield.model.secret import Secret
from jackfield.vault.primitives import KEY_SIZE, OVERHEAD, decrypt, derive, encrypt, pack

KEY_ID_SIZE: Final = 16
_WRAPPED_FORMAT: Final = b"\x01"
_WRAPPED_SIZE: Final = 1 + KEY_ID_SIZE + OVERHEAD + KEY_SIZE


class Key:
    """32 random bytes. After `wipe`, every use raises LockedError; a use under way in another thread ends first."""

    __slots__ = ("__weakref__", "_bytes", "_guard", "_wiped")

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_SIZE:
            msg = f"a key has {KEY_SIZE} bytes"
            raise ValueError(msg)
        self._bytes = bytearray(material)
        self._guard = threading.Lock()
        self._wiped = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'wiped' if self._wiped else 'held'})"

    def derive_key(self, info: bytes, salt: bytes = b"") -> bytes:
        """A 32-byte key derived from this one."""
        with self._guard:
            self._require_held()
            return derive(self._bytes, info, salt)

    def encrypt_under(self, key: bytes, associated: bytes) -> bytes:
        """This key, encrypted under another: nonce, ciphertext, tag."""
        with self._guard:
            self._require_held()
            return encrypt(key, self._bytes, associated)

    def wipe(self) -> None:
        """Zero the bytes. Copies that Python or a library made on the way are out of reach."""
        with self._guard:
            self._bytes[:] = bytes(KEY_SIZE)
            self._wiped = True

    def _require_held(self) -> None:
        if self._wiped:
            raise LockedError("The vault is locked.", "Unlock it first.")


class DataKey(Key):
    """The key of one organization or project. `id` is 32 hex digits and no secret."""

    __slots__ = ("id",)

    def __init__(self, material: bytes, key_id: str) -> None:
        super().__init__(material)
        self.id = key_id

    @classmethod
    def random(cls) -> Self:
        return cls(os.urandom(KEY_SIZE), os.urandom(KEY_ID_SIZE).hex())


class RootKey(Key):
    """The key everything else in one store hangs from."""

    __slots__ = ("store_id",)

    def __init__(self, material: bytes, store_id: str) -> None:
        super().__init__(material)
        self.store_id = store_id

    @classmethod
    def random(cls, store_id: str) -> Self:
        return cls(os.urandom(KEY_SIZE), store_id)

    def header_mac(self, signed: bytes) -> bytes:
        """HMAC-SHA-256 over the signed lines of the header."""
        return hmac.digest(self._purpose_key("header mac"), signed, "sha256")

    def database_key(self) -> bytes:
        """The raw key of the database file, 32 bytes."""
        return self._purpose_key("database")

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for a purpose named by the caller; never equal to one this package uses itself."""
        return self.derive_key(pack("jackfield 1", "purpose", purpose))

    def digest(self, secret: Secret) -> str:
        """64 hex digits, equal for equal secrets and telling nothing without the root key."""
        text = secret.reveal().encode("utf-8", "surrogatepass")
        return hmac.digest(self._purpose_key("digest"), text, "sha256").hex()

    def wrap_data_key(self, key: DataKey, *, scope: str) -> bytes:
        wrapped = key.encrypt_under(self._purpose_key("data key wrap"), self._data_key_binding(key.id, scope))
        return _WRAPPED_FORMAT + bytes.fromhex(key.id) + wrapped

    def unwrap_data_key(self, blob: bytes, *, scope: str) -> DataKey:
        """Raises BlobTampered when the blob was changed, belongs to another scope or to another root key."""
        if len(blob) == _WRAPPED_SIZE and blob[:1] == _WRAPPED_FORMAT:
            key_id, wrapped = blob[1 : 1 + KEY_ID_SIZE].hex(), blob[1 + KEY_ID_SIZE :]
            associated = self._data_key_binding(key_id, scope)
            material = decrypt(self._purpose_key("data key wrap"), wrapped, associated)
            if material is not None:
                return DataKey(material, key_id)
        raise BlobTampered("The key of an organization or project cannot be opened.", "Restore a backup that holds it.")

    def seal_previous(self, previous: "RootKey") -> bytes:
        """The root key that came before this one, 60 bytes that only this one opens."""
        return previous.encrypt_under(self._purpose_key("previous root"), self._previous_binding())

    def open_previous(self, sealed: bytes) -> "RootKey | None":
        """What `seal_previous` sealed; None when this key did not seal it."""
        material = decrypt(self._purpose_key("previous root"), sealed, self._previous_binding())
        return None if material is None else RootKey(material, self.store_id)

    def _purpose_key(self, purpose: str) -> bytes:
        return self.derive_key(pack("jackfield 1", purpose))

    def _data_key_binding(self, key_id: str, scope: str) -> bytes:
        return pack("jackfield data key 1", self.store_id, scope, key_id)

    def _previous_binding(self) -> bytes:
        return pack("jackfield previous root 1", self.store_id)
