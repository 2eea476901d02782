"""Files and folders nobody else may read: made private before anything is written, checked before anything is read."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jackfield.model.errors import HomeError

_NETWORK_FILE_SYSTEMS: Final = frozenset(
    (
        *("afs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"),
        *("fuse.ceph", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    )
)
_MOUNTS: Final = Path("/proc/self/mountinfo")


def require_private_folder(folder: Path, *, local: bool = True) -> None:
    """Raise HomeError unless it is a real folder of ours, mode 0700 or narrower, and, if `local`, on a local disk."""
    try:
        found = folder.lstat()
    except OSError as error:
        raise HomeError(
            f"The folder {folder} cannot be read: {error.strerror}.", "Create it, or give another."
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise HomeError(f"{folder} is not a folder.", "Give a folder itself, not a link to one.")
    _require_private(folder, found, "700")
    kind = _file_system(found.st_dev) if local else ""
    if kind in _NETWORK_FILE_SYSTEMS:
        raise HomeError(
            f"{folder} is on a network file system ({kind}), where commits can be lost.",
            "Choose a folder on a local disk.",
        )


def require_private_file(path: Path) -> None:
    """Raise HomeError unless `path` is a regular file of ours, mode 0600 or narrower. Raises FileNotFoundError."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise HomeError(f"{path} is not a plain file.", "Move what is there away.")
    _require_private(path, found, "600")


def make_private_folder(folder: Path, *, local: bool = True) -> None:
    """Make `folder` with mode 0700 whatever the umask, or check the one that is there."""
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)
    except FileExistsError:
        require_private_folder(folder, local=local)


def make_private_file(path: Path) -> None:
    """Make an empty file, mode 0600 whatever the umask. Raises FileExistsError, also for a link that leads nowhere."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold `folder` against every other process that asks for the same; waits for its turn."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _require_private(path: Path, found: os.stat_result, mode: str) -> None:
    if found.st_uid != os.geteuid():
        raise HomeError(f"{path} belongs to another user.", "Use a folder of your own.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise HomeError(f"Other users can reach {path}.", f"Close it: chmod {mode} {path}")


def _file_system(device: int) -> str:
    """The name of the file system with this device number; empty where the system does not tell."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = _MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        if before.split(" ", 3)[2:3] == [wanted]:
            return after.split(" ", 1)[0]
    return ""
