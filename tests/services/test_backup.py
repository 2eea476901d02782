"""Backups, and putting them back, cut off and tampered with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jackfield.model.connection import Connection
from jackfield.model.errors import HomeError, Refused, StoreTampered, StoreTooNew, WrongPassphrase
from jackfield.model.secret import Secret
from jackfield.services.backup import back_up
from jackfield.services.home import Home
from jackfield.services.replacement import finish_replacement
from jackfield.services.restore import Restored, restore
from jackfield.services.session import Session
from jackfield.vault.sources import KeySource, PassphraseSource, RecoverySource
from providers.netlify.vendor import GOOD

from .conftest import CHEAP, PASSPHRASE, Make


@pytest.fixture
def made(make: Make) -> Connection:
    return make()


@pytest.fixture
def file(session: Session, made: Connection, tmp_path: Path) -> Path:
    back_up(session, tmp_path / "backup")
    return tmp_path / "backup"


def put_back(home: Home, file: Path, source: KeySource | None = None) -> Restored:
    return restore(home, file, source or PassphraseSource(PASSPHRASE), floor=CHEAP)


def expect_restored(home: Home, made: Connection) -> None:
    session = Session.unlock(home, PASSPHRASE, floor=CHEAP)
    try:
        assert session.connections.fields(made, reason="test") == {"accessToken": Secret(GOOD)}
        assert session.audit.verify().bad is None
        assert session.audit.page(limit=2)[1].event.action == "backup.restore"
    finally:
        session.lock()


def test_a_backup_is_restored_on_another_machine(file: Path, made: Connection, tmp_path: Path) -> None:
    elsewhere = Home(tmp_path / "elsewhere")
    done = put_back(elsewhere, file)
    assert (done.manifest.connections, done.kept) == (1, None)
    expect_restored(elsewhere, made)


def test_a_backup_opens_with_the_recovery_key_alone(tmp_path: Path) -> None:
    session, recovery = Session.create(Home(tmp_path / "home"), PASSPHRASE, costs=CHEAP, floor=CHEAP)
    assert recovery is not None
    back_up(session, tmp_path / "backup")
    session.lock()
    assert put_back(Home(tmp_path / "elsewhere"), tmp_path / "backup", RecoverySource(recovery)).kept is None


def test_a_backup_holds_what_still_lies_in_the_log(session: Session, make: Make, tmp_path: Path) -> None:
    """What was written a moment ago is in it, while others go on working."""
    make("old")
    back_up(session, tmp_path / "first")
    make("new")
    assert back_up(session, tmp_path / "second").connections == 2


def test_a_backup_tells_a_stranger_nothing(file: Path) -> None:
    raw = file.read_bytes()
    assert all(word.encode() not in raw for word in ("sites", "netlify", "acme", GOOD))
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_replaces_no_file(session: Session, file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(Refused, match="already"):
        back_up(session, file)
    assert file.read_bytes() == before


def test_a_backup_that_cannot_be_written_leaves_none(session: Session, tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="cannot be written"):
        back_up(session, tmp_path / "nowhere" / "backup")
    assert [one for one in session.home.folder.iterdir() if one.name.startswith("backup-")] == []


def test_what_was_in_the_home_is_kept_beside(session: Session, file: Path, made: Connection, make: Make) -> None:
    make("later")
    home = session.home
    session.lock()
    old = (home.folder / "store.db").read_bytes()
    kept = put_back(home, file).kept
    assert kept is not None
    assert (kept / "old" / "store.db").read_bytes() == old
    expect_restored(home, made)


def test_the_users_own_files_stay(session: Session, file: Path, made: Connection) -> None:
    home = session.home
    home.providers.mkdir()
    home.providers.joinpath("own.yaml").write_text("slug: own\n")
    session.lock()
    put_back(home, file)
    assert home.providers.joinpath("own.yaml").exists()


def test_a_home_in_use_is_not_replaced(session: Session, file: Path) -> None:
    with pytest.raises(Refused, match="has this home open"):
        put_back(session.home, file)


def test_another_passphrase_restores_nothing(session: Session, file: Path) -> None:
    home = session.home
    session.lock()
    before = snapshot(home)
    with pytest.raises(WrongPassphrase):
        put_back(home, file, PassphraseSource(Secret("another garden")))
    assert snapshot(home) == before


def snapshot(home: Home) -> dict[str, bytes]:
    """Every file of the home, by name."""
    return {str(one.relative_to(home.folder)): one.read_bytes() for one in home.folder.rglob("*") if one.is_file()}


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def test_no_changed_byte_is_overlooked(session: Session, file: Path) -> None:
    """Manifest, seal, header and database: whatever is changed, nothing is replaced."""
    home, raw = session.home, file.read_bytes()
    session.lock()
    before = snapshot(home)
    lines = raw.index(b"hmac-sha256") + 12 + 64
    for at in (*range(0, lines, 7), lines + 60, lines + 300, lines + 692, len(raw) // 2, len(raw) - 1):
        file.write_bytes(flipped(raw, at))
        with pytest.raises((StoreTampered, StoreTooNew)):
            put_back(home, file)
    assert snapshot(home) == before


@pytest.mark.parametrize("keep", [0, 10, 200, 1500])
def test_a_cut_off_backup_is_refused(session: Session, file: Path, keep: int) -> None:
    home = session.home
    session.lock()
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(StoreTampered, match=r"Nothing was replaced|changed or damaged"):
        put_back(home, file)


def test_a_manifest_is_not_swapped_for_another_of_the_same_vault(
    session: Session, file: Path, make: Make, tmp_path: Path
) -> None:
    """The parts of one backup under the manifest of a second one are not what that says."""
    make("later")
    back_up(session, tmp_path / "second")
    session.lock()
    first, second = file.read_bytes(), (tmp_path / "second").read_bytes()
    file.write_bytes(b"\n".join([*second.split(b"\n", 3)[:3], first.split(b"\n", 3)[3]]))
    with pytest.raises(StoreTampered):
        put_back(session.home, file)


def test_a_newer_backup_is_told_apart_from_a_damaged_one(session: Session, file: Path) -> None:
    session.lock()
    file.write_bytes(file.read_bytes().replace(b"jackfield-backup 1", b"jackfield-backup 2", 1))
    with pytest.raises(StoreTooNew):
        put_back(session.home, file)


def test_a_file_that_is_not_there_is_told(home: Home, tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="cannot be read"):
        put_back(home, tmp_path / "none")


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


def test_a_restore_is_finished_from_wherever_it_was_cut_off(
    session: Session, file: Path, made: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each of its renames in turn, the next start finishes it, or it never began."""
    home = session.home
    session.lock()
    renames = 0
    real = Path.rename
    allowed = 0

    def rename(path: Path, target: Any) -> Path:
        nonlocal renames
        if renames >= allowed:
            raise Killed
        renames += 1
        return real(path, target)

    finished = False
    while not finished:
        renames = 0
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", rename)
            try:
                put_back(home, file)
                finished = True
            except Killed:
                allowed += 1
        finish_replacement(home.folder)
        assert not (home.folder / "restoring").exists()
        opened = Session.unlock(home, PASSPHRASE, floor=CHEAP)
        assert opened.connections.get(made.id).name == "sites"
        assert opened.warnings == ()  # neither of what was there nor of what was restored
        opened.lock()
    assert allowed > 6
    expect_restored(home, made)


def test_a_backup_of_a_replaced_root_key_opens_with_the_keys_of_its_time(
    session: Session, file: Path, made: Connection, reopen: Callable[[], Session], tmp_path: Path
) -> None:
    from jackfield.services.rotation import rotate_root

    rotate_root(session, PassphraseSource(PASSPHRASE, CHEAP))
    back_up(session, tmp_path / "after")
    session.lock()
    for name in ("backup", "after"):
        elsewhere = Home(tmp_path / f"home-of-{name}")
        put_back(elsewhere, tmp_path / name)
        expect_restored(elsewhere, made)


def test_the_manifest_says_what_is_inside(file: Path, made: Connection) -> None:
    manifest = json.loads(file.read_bytes().split(b"\n")[1])
    assert set(manifest) == {"connections", "created", "database", "entries", "header", "store"}
    assert manifest["connections"] == 1
