"""The head of the trail in the system's keyring: who puts back the home and its note in a file is noticed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend

from jackfield.model.errors import HomeError, Refused
from jackfield.services.anchor import anchor_path, head_code, noted_of
from jackfield.services.backup import back_up
from jackfield.services.home import Home
from jackfield.services.restore import restore
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.vault import keyrings
from jackfield.vault.sources import PassphraseSource
from vault.test_keyrings import ForgetfulKeyring, LockedKeyring, MemoryKeyring

from .conftest import CHEAP, PASSPHRASE

Reopen = Callable[[], Session]


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """What stands for the system's."""
    kept = MemoryKeyring()
    monkeypatch.setattr(keyrings, "system_keyring", lambda: kept)
    return kept


@pytest.fixture
def kept(session: Session, keyring: MemoryKeyring) -> Session:
    session.keep_head_in_keyring(wanted=True)
    return session


def test_nothing_is_kept_there_unasked(session: Session, keyring: MemoryKeyring, reopen: Reopen) -> None:
    session.lock()
    reopen().lock()
    assert keyring.entries == {}


def test_it_is_the_note_of_the_last_lock(kept: Session, keyring: MemoryKeyring, reopen: Reopen) -> None:
    """The same text as in the file, under a name of its own; no key and no name of a thing is in it."""
    kept.organizations.create("acme")
    note = anchor_path(kept.home, kept.vault.store_id)
    kept.lock()
    assert keyring.entries == {("jackfield", f"head/{note.name}"): note.read_text("ascii")}
    again = reopen()
    assert again.warnings == ()
    assert Settings(again.store).head_in_keyring()


def copy_of(home: Home, store_id: str, to: Path) -> Callable[[], None]:
    """Copies the home and its note; gives what puts both back."""
    note = anchor_path(home, store_id)
    shutil.copytree(home.folder, to)
    shutil.copy(note, to.with_suffix(".note"))

    def put_back() -> None:
        shutil.rmtree(home.folder)
        shutil.copytree(to, home.folder)
        shutil.copy(to.with_suffix(".note"), note)

    return put_back


def test_an_older_home_with_its_older_note_is_named_until_it_is_accepted(
    kept: Session, keyring: MemoryKeyring, reopen: Reopen, tmp_path: Path
) -> None:
    kept.lock()
    put_back = copy_of(kept.home, kept.vault.store_id, tmp_path / "yesterday")
    later = reopen()
    later.organizations.create("acme")
    newer = head_code(noted_of(later.audit.page(limit=1)[0]).head)
    later.lock()
    put_back()
    for _ in range(2):
        opened = reopen()
        (warning,) = opened.warnings
        assert newer in warning
        assert "jackfield audit accept" in warning
        opened.lock()
    opened = reopen()
    opened.accept_trail()
    assert opened.warnings == ()
    opened.lock()
    assert reopen().warnings == ()


def test_a_killed_process_is_no_roll_back(kept: Session, keyring: MemoryKeyring, reopen: Reopen) -> None:
    """The keyring's head is then an earlier one of the same trail; the next lock brings it up to date."""
    before = dict(keyring.entries)
    kept.organizations.create("acme")
    kept.lock()
    keyring.entries.update(before)
    again = reopen()
    assert again.warnings == ()
    again.lock()
    assert keyring.entries != before


def test_an_entry_that_was_taken_away_or_changed_is_told(kept: Session, keyring: MemoryKeyring, reopen: Reopen) -> None:
    kept.lock()
    ((where, text),) = keyring.entries.items()
    for wrong, said in ((None, "has no head"), (text.replace('"count":', '"count":1'), "changed or damaged")):
        keyring.entries.pop(where, None)
        if wrong is not None:
            keyring.entries[where] = wrong
        opened = reopen()
        (warning,) = opened.warnings
        assert said in warning
        opened.lock()


@pytest.mark.parametrize("backend", [LockedKeyring, None])
def test_a_keyring_that_does_not_answer_is_told_and_the_file_goes_on(
    kept: Session, reopen: Reopen, monkeypatch: pytest.MonkeyPatch, backend: type[KeyringBackend] | None
) -> None:
    """Over SSH there is none. The home opens, and its note in the file is compared and written as ever."""

    def silent() -> KeyringBackend:
        if backend is None:
            raise Refused("No keyring can be used: no D-Bus session (over SSH that is usual).")
        return backend()

    kept.lock()
    monkeypatch.setattr(keyrings, "system_keyring", silent)
    opened = reopen()
    (warning,) = opened.warnings
    assert "cannot be compared" in warning
    assert "canary" not in warning
    note = anchor_path(opened.home, opened.vault.store_id).read_bytes()
    opened.organizations.create("acme")
    assert anchor_path(opened.home, opened.vault.store_id).read_bytes() != note
    opened.lock()


@pytest.mark.parametrize("backend", [LockedKeyring, ForgetfulKeyring])
def test_a_keyring_that_keeps_nothing_is_not_chosen(
    session: Session, monkeypatch: pytest.MonkeyPatch, backend: type[KeyringBackend]
) -> None:
    monkeypatch.setattr(keyrings, "system_keyring", backend)
    with pytest.raises(HomeError) as caught:
        session.keep_head_in_keyring(wanted=True)
    assert "canary" not in str(caught.value)
    assert not Settings(session.store).head_in_keyring()


def test_taken_back_it_is_gone_and_not_missed(kept: Session, keyring: MemoryKeyring, reopen: Reopen) -> None:
    kept.keep_head_in_keyring(wanted=False)
    assert keyring.entries == {}
    kept.lock()
    assert reopen().warnings == ()
    assert keyring.entries == {}


def test_what_is_restored_on_purpose_is_no_roll_back(
    kept: Session, keyring: MemoryKeyring, reopen: Reopen, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    back_up(kept, backup)
    kept.organizations.create("acme")
    kept.lock()
    restore(kept.home, backup, PassphraseSource(PASSPHRASE), floor=CHEAP)
    assert reopen().warnings == ()
