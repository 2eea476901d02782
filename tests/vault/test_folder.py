"""The header's files are private, replaced whole or not at all, and never followed through a link."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.model.errors import Conflict, HeaderTampered, HomeError, Refused
from jackfield.model.secret import Secret
from jackfield.vault.costs import Costs
from jackfield.vault.folder import COPY_NAME, HEADER_NAME, HeaderFolder
from jackfield.vault.sources import KeyFileSource
from jackfield.vault.vault import Vault

Made = tuple[Vault, Secret]


def names(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()}


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_every_file_is_private_whatever_the_umask(home: Path, cheap: Costs, passphrase: Secret) -> None:
    """Header, copy and key file have mode 0600 when made and when replaced."""
    vault, _ = Vault.create(home, passphrase, costs=cheap, floor=cheap)
    for _ in range(2):
        vault.add_slot(KeyFileSource(home / "key"))
        assert names(home) == {HEADER_NAME, COPY_NAME, "key"}
        for path in home.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [HEADER_NAME, COPY_NAME])
def test_a_planted_link_is_not_followed(home: Path, cheap: Costs, passphrase: Secret, name: str) -> None:
    """A link where a file of the vault should be stops its making, and the target stays untouched."""
    target = home / "target"
    (home / name).symlink_to(target)
    with pytest.raises(Refused):
        Vault.create(home, passphrase, costs=cheap, floor=cheap)
    assert not target.exists()


def test_a_link_to_a_header_is_not_read(home: Path, cheap: Costs, passphrase: Secret, made: Made) -> None:
    """A header behind a link is refused as a link."""
    (home / HEADER_NAME).rename(home / "elsewhere")
    (home / HEADER_NAME).symlink_to(home / "elsewhere")
    with pytest.raises(HomeError, match="link"):
        Vault.unlock(home, passphrase, floor=cheap)


def test_a_link_planted_for_the_new_file_is_replaced(home: Path, made: Made) -> None:
    """Writing goes into a file of its own, not through a link of the same name."""
    target = home / "target"
    target.write_text("untouched")
    (home / "vault.jackfield.new").symlink_to(target)
    made[0].add_slot(KeyFileSource(home / "key"))
    assert target.read_text() == "untouched"
    assert names(home) == {HEADER_NAME, COPY_NAME, "key", "target"}


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_a_file_open_to_others_is_refused(home: Path, cheap: Costs, passphrase: Secret, made: Made, mode: int) -> None:
    """A header that others can read or write is not used, and the next step says what to do."""
    (home / HEADER_NAME).chmod(mode)
    with pytest.raises(HomeError, match="open to other users") as caught:
        Vault.unlock(home, passphrase, floor=cheap)
    assert "600" in caught.value.next_step


def test_what_is_no_plain_file_is_refused(home: Path, cheap: Costs, passphrase: Secret) -> None:
    """A pipe in place of the header is refused at once, not waited for."""
    os.mkfifo(home / HEADER_NAME, 0o600)
    with pytest.raises(HomeError, match="plain file"):
        Vault.unlock(home, passphrase, floor=cheap)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(home: Path, cheap: Costs, passphrase: Secret, made: Made) -> None:
    """A header someone else owns is not used."""
    os.chown(home / HEADER_NAME, 12345, 12345)
    with pytest.raises(HomeError, match="another user"):
        Vault.unlock(home, passphrase, floor=cheap)


def test_a_missing_folder_and_an_empty_one_have_no_vault(home: Path, cheap: Costs, passphrase: Secret) -> None:
    """Both are told plainly."""
    for folder in (home, home / "missing"):
        assert not Vault.exists(folder)
        with pytest.raises(HomeError, match="no vault"):
            Vault.unlock(folder, passphrase, floor=cheap)
    with pytest.raises(HomeError, match="home folder"):
        Vault.create(home / "missing", passphrase, costs=cheap, floor=cheap)


KILLED = """
import os, signal, sys
from pathlib import Path
from jackfield.vault.folder import HeaderFolder

left = int(sys.argv[2])

def replace(new, path):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    os.replace(new, path)

HeaderFolder(Path(sys.argv[1]), replace).update(b"new", expected=b"old")
"""


@pytest.mark.parametrize(("renames", "expected"), [(0, (b"old", b"old")), (1, (b"new", b"old")), (2, (b"new", b"new"))])
def test_a_kill_leaves_each_file_old_or_new(home: Path, renames: int, expected: tuple[bytes, bytes]) -> None:
    """A process killed before a rename leaves whole files, the header first; the next write works."""
    HeaderFolder(home).create(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, home, str(renames)])
    assert (done.returncode == 0) == (renames == 2)
    files = HeaderFolder(home)
    assert (files.read(HEADER_NAME), files.read(COPY_NAME)) == expected
    files.update(b"next", expected=expected[0])
    assert (files.read(HEADER_NAME), files.read(COPY_NAME)) == (b"next", b"next")
    assert names(home) == {HEADER_NAME, COPY_NAME}


def test_a_failed_rename_leaves_the_old_header(home: Path) -> None:
    """A disk that refuses is told as HomeError, with nothing changed and nothing left behind."""

    def refuse(new: Path, path: Path) -> None:
        raise OSError(28, "No space left on device")

    HeaderFolder(home).create(b"old")
    with pytest.raises(HomeError, match="No space left"):
        HeaderFolder(home, refuse).update(b"new", expected=b"old")
    assert HeaderFolder(home).read(HEADER_NAME) == b"old"
    assert names(home) == {HEADER_NAME, COPY_NAME}


def test_a_passphrase_change_cut_short_leaves_one_that_works(
    home: Path, cheap: Costs, passphrase: Secret, made: Made
) -> None:
    """Killed between header and copy, only the new passphrase opens, and opening brings the copy up to date."""
    stale = (home / COPY_NAME).read_bytes()
    made[0].change_passphrase(passphrase, Secret("another good one"), costs=cheap)
    (home / COPY_NAME).write_bytes(stale)
    with pytest.raises(Exception, match="wrong"):
        Vault.unlock(home, passphrase, floor=cheap)
    vault = Vault.unlock(home, Secret("another good one"), floor=cheap)
    assert not vault.healed
    assert (home / COPY_NAME).read_bytes() == (home / HEADER_NAME).read_bytes() != stale


def test_two_sessions_do_not_undo_each_other(home: Path, cheap: Costs, passphrase: Secret, made: Made) -> None:
    """A session that knows an older header is told so instead of writing it back."""
    other = Vault.unlock(home, passphrase, floor=cheap)
    made[0].change_passphrase(passphrase, Secret("another good one"), costs=cheap)
    with pytest.raises(Conflict):
        other.add_slot(KeyFileSource(home / "key"))
    assert Vault.unlock(home, Secret("another good one"), floor=cheap).store_id == made[0].store_id


def test_a_second_vault_does_not_replace_the_first(home: Path, cheap: Costs, passphrase: Secret, made: Made) -> None:
    """Where any part of a vault is, none is made."""
    before = (home / HEADER_NAME).read_bytes()
    with pytest.raises(Refused):
        Vault.create(home, passphrase, costs=cheap, floor=cheap)
    assert (home / HEADER_NAME).read_bytes() == before
    with pytest.raises(Refused):
        HeaderFolder(home).create(b"other")


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "seal", "huge"])
def test_a_damaged_header_is_healed_from_its_copy(
    home: Path, cheap: Costs, passphrase: Secret, made: Made, damage: str
) -> None:
    """The vault opens from the copy, says so, and the header is whole again afterwards."""
    path = home / HEADER_NAME
    whole = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "cut":
            path.write_bytes(whole[:100])
        case "flipped":
            path.write_bytes(whole.replace(b"1", b"2", 1))
        case "seal":
            path.write_bytes(whole[:-66] + b"0" * 64 + b"\n")
        case "huge":
            path.write_bytes(whole * 1000)
    vault = Vault.unlock(home, passphrase, floor=cheap)
    assert vault.healed
    assert "copy" in vault.warnings[0]
    assert vault.database_key() == made[0].database_key()
    assert path.read_bytes() == whole
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not Vault.unlock(home, passphrase, floor=cheap).healed


@pytest.mark.parametrize("damage", [None, b"", b"x" * 70_000])
def test_a_damaged_copy_is_replaced_without_a_word(
    home: Path, cheap: Costs, passphrase: Secret, made: Made, damage: bytes | None
) -> None:
    """A whole header needs no copy to open, and the copy is whole again afterwards."""
    copy = home / COPY_NAME
    if damage is None:
        copy.unlink()
    else:
        copy.write_bytes(damage)
    vault = Vault.unlock(home, passphrase, floor=cheap)
    assert (vault.healed, vault.warnings) == (False, ())
    assert copy.read_bytes() == (home / HEADER_NAME).read_bytes()


def test_both_files_damaged_is_tampering(home: Path, cheap: Costs, passphrase: Secret, made: Made) -> None:
    """With nothing whole left the vault does not open, and the next step is a backup."""
    (home / HEADER_NAME).write_bytes(b"one")
    (home / COPY_NAME).write_bytes(b"other")
    with pytest.raises(HeaderTampered) as caught:
        Vault.unlock(home, passphrase, floor=cheap)
    assert "backup" in caught.value.next_step


def test_a_copy_that_cannot_be_written_does_not_stop_opening(
    home: Path, cheap: Costs, passphrase: Secret, made: Made
) -> None:
    """A copy that is not a plain file is a warning, not a locked door."""
    (home / COPY_NAME).unlink()
    (home / COPY_NAME).mkdir(mode=0o700)
    vault = Vault.unlock(home, passphrase, floor=cheap)
    assert COPY_NAME in vault.warnings[0]
