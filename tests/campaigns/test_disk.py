"""The mixed load of the crash campaign on a disk that fills up, and on one that becomes read-only."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.crash import Told, differences, half_made, observe
from campaigns.load import Journal, Worker, make_home, unlock
from jackfield.model.errors import HomeError
from jackfield.services.session import Session


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose `home` is on a small disk of its own; what the load writes down is on another."""
    home = tmp_path / "home"
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", home], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    make_home(tmp_path)
    yield tmp_path
    subprocess.run(["umount", "-l", home], check=True)


def remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", disk], check=True)


def expect_nothing_lost(folder: Path, told: Told) -> None:
    session = unlock(folder)
    try:
        seen = observe(session)
        assert list(differences(seen, told.done, told.under_way)) == []
        assert list(half_made(session, seen, entries=told.entries)) == []
    finally:
        session.lock()


def loaded(folder: Path) -> tuple[Worker, Session]:
    """A worker that has done some things already, and its session."""
    session = unlock(folder)
    worker = Worker("alpha", "disk", Journal(folder / "alpha.journal"), session, folder, alone=False)
    for _ in range(25):
        worker.step()
    return worker, session


def test_a_load_that_a_full_disk_stops_loses_nothing(folder: Path) -> None:
    """An action is refused in words; once there is room, all that was acknowledged is there, and nothing half-made."""
    worker, session = loaded(folder)
    ballast = folder / "home" / "ballast"
    fill(ballast)

    def go_on() -> None:
        for _ in range(200):
            worker.step()

    with pytest.raises(HomeError, match=r"full|cannot be|failed"):
        go_on()
    ballast.unlink()
    session.lock()
    told = Told.read(folder / "alpha.journal")
    assert told.finished >= 25
    expect_nothing_lost(folder, told)


def test_a_disk_that_became_read_only_is_named_and_nothing_is_lost(folder: Path) -> None:
    _, session = loaded(folder)
    session.lock()
    remount(folder / "home", "ro")
    with pytest.raises(HomeError, match=r"Read-only|cannot be|failed"):
        unlock(folder)
    remount(folder / "home", "rw")
    expect_nothing_lost(folder, Told.read(folder / "alpha.journal"))


def fill(ballast: Path) -> None:
    """Leave no room on the disk."""

    def write() -> None:
        with ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    with pytest.raises(OSError, match="No space"):
        write()
