"""Secret values, and the two things a form may say about one instead of a value."""

import hmac
from enum import Enum
from typing import Final, NoReturn

MASK: Final = "••••••••"


class Secret:
    """Text that never shows itself: repr, str and format are a mask; pickling and copying are refused."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Call it where the value is used, and keep the result no longer than that."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __len__(self) -> int:
        return len(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret would be a clue to it

    def __reduce__(self) -> NoReturn:
        msg = "a secret is not pickled or copied"
        raise TypeError(msg)


class Stored(Enum):
    """What a form says about a stored secret that was not typed again."""

    UNCHANGED = "unchanged"
    CLEARED = "cleared"


SecretInput = Secret | Stored
FieldValue = str | int | bool | Secret
FieldInput = FieldValue | Stored
