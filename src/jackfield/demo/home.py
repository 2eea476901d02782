"""The demo's home: made in a temporary folder, held while the demo runs, and removed with everything in it."""

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from jackfield.model.errors import HomeError
from jackfield.services.home import Home

if TYPE_CHECKING:
    from jackfield.net.network import Network

PASSPHRASE: Final = "open the demo please"  # noqa: S105  of a vault that holds nothing but inventions
_PREFIX: Final = "jackfield-demo-"
_UNFINISHED: Final = "jackfield-new-demo-"
_HELD: Final = "held"
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs: its home, a file with its passphrase, and what makes the network to its vendors."""

    home: Home
    passphrase_file: Path
    network: "Callable[[], Network]"


@contextmanager
def demo() -> Iterator[Demo]:
    """Everything, from the first server to the last test; all of it goes at the end, also after SIGTERM and SIGHUP.

    Takes seconds. Raises JackfieldError.
    """
    ending = _Ending()
    with ExitStack() as made:
        made.enter_context(ending.installed())
        remove_leftovers()
        folder = made.enter_context(_held_folder(ending))
        from jackfield.demo.filling import fill
        from jackfield.demo.vendors import Vendors

        vendors = made.enter_context(Vendors())
        home = Home(folder / "home")
        fill(home, PASSPHRASE, vendors)
        passphrase_file = folder / "passphrase"
        with os.fdopen(os.open(passphrase_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(PASSPHRASE + "\n")
        vendors.live()
        yield Demo(home, passphrase_file, vendors.network)


def remove_leftovers() -> None:
    """Remove the folders of demos that were killed: those that nobody holds any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            held = os.open(folder / _HELD, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(held)


class _Ending:
    """SIGTERM and SIGHUP as SystemExit, so that what was made is unmade; they wait while `postponed`."""

    def __init__(self) -> None:
        self.postponed = True
        self._told = 0

    def __call__(self, number: int, _: FrameType | None) -> None:
        self._told = number
        if not self.postponed:
            self.leave_when_told()

    def leave_when_told(self) -> None:
        """Leave now if a signal came."""
        self.postponed = False
        if self._told:
            raise SystemExit(128 + self._told)

    @contextmanager
    def installed(self) -> Iterator[None]:
        before = {number: signal.signal(number, self) for number in _ENDING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _held_folder(ending: _Ending) -> Iterator[Path]:
    """A new folder, 0700. It gets the name that leftovers bear only once it is held.

    No signal ends the program between making it and knowing that it has to go.
    """
    try:
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED))
        folder = unfinished.with_name(unfinished.name.replace(_UNFINISHED, _PREFIX))
        held = os.open(unfinished / _HELD, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        unfinished.rename(folder)
    except OSError as error:
        message = f"No folder for the demo can be made in {tempfile.gettempdir()}: {error.strerror}."
        raise HomeError(message, "Check its disk and rights, or name another in TMPDIR.") from None
    try:
        ending.leave_when_told()
        yield folder
    finally:
        for number in _ENDING:  # asked twice, it still clears up
            signal.signal(number, signal.SIG_IGN)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)
