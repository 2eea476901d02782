"""Everything that can go wrong and is told to a user.

    JackfieldError                  message + next step + exit code
    ├── UsageError                  the request itself is wrong (exit 2)
    │   └── InvalidField            one field of a form, named
    ├── LockedError                 the vault is locked or the key was wrong (exit 3)
    │   └── WrongPassphrase
    ├── NotFound                    no such organization, project, connection, … (exit 4)
    ├── Refused                     understood, and not done on purpose (exit 5)
    │   ├── InUse                   would break what depends on it
    │   ├── Conflict                the record changed since it was read
    │   └── TakenOverByPlatform     the credential is platform-managed
    └── HomeError                   the home folder cannot be used as it is (exit 5)
        ├── HeaderTampered          the header's seal does not match
        ├── StoreTampered           a page of the database is not what was written
        ├── StoreTooNew             made by a newer Jackfield
        └── BlobTampered            one sealed value cannot be opened

Messages are ours, never a vendor's text, and never hold a secret.
"""

from typing import ClassVar


class JackfieldError(Exception):
    """A failure a user can act on: `message` names the cause, `next_step` what to do about it."""

    exit_code: ClassVar[int] = 5

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class UsageError(JackfieldError):
    exit_code = 2


class InvalidField(UsageError):
    """One value of a form is not acceptable; `field` is its name, the message never repeats the value."""

    def __init__(self, field: str, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.field = field


class LockedError(JackfieldError):
    exit_code = 3


class WrongPassphrase(LockedError):
    pass


class NotFound(JackfieldError):
    exit_code = 4


class Refused(JackfieldError):
    pass


class InUse(Refused):
    """`uses` lists, one line each, what would break."""

    def __init__(self, message: str, next_step: str = "", *, uses: tuple[str, ...] = ()) -> None:
        super().__init__(message, next_step)
        self.uses = uses


class Conflict(Refused):
    pass


class TakenOverByPlatform(Refused):
    pass


class HomeError(JackfieldError):
    pass


class HeaderTampered(HomeError):
    pass


class StoreTampered(HomeError):
    pass


class StoreTooNew(HomeError):
    pass


class BlobTampered(HomeError):
    pass


class RowReplaced(BlobTampered):
    """A row is not what the newest entry about it says that it was left as."""
