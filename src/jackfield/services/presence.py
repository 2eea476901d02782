"""Who has a home open: a shared lock that ends with its process, and a way to ask all of them to lock.

The lock lies on the file `presence`. Whoever restores a backup or changes the root key holds it alone. To ask for a
lock is to touch the file: who has it open sees that its time is not the one from before.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jackfield.model.errors import HomeError, Refused

FILE: Final = "presence"


class Presence:
    """One process's mark on a home, until `end` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Raises HomeError where the mark cannot be made, Refused while another process holds the home alone."""
        try:
            flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(folder / FILE, flags, 0o600)
        except OSError as error:
            message = f"The folder {folder} cannot be used: {error.strerror}."
            raise HomeError(message, "Check its rights and its disk, or give another with --home.") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self.end()
            raise Refused(
                "Another Jackfield restores a backup or changes keys here.", "Wait until it is done."
            ) from None
        self._seen = self._touched_at()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other Jackfield out. Raises Refused while one has the home open."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)  # to ask for more gave it up
            raise Refused(
                "Another Jackfield has this home open.", "Close it, or lock it with: jackfield lock. Then try again."
            ) from None
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def lock_asked(self) -> bool:
        """Whether anyone has asked for a lock since this mark was made."""
        return self._touched_at() != self._seen

    def end(self) -> None:
        """Give the mark up. Harmless when that was done already."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _touched_at(self) -> int:
        return os.fstat(self._descriptor).st_mtime_ns


def ask_to_lock(folder: Path) -> bool:
    """Ask every Jackfield that has the home open to lock; False when none has. Raises HomeError."""
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise HomeError(f"The folder {folder} cannot be used: {error.strerror}.", "Check its rights.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.utime(descriptor)
        return True
    finally:
        os.close(descriptor)
    return False
