"""The operations every key and seal is made of: derive, stretch, encrypt, pack.

`cryptography` is imported when first used, so that a program that is only starting does not wait for it.
"""

import os
from typing import Final

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12
TAG_SIZE: Final = 16
SALT_SIZE: Final = 16
OVERHEAD: Final = NONCE_SIZE + TAG_SIZE  # what `encrypt` adds to a plaintext, in bytes


def derive(material: bytes | bytearray, info: bytes, salt: bytes = b"") -> bytes:
    """A 32-byte key by HKDF-SHA-256 from material that is already random; an empty salt is 32 zero bytes (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=salt or None, info=info).derive(material)


def stretch(material: bytes, salt: bytes, *, memory_kib: int, passes: int, lanes: int) -> bytes:
    """A 32-byte key by Argon2id (RFC 9106) from what a person remembers; the costs are spent outside the GIL."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(salt=salt, length=KEY_SIZE, iterations=passes, lanes=lanes, memory_cost=memory_kib).derive(material)


def encrypt(key: bytes, plaintext: bytes | bytearray, associated: bytes) -> bytes:
    """AES-256-GCM under a fresh random nonce: nonce (12 bytes), ciphertext, tag (16 bytes)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """The plaintext of what `encrypt` made, or None when key, bytes or associated data are not the same."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed) < OVERHEAD:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], associated)
    except InvalidTag:
        return None


def pack(*fields: str | bytes | int) -> bytes:
    """Fields as one unambiguous string: each a 4-byte big-endian length and its bytes.

    Text is UTF-8, a number is 8 bytes, big-endian, unsigned.
    """
    packed = bytearray()
    for field in fields:
        match field:
            case str():
                raw = field.encode()
            case int():
                raw = field.to_bytes(8, "big")
            case _:
                raw = field
        packed += len(raw).to_bytes(4, "big") + raw
    return bytes(packed)
