"""The head of the trail is noted outside the home, so what is put back, cut off or lost is noticed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from jackfield.model.errors import InvalidField
from jackfield.services.anchor import Anchor, anchor_path, head_code, noted_at, noted_of, read_head_code
from jackfield.services.backup import back_up
from jackfield.services.home import Home
from jackfield.services.restore import restore
from jackfield.services.session import Session
from jackfield.store import tables
from jackfield.store.trail import Head
from jackfield.vault.sources import PassphraseSource

from .conftest import CHEAP, PASSPHRASE, Make

Reopen = Callable[[], Session]


def code(session: Session) -> str:
    """The head of the trail as it is now."""
    last = session.audit.last()
    assert last is not None
    return head_code(noted_of(last).head)


def copied(home: Home, to: Path) -> Path:
    """The whole home as it lies there, open or not."""
    return Path(shutil.copytree(home.folder, to))


def put_back(home: Home, copy: Path) -> None:
    shutil.rmtree(home.folder)
    shutil.copytree(copy, home.folder)


def test_the_same_home_is_opened_without_a_warning(session: Session, make: Make, reopen: Reopen) -> None:
    make("one")
    session.lock()
    again = reopen()
    make_sure = code(again)
    again.lock()
    assert reopen().warnings == ()
    noted = noted_at(anchor_path(session.home, session.vault.store_id))
    assert noted is not None
    assert head_code(noted.head) == make_sure


def test_an_older_home_put_back_is_named_with_both_heads(
    session: Session, make: Make, reopen: Reopen, tmp_path: Path
) -> None:
    make("one")
    older = code(session)
    session.lock()
    copy = copied(session.home, tmp_path / "yesterday")
    later = reopen()
    later.organizations.create("later")
    later.organizations.create("still-later")
    newer = code(later)
    later.lock()
    put_back(session.home, copy)
    for _ in range(2):  # it is told at every start
        opened = reopen()
        (warning,) = opened.warnings
        assert older in warning
        assert newer in warning
        assert "2 entries are missing" in warning
        assert "jackfield audit accept" in warning
        opened.lock()


def test_an_older_home_that_was_worked_on_is_another_trail(
    session: Session, make: Make, reopen: Reopen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("one")
    session.lock()
    copy = copied(session.home, tmp_path / "yesterday")
    later = reopen()
    later.organizations.create("later")
    noted = code(later)
    later.lock()
    put_back(session.home, copy)
    with monkeypatch.context() as elsewhere:  # as on another machine, where nothing is noted
        elsewhere.setenv("JACKFIELD_STATE", str(tmp_path / "other machine"))
        other = reopen()
        for number in range(3):
            other.organizations.create(f"other-{number}")
        other.lock()
    (warning,) = reopen().warnings
    assert noted in warning
    assert "the trail went on from an older copy" in warning


def test_entries_cut_off_at_the_end_are_noticed(session: Session, make: Make, reopen: Reopen) -> None:
    """By who has the key of the database: the trail itself is whole as far as it goes."""
    make("one")
    make("two")
    with session.store.write() as tx:
        last = tx.value(select(func.max(tables.audit_event.c.seq)))
        tx.run(delete(tables.audit_event).where(tables.audit_event.c.seq == last))
    session.lock()
    opened = reopen()
    assert opened.audit.verify().bad is None
    assert "an entry is missing" in opened.warnings[0]


@pytest.mark.parametrize("harm", ["cut", "damaged", "gone"])
def test_a_log_that_lost_acknowledged_commits_is_noticed(
    session: Session, make: Make, reopen: Reopen, tmp_path: Path, harm: str
) -> None:
    """SQLite drops what follows the damage without a word. The home is left as a killed process leaves it."""
    make("one")
    session.store.empty_log()
    make("two")
    make("three")
    home = copied(session.home, tmp_path / "killed")
    session.lock()
    put_back(session.home, home)
    log = session.home.folder / "store.db-wal"
    raw = log.read_bytes()
    middle = len(raw) // 2
    if harm == "gone":
        log.unlink()
    else:
        log.write_bytes(raw[:middle] if harm == "cut" else raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :])
    opened = reopen()
    assert sum(opened.connections.counts().values()) < 3
    assert opened.store.damage() == ()
    assert "missing" in opened.warnings[0]


def test_a_killed_process_is_no_roll_back(
    session: Session, make: Make, reopen: Reopen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed and not noted any more is ahead of the note."""
    make("one")
    with monkeypatch.context() as patch:
        patch.setattr(Anchor, "_write", lambda *_: None)
        make("two")
    home = copied(session.home, tmp_path / "killed")
    session.lock()
    put_back(session.home, home)
    opened = reopen()
    assert opened.warnings == ()
    noted = noted_at(anchor_path(session.home, session.vault.store_id))
    assert noted is not None
    assert head_code(noted.head) == code(opened)


def test_what_was_put_back_on_purpose_is_accepted(session: Session, make: Make, reopen: Reopen, tmp_path: Path) -> None:
    session.lock()
    copy = copied(session.home, tmp_path / "yesterday")
    later = reopen()
    later.organizations.create("later")
    noted = code(later)
    later.lock()
    put_back(session.home, copy)
    opened = reopen()
    accepted = opened.accept_trail()
    assert opened.warnings == ()
    assert head_code(accepted.head) == code(opened)
    (told,) = opened.audit.page(limit=1)
    assert (told.event.action, told.event.reason) == ("trail.accept", noted)
    opened.organizations.create("from-here-on")
    opened.lock()
    again = reopen()
    assert again.warnings == ()
    assert again.audit.verify().bad is None


def test_a_restored_backup_is_what_is_noted(session: Session, make: Make, reopen: Reopen, tmp_path: Path) -> None:
    make("one")
    back_up(session, tmp_path / "backup")
    make("two")
    session.lock()
    copy = copied(session.home, tmp_path / "before")
    restore(session.home, tmp_path / "backup", PassphraseSource(PASSPHRASE), floor=CHEAP)
    opened = reopen()
    assert opened.warnings == ()
    opened.lock()
    put_back(session.home, copy)  # what was there before the restore is now the one that is not noted
    assert len(reopen().warnings) == 1


def test_two_homes_of_one_store_have_a_note_each(session: Session, make: Make, reopen: Reopen, tmp_path: Path) -> None:
    """As when a backup is tried elsewhere on the same machine."""
    make("one")
    back_up(session, tmp_path / "backup")
    make("two")
    session.lock()
    elsewhere = Home(tmp_path / "elsewhere")
    restore(elsewhere, tmp_path / "backup", PassphraseSource(PASSPHRASE), floor=CHEAP)
    other = Session.unlock(elsewhere, PASSPHRASE, floor=CHEAP)
    other.organizations.create("other")
    other.lock()
    assert reopen().warnings == ()


def test_sessions_side_by_side_do_not_alarm_each_other(session: Session, make: Make, reopen: Reopen) -> None:
    other = reopen()
    make("one")
    other.organizations.create("two")
    make("three")
    other.lock()
    session.lock()
    assert reopen().warnings == ()


@pytest.mark.parametrize("at", range(0, 300, 13))
def test_a_changed_note_is_told(session: Session, reopen: Reopen, at: int) -> None:
    session.lock()
    note = anchor_path(session.home, session.vault.store_id)
    raw = bytearray(note.read_bytes())
    raw[at % len(raw)] ^= 1
    note.write_bytes(raw)
    (warning,) = reopen().warnings
    assert str(note) in warning


def test_the_note_of_another_home_is_none_of_this_one(session: Session, reopen: Reopen, tmp_path: Path) -> None:
    other, _ = Session.create(Home(tmp_path / "other"), PASSPHRASE, costs=CHEAP, floor=CHEAP)
    other.lock()
    session.lock()
    note = anchor_path(other.home, other.vault.store_id).read_bytes()
    anchor_path(session.home, session.vault.store_id).write_bytes(note)
    assert "changed or damaged" in reopen().warnings[0]


def test_the_note_is_private_and_lies_outside_the_home(session: Session, make: Make) -> None:
    make("one")
    note = anchor_path(session.home, session.vault.store_id)
    assert note.is_relative_to(os.environ["JACKFIELD_STATE"])
    assert (note.stat().st_mode & 0o777, note.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert {file.name for file in note.parent.iterdir() if file.name.startswith(session.vault.store_id)} == {note.name}


def test_where_nothing_can_be_noted_work_goes_on_and_the_next_start_tells(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("file").touch()
    monkeypatch.setenv("JACKFIELD_STATE", str(tmp_path / "file"))
    session, _ = Session.create(home, PASSPHRASE, costs=CHEAP, floor=CHEAP)
    session.organizations.create("acme")
    session.lock()
    again = Session.unlock(home, PASSPHRASE, floor=CHEAP)
    assert "cannot be compared" in again.warnings[0]
    assert [one.name for one in again.organizations.page()] == ["acme"]
    again.lock()


def test_a_head_can_be_written_down_and_compared_later(session: Session, make: Make) -> None:
    make("one")
    written = code(session)
    make("two")
    assert session.audit.verify(expected=read_head_code(written.lower())).bad is None
    head = read_head_code(written)
    assert "not the one" in session.audit.verify(expected=Head(head.count + 1, head.mac)).reason
    assert "missing" in session.audit.verify(expected=Head(1000, head.mac)).reason


def test_every_mistyped_head_is_noticed() -> None:
    written = head_code(Head(412, bytes(range(32))))
    assert read_head_code(written) == Head(412, bytes(range(8)))
    for at, right in enumerate(written):
        for wrong in "0Z7":
            if right not in {"-", wrong}:
                with pytest.raises(InvalidField):
                    read_head_code(written[:at] + wrong + written[at + 1 :])
    for nonsense in ("", "-", "412", "412-", "x-0000-0000-0000-0000", "٤١٢-0000-0000-0000-0000"):
        with pytest.raises(InvalidField):
            read_head_code(nonsense)
