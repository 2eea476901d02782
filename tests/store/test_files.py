"""The store's files: private, encrypted, and refused when they are not what they should be."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackfield.model.connection import IntendedUse, Scope
from jackfield.model.errors import HomeError, LockedError, StoreTampered
from jackfield.store import checks, connections, files, organizations
from jackfield.store.connections import Definition
from jackfield.store.filter import parse
from jackfield.store.listing import ConnectionList
from jackfield.store.listing import page as page_of
from jackfield.store.store import Store

KEY = bytes(range(32))
PAGE = 4096


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def filled(folder: Path) -> None:
    """A store of some hundred pages, closed."""
    store = Store.open(folder, KEY)
    with store.write() as tx:
        acme = organizations.create(tx, name="acme")
        for number in range(200):
            connections.create(tx, Scope(acme.id), Definition(f"c-{number}", "aws", "key", "d" * 200))
    store.close()


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_every_file_is_private_whatever_the_umask(folder: Path, mask: int) -> None:
    with umask(mask):
        store = Store.open(folder, KEY)
        with store.write() as tx:
            organizations.create(tx, name="acme")
        store.back_up(folder / "copy.db")
        modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
        store.close()

    assert set(modes) == {"store.db", "store.db-wal", "store.db-shm", "copy.db"}
    assert set(modes.values()) == {0o600}


def test_nothing_typed_is_in_clear_open_or_closed(folder: Path) -> None:
    planted = ["planted-name", "planted-provider", "planted-text", "planted-use", "planted.host", "planted-tag"]
    store = Store.open(folder, KEY)
    with store.write() as tx:
        acme = organizations.create(tx, name="planted-organization")
        use = IntendedUse("planted-use", {"host": "planted.host"})
        definition = Definition("planted-name", "planted-provider", "m", "planted-text", (use,), ("planted-tag",))
        connections.create(tx, Scope(acme.id), definition)
    for moment in ("open", "closed"):
        for file in folder.iterdir():
            content = file.read_bytes()
            assert not [text for text in planted if text.encode() in content], (moment, file.name)
            assert KEY not in content
        store.close()
    assert b"SQLite format 3" not in (folder / "store.db").read_bytes()


def test_deleted_rows_leave_the_log_when_it_is_emptied(store: Store, scope: Scope) -> None:
    with store.write() as tx:
        gone = connections.create(tx, scope, Definition("gone", "aws", "m"))
        connections.remove(tx, gone.id, version=1)
    log = store.path.with_name("store.db-wal")
    assert log.stat().st_size > 0

    assert store.empty_log()

    assert log.stat().st_size == 0


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_folder_others_can_reach_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(HomeError, match="chmod 700"):
        Store.open(folder, KEY)
    assert not list(folder.iterdir())


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(HomeError, match="not a folder"):
        Store.open(link, KEY)


@pytest.mark.parametrize("name", ["store.db", "store.db-wal", "store.db-shm"])
def test_a_link_in_the_place_of_a_file_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    filled(folder)
    target = tmp_path / "elsewhere"
    target.write_bytes(b"")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    with pytest.raises(HomeError, match="not a plain file"):
        Store.open(folder, KEY)
    assert target.read_bytes() == b""


def test_a_link_in_the_place_of_a_backup_is_refused(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    link = tmp_path / "copy.db"
    link.symlink_to(target)
    with pytest.raises(FileExistsError):
        store.back_up(link)
    assert not target.exists()


def test_a_file_others_can_read_is_refused(folder: Path) -> None:
    filled(folder)
    (folder / "store.db").chmod(0o644)
    with pytest.raises(HomeError, match="chmod 600"):
        Store.open(folder, KEY)


def test_a_backup_opens_with_the_same_key_and_holds_what_the_log_held(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        organizations.create(tx, name="late")
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    store.back_up(other / "store.db")
    copy = Store.open(other, KEY)
    with copy.read() as tx:
        assert organizations.named(tx, "late").name == "late"
    assert copy.damage() == ()
    copy.close()


def test_a_wrong_key_is_named_as_such(folder: Path) -> None:
    filled(folder)
    with pytest.raises(StoreTampered, match="does not open with the key"):
        Store.open(folder, bytes(32))


def test_a_damaged_first_page_is_not_called_a_wrong_key(folder: Path) -> None:
    filled(folder)
    flip(folder / "store.db", 3000)
    with pytest.raises(StoreTampered, match="first page"):
        Store.open(folder, KEY)


def test_any_changed_page_is_noticed_when_it_is_read(folder: Path) -> None:
    filled(folder)
    pages = (folder / "store.db").stat().st_size // PAGE
    for page in range(1, pages, 7):
        flip(folder / "store.db", page * PAGE + 100)
        with pytest.raises(StoreTampered):
            read_everything(folder)
        flip(folder / "store.db", page * PAGE + 100)
    read_everything(folder)


def test_a_truncated_file_is_noticed(folder: Path) -> None:
    filled(folder)
    whole = (folder / "store.db").read_bytes()
    for size in (0, 100, PAGE, len(whole) // 2 // PAGE * PAGE, len(whole) - PAGE):
        (folder / "store.db").write_bytes(whole[:size])
        with pytest.raises(StoreTampered):
            read_everything(folder)


def test_a_missing_database_is_not_replaced_by_an_empty_one(folder: Path) -> None:
    with pytest.raises(StoreTampered, match="gone"):
        Store.open(folder, KEY, must_exist=True)
    assert not list(folder.iterdir())


def test_a_half_made_store_is_made_again(folder: Path) -> None:
    (folder / "store.db.new").write_bytes(b"half")
    Store.open(folder, KEY).close()
    assert [file.name for file in folder.iterdir()] == ["store.db"]


def test_a_closed_store_is_locked(folder: Path) -> None:
    store = Store.open(folder, KEY)
    store.close()
    with pytest.raises(LockedError), store.read():
        pytest.fail("read while locked")
    with pytest.raises(LockedError), store.write():
        pytest.fail("written while locked")


def test_a_full_database_says_so_and_changes_nothing(store: Store, scope: Scope) -> None:
    with store.read() as tx:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()

    def fill() -> None:
        with store.write() as tx:
            tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            for number in range(1000):
                connections.create(tx, scope, Definition(f"c-{number}", "aws", "m", "d" * 256))

    with pytest.raises(HomeError, match="disk is full"):
        fill()
    with store.read() as tx:
        assert connections.ids_named(tx, "c-0") == ()
    assert store.damage() == ()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_says_so_and_keeps_what_was_acknowledged(small_disk: Path) -> None:
    store = Store.open(small_disk, KEY)
    with store.write() as tx:
        acme = organizations.create(tx, name="acme")
    kept: list[str] = []

    def fill() -> None:
        for number in range(5000):
            with store.write() as tx:
                made = connections.create(tx, Scope(acme.id), Definition(f"c-{number}", "aws", "m", "d" * 256))
            kept.append(made.name)

    with pytest.raises(HomeError, match=r"full|failed"):
        fill()
    with store.read() as tx:
        assert all(connections.ids_named(tx, name) for name in kept)
        assert not connections.ids_named(tx, f"c-{len(kept)}")
    store.close()


def test_a_read_only_disk_is_named(small_disk: Path) -> None:
    filled(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(HomeError, match=r"cannot be (written|opened)"):
        read_everything(small_disk)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As the kernel would tell of one that is mounted there."""
    device = folder.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        f"22 1 0:1 / /proc rw - proc proc rw\n"
        f"91 22 {os.major(device)}:{os.minor(device)} / /home rw,relatime shared:1 - {kind} server:/home rw,vers=4.2\n"
    )
    monkeypatch.setattr(files, "_MOUNTS", mounts)
    with pytest.raises(HomeError, match=f"network file system .{kind}."):
        Store.open(folder, KEY)
    assert not list(folder.iterdir())


def test_the_disk_of_this_machine_is_known() -> None:
    """What the kernel tells is really read: the folder of processes is no disk, and has its own kind."""
    assert files._file_system(Path("/proc").stat().st_dev) == "proc"


def test_a_compacted_store_is_smaller_and_holds_what_it_held(folder: Path) -> None:
    filled(folder)
    store = Store.open(folder, KEY)
    with store.write() as tx:
        for number in range(10, 200):
            (connection_id,) = connections.ids_named(tx, f"c-{number}")
            connections.remove(tx, connection_id, version=1)
    before, after = store.compact()
    assert after < before
    assert (folder / "store.db").stat().st_size == after
    assert (folder / "store.db-wal").stat().st_size == 0
    assert store.damage() == ()
    wanted = ConnectionList(filter=parse("c-7", now=datetime.now(UTC)))
    with store.read() as tx:
        assert [one.name for one in page_of(tx, wanted)] == ["c-7"]
    store.close()


def test_a_full_disk_leaves_a_store_that_was_to_be_compacted(small_disk: Path) -> None:
    filled(small_disk)
    store = Store.open(small_disk, KEY)
    room = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(room.f_bavail * room.f_frsize - 20_000))
    with pytest.raises(HomeError, match=r"full|failed"):
        store.compact()
    (small_disk / "ballast").unlink()
    assert store.damage() == ()
    with store.read() as tx:
        assert len(connections.ids_named(tx, "c-199")) == 1
    store.close()


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def read_everything(folder: Path) -> None:
    """Open, ask the check of every page for its opinion, and read each connection."""
    store = Store.open(folder, KEY)
    try:
        if found := store.damage():
            raise StoreTampered(found[0])
        with store.read() as tx:
            for number in range(200):
                (connection_id,) = connections.ids_named(tx, f"c-{number}")
                assert not checks.history(tx, connection_id)
    finally:
        store.close()
