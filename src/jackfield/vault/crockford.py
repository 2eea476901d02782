"""Bytes as groups of four characters that can be read aloud and typed again: Crockford's base 32.

Reading ignores case, spaces and hyphens, and takes I and L for 1 and O for 0.
"""

from typing import Final

from jackfield.model.errors import InvalidField

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_GROUP: Final = 4


def to_groups(raw: bytes) -> str:
    """A multiple of 5 bytes as groups with hyphens between them, 8 characters for 5 bytes."""
    number, length = int.from_bytes(raw, "big"), len(raw) * 8 // 5
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (length - 1), -1, -5))
    return "-".join(text[at : at + _GROUP] for at in range(0, length, _GROUP))


def from_groups(text: str, size: int, *, field: str, called: str, next_step: str) -> bytes:
    """The `size` bytes that a text stands for. Raises InvalidField for `field`, with what is wrong with `called`."""
    typed = "".join(character for character in text.upper() if character != "-" and not character.isspace())
    length = size * 8 // 5
    if len(typed) != length:
        raise InvalidField(field, f"A {called} has {length} characters; this has {len(typed)}.", next_step)
    number = 0
    for position, character in enumerate(typed):
        if character not in _VALUES:
            group = position // _GROUP + 1
            message = f"Group {group} holds a character that no {called} has."
            raise InvalidField(field, message, "Compare that group with your note.")
        number = number << 5 | _VALUES[character]
    return number.to_bytes(size, "big")
