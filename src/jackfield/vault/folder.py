"""The header's two files in the home folder: `vault.jackfield`, and its copy for the day the first one is damaged.

A change is written to a new file, synced, renamed over the old one, and the folder is synced; first the main file,
then the copy. Writers wait for each other by a lock on the folder, and refuse to undo what another wrote.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jackfield.model.errors import Conflict, HeaderTampered, HomeError, Refused
from jackfield.vault.header import SIZE_LIMIT, tampered

HEADER_NAME: Final = "vault.jackfield"
COPY_NAME: Final = "vault.jackfield.copy"
_NEW_NAME: Final = "vault.jackfield.new"
_MODE: Final = 0o600

Replace = Callable[[Path, Path], None]


class HeaderFolder:
    """Reads and replaces the header's files. `replace` renames one file over another, atomically."""

    def __init__(self, folder: Path, replace: Replace = os.replace) -> None:
        self._folder = folder
        self._replace = replace

    def exists(self) -> bool:
        """Whether there is a vault here, whole or not."""
        return any(os.path.lexists(self._folder / name) for name in (HEADER_NAME, COPY_NAME))

    def read(self, name: str) -> bytes | None:
        """The bytes of one file, None when there is none.

        Raises HomeError when it is not a file of this user's alone, HeaderTampered when it is too large to be a header.
        """
        raw = read_private(self._folder / name, called=name, limit=SIZE_LIMIT)
        if raw is not None and len(raw) > SIZE_LIMIT:
            raise tampered("it is too large")
        return raw

    def create(self, raw: bytes) -> None:
        """Write both files where there is neither. Raises Refused where there is one."""
        with self._locked():
            if self.exists():
                raise Refused("There is a vault in this folder already.", "Unlock it, or choose another folder.")
            self._write(raw)

    def update(self, raw: bytes, *, expected: bytes) -> None:
        """Replace the header this process read. Raises Conflict when another process replaced it meanwhile."""
        with self._locked():
            if self.read(HEADER_NAME) != expected:
                raise Conflict("Another session changed the keys of this vault.", "Lock, unlock, and do it again.")
            self._write(raw)

    def heal(self, raw: bytes, *, damaged: bytes | None) -> None:
        """Write both files anew from the one that is whole, unless another process already did."""
        with self._locked():
            try:
                current = self.read(HEADER_NAME)
            except HomeError:
                current = damaged
            if current == damaged:
                self._write(raw)

    def refresh_copy(self, raw: bytes) -> None:
        """Make the copy equal to the header `raw`, unless it is, or another process replaced the header meanwhile."""
        try:
            if self.read(COPY_NAME) == raw:
                return
        except HeaderTampered:
            pass  # too large to be a header: replaced like any other copy that differs
        with self._locked():
            if self.read(HEADER_NAME) == raw:
                self._write_one(COPY_NAME, raw)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise HomeError(f"The home folder cannot be opened: {error.strerror}.", "See that it exists.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise HomeError(
                f"The vault header cannot be written: {error.strerror}.",
                "Nothing was lost; make room or allow writing.",
            ) from None
        finally:
            os.close(descriptor)

    def _write(self, raw: bytes) -> None:
        self._write_one(HEADER_NAME, raw)
        self._write_one(COPY_NAME, raw)

    def _write_one(self, name: str, raw: bytes) -> None:
        new = self._folder / _NEW_NAME
        new.unlink(missing_ok=True)  # left by a process that ended half-way; the lock is ours
        try:
            write_private(new, raw)
            self._replace(new, self._folder / name)
        finally:
            new.unlink(missing_ok=True)
        sync_folder(self._folder)


def write_private(path: Path, raw: bytes, *, durable: bool = True) -> None:
    """Make a new file, mode 0600 whatever the umask, and synced if `durable`.

    Raises OSError, also when anything has that name.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, _MODE)
        file.write(raw)
        file.flush()
        if durable:
            os.fsync(descriptor)


def read_private(path: Path, *, called: str, limit: int) -> bytes | None:
    """Up to `limit` + 1 bytes of a file, None when there is none; messages name it as `called`.

    Raises HomeError when it is a link, no plain file, someone else's, or open to others.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else error.strerror
        raise HomeError(f"{called} cannot be read: {reason}.", "Put the file itself there, owned by you.") from None
    try:
        _require_private(os.fstat(descriptor), called)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit + 1)
    except OSError as error:
        raise HomeError(f"{called} cannot be read: {error.strerror}.", "Look at the disk.") from None
    finally:
        os.close(descriptor)


def _require_private(status: os.stat_result, called: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise HomeError(f"{called} is not a plain file.", "Put the file itself there.")
    if status.st_uid != os.geteuid():
        raise HomeError(f"{called} belongs to another user.", "Make it yours, or use another folder.")
    if status.st_mode & 0o077:
        raise HomeError(f"{called} is open to other users.", "Take their rights away (chmod 600).")


def sync_folder(folder: Path) -> None:
    """Make a rename or a new name in `folder` last through a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
