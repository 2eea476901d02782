"""The recovery key: 128 random bits as eight groups of four characters that can be read aloud and typed again.

16 random bytes and a checksum, the first 4 bytes of SHA-256("jackfield recovery key 1" + the random bytes), are
written as 32 characters of Crockford's base 32.
"""

import hashlib
import os
from typing import Final

from jackfield.model.errors import InvalidField
from jackfield.model.secret import Secret
from jackfield.vault.crockford import from_groups, to_groups

_RANDOM_SIZE: Final = 16
_CHECKSUM_SIZE: Final = 4
_FIELD: Final = "recovery_key"
_NEXT_STEP: Final = "Look at your note."


def new_recovery_key() -> Secret:
    return Secret(encode_recovery_key(os.urandom(_RANDOM_SIZE)))


def encode_recovery_key(random: bytes) -> str:
    """16 bytes as XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX."""
    return to_groups(random + _checksum(random))


def decode_recovery_key(key: Secret) -> bytes:
    """The 16 random bytes. Raises InvalidField for a mistyped key, which a wrong but well-formed one is not."""
    size = _RANDOM_SIZE + _CHECKSUM_SIZE
    raw = from_groups(key.reveal(), size, field=_FIELD, called="recovery key", next_step=_NEXT_STEP)
    random, checksum = raw[:_RANDOM_SIZE], raw[_RANDOM_SIZE:]
    if checksum != _checksum(random):
        raise InvalidField(_FIELD, "The recovery key is mistyped: its checksum does not match.", _NEXT_STEP)
    return random


def _checksum(random: bytes) -> bytes:
    return hashlib.sha256(b"jackfield recovery key 1" + random).digest()[:_CHECKSUM_SIZE]
