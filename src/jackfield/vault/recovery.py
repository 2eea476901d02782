"""The recovery key: 128 random bits as eight groups of four characters that can be read aloud and typed again.

16 random bytes and a checksum, the first 4 bytes of SHA-256("jackfield recovery key 1" + the random bytes), are
written as 32 characters of Crockford's base 32. Reading ignores case, spaces and hyphens, and takes I and L for 1
and O for 0.
"""

import hashlib
import os
from typing import Final

from jackfield.model.errors import InvalidField
from jackfield.model.secret import Secret

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_RANDOM_SIZE: Final = 16
_CHECKSUM_SIZE: Final = 4
_LENGTH: Final = (_RANDOM_SIZE + _CHECKSUM_SIZE) * 8 // 5
_GROUP: Final = 4


def new_recovery_key() -> Secret:
    return Secret(encode_recovery_key(os.urandom(_RANDOM_SIZE)))


def encode_recovery_key(random: bytes) -> str:
    """16 bytes as XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX."""
    number = int.from_bytes(random + _checksum(random), "big")
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
    return "-".join(text[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


def decode_recovery_key(key: Secret) -> bytes:
    """The 16 random bytes. Raises InvalidField for a mistyped key, which a wrong but well-formed one is not."""
    typed = "".join(character for character in key.reveal().upper() if character != "-" and not character.isspace())
    if len(typed) != _LENGTH:
        raise InvalidField(
            "recovery_key",
            f"A recovery key has {_LENGTH} characters; this has {len(typed)}.",
            "Look at your note.",
        )
    number = 0
    for position, character in enumerate(typed):
        if character not in _VALUES:
            raise InvalidField(
                "recovery_key",
                f"Group {position // _GROUP + 1} holds a character that no recovery key has.",
                "Compare that group with your note.",
            )
        number = number << 5 | _VALUES[character]
    raw = number.to_bytes(_RANDOM_SIZE + _CHECKSUM_SIZE, "big")
    random, checksum = raw[:_RANDOM_SIZE], raw[_RANDOM_SIZE:]
    if checksum != _checksum(random):
        raise InvalidField(
            "recovery_key", "The recovery key is mistyped: its checksum does not match.", "Look at your note."
        )
    return random


def _checksum(random: bytes) -> bytes:
    return hashlib.sha256(b"jackfield recovery key 1" + random).digest()[:_CHECKSUM_SIZE]
