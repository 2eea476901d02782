"""Files that other tools wrote: where they lie, and reading them without trusting them."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from jackfield.model.errors import UsageError
from jackfield.text import cleaned

SIZE_LIMIT: Final = 5 << 20  # bytes of one file
RECORD_LIMIT: Final = 10_000  # entries of one source


@dataclass(frozen=True, slots=True)
class Machine:
    """What sources look at: the user's home folder and the environment."""

    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> Self:
        return cls(Path("~").expanduser(), os.environ)

    def file(self, variable: str, default: Path) -> Path:
        """The file that a variable names, else the one at its usual place."""
        named = self.environment.get(variable)
        return Path(named).expanduser() if named else default

    @property
    def config(self) -> Path:
        """Where programs keep their settings."""
        return self.file("XDG_CONFIG_HOME", self.home / ".config")

    def read(self, path: Path) -> str | None:
        """The text of a file, None when there is none. Raises UsageError for one that is not to be trusted.

        A link is not followed, and folders below the home folder may not lead out of it.
        """
        if path.is_relative_to(self.home) and not path.parent.resolve().is_relative_to(self.home.resolve()):
            raise _not_read(path, "its folder is a link out of your home folder", "Name the file itself: --from FILE.")
        return read_text(path)


def read_text(path: Path) -> str | None:
    """The text of a file, None when there is none. Raises UsageError for one that is not to be trusted."""
    data = read_bytes(path, SIZE_LIMIT)
    if data is None:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _not_read(path, "it is not UTF-8 text", "Save it as UTF-8.") from None


def read_bytes(path: Path, limit: int, *, sealed: bool = False) -> bytes | None:
    """A whole file, None when there is none. With `sealed`, a seal of its own will say whether others changed it.

    Raises UsageError for a link, for what is no plain file, for one that others can write, and for one over `limit`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        if path.is_symlink():
            raise _not_read(path, "it is a link", "Name the file that it leads to: --from FILE.") from None
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise _not_read(path, reason, "Check its name and its rights.") from None
    with os.fdopen(descriptor, "rb") as file:
        _require_trusted(path, os.fstat(descriptor), sealed=sealed)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise _not_read(path, f"it is larger than {limit >> 20} MiB", "Take out what is not needed.")
    return data


def _require_trusted(path: Path, found: os.stat_result, *, sealed: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _not_read(path, "it is no plain file", "Name the file itself.")
    if sealed:
        return
    if found.st_uid not in {0, os.geteuid()}:
        raise _not_read(path, "it belongs to another user", "Copy it, and look at what it holds.")
    if found.st_mode & 0o022:
        raise _not_read(path, "other users can write it", f"Look at what it holds, then: chmod go-w {shown(path)}")


def no_file(path: Path) -> UsageError:
    return UsageError(f"There is no file {shown(path)}.", "Check its name.")


def shown(path: Path) -> str:
    """A file's name as it may be shown."""
    return cleaned(str(path), limit=200, lines=False)


def too_many(what: str) -> UsageError:
    return UsageError(f"There are more than {RECORD_LIMIT:,} {what}.", "Nothing of it was read; split the file.")


def _not_read(path: Path, reason: str, next_step: str) -> UsageError:
    return UsageError(f"{shown(path)} is not read: {reason}.", next_step)
