"""The note of the trail's head in the system's keyring, beside the one in a file: for who asked for it.

The entry is of the service `jackfield`; its name is `head/` and the file's name, its value the whole text of the file.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from jackfield.model.errors import HomeError
from jackfield.vault.keyrings import Keyring

_SERVICE: Final = "jackfield"


@dataclass(frozen=True, slots=True)
class KeyringNote:
    """One home's entry. A keyring that does not answer raises HomeError, or Refused where none is allowed."""

    name: str
    keyring: Callable[[], Keyring]  # asked at each use, for it may come and go

    def read(self) -> bytes:
        """What is kept; nothing where there is no entry."""
        keyring = self.keyring()
        try:
            kept = keyring.get_password(_SERVICE, f"head/{self.name}")
        except Exception:  # noqa: BLE001  # backends let their own errors and those of D-Bus through
            raise _no_answer() from None
        return (kept or "").encode()

    def write(self, raw: bytes) -> None:
        keyring = self.keyring()
        try:
            keyring.set_password(_SERVICE, f"head/{self.name}", raw.decode())
        except Exception:  # noqa: BLE001  # as above
            raise _no_answer() from None
        if self.read() != raw:
            raise HomeError("The system's keyring did not keep the head.", "Leave it to the file alone.")

    def discard(self) -> None:
        with suppress(Exception):  # nothing compares with it any more, wherever it stays
            self.keyring().delete_password(_SERVICE, f"head/{self.name}")


def _no_answer() -> HomeError:
    return HomeError("The system's keyring did not answer.", "Unlock it, then look again.")
