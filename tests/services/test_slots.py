"""Changes of the ways in: the trail is told before the header is written, and how it ended after it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jackfield.model.errors import HomeError, JackfieldError, Refused
from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.rotation import rotate_root
from jackfield.services.session import Session
from jackfield.services.slots import add_slot, change_passphrase, remove_recovery, remove_slot
from jackfield.store import trail
from jackfield.vault.folder import HEADER_NAME, HeaderFolder
from jackfield.vault.slots import SlotKind
from jackfield.vault.sources import KeyFileSource, PassphraseSource

from .conftest import CHEAP, PASSPHRASE

SOURCE = PassphraseSource(PASSPHRASE, CHEAP)
ANOTHER = PassphraseSource(Secret("another long passphrase"), CHEAP)


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


def add(session: Session) -> object:
    return add_slot(session, ANOTHER)


def remove(session: Session) -> object:
    return remove_recovery(session)


def change(session: Session) -> object:
    return change_passphrase(session, SOURCE, ANOTHER.passphrase)


def reset(session: Session) -> object:
    return change_passphrase(session, None, ANOTHER.passphrase)


def rotate(session: Session) -> object:
    return rotate_root(session, SOURCE)


CHANGES = pytest.mark.parametrize(
    ("act", "action"),
    [
        (add, "key.add"),
        (remove, "key.remove"),
        (change, "key.passphrase"),
        (reset, "key.passphrase"),
        (rotate, "key.rotate"),
    ],
)


def header(session: Session) -> bytes:
    return session.home.folder.joinpath(HEADER_NAME).read_bytes()


def told(session: Session) -> list[tuple[str, str]]:
    """Action and outcome of the entries about keys, the oldest first."""
    return [(one.event.action, one.event.outcome) for one in reversed(session.audit.page())][1:]


@CHANGES
def test_a_change_is_noted_before_it_is_made_and_after(
    session: Session, act: Callable[[Session], object], action: str
) -> None:
    before = header(session)
    act(session)
    assert header(session) != before
    assert told(session) == [(action, "begun"), (action, "done")]


@CHANGES
def test_what_cannot_be_noted_is_not_done(
    session: Session, monkeypatch: pytest.MonkeyPatch, act: Callable[[Session], object], action: str
) -> None:
    def full(*_: object, **__: object) -> Any:
        raise HomeError("The disk is full: nothing was changed.")

    before = header(session)
    monkeypatch.setattr(trail, "append", full)
    with pytest.raises(HomeError, match="full"):
        act(session)
    assert header(session) == before


@CHANGES
def test_a_process_that_ends_before_the_header_is_written_leaves_what_was_begun(
    session: Session,
    reopen: Callable[[], Session],
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Session], object],
    action: str,
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    before = header(session)
    with monkeypatch.context() as patch:
        patch.setattr(HeaderFolder, "update", die)
        with pytest.raises(Killed):
            act(session)
    session.lock()
    again = reopen()
    assert header(again) == before
    assert told(again) == [(action, "begun")]
    assert again.audit.verify().bad is None


@CHANGES
def test_a_change_that_fails_says_so(
    session: Session, monkeypatch: pytest.MonkeyPatch, act: Callable[[Session], object], action: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise HomeError("The vault header cannot be written.")

    monkeypatch.setattr(HeaderFolder, "update", full)
    with pytest.raises(HomeError, match="header"):
        act(session)
    assert told(session) == [(action, "begun"), (action, "failed")]
    assert session.audit.page(limit=1)[0].event.reason == "HomeError"


def test_a_change_of_root_that_a_later_start_finished_is_told_by_it(
    session: Session, reopen: Callable[[], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(session.store), "rekey", die)
        with pytest.raises(Killed):
            rotate(session)
    session.lock()
    again = reopen()
    assert told(again) == [("key.rotate", "begun"), ("key.rotate", "done")]
    assert again.audit.page(limit=1)[0].event.reason == "finished later"


def test_the_last_way_in_is_refused_and_the_refusal_noted(home: Home) -> None:
    session, _ = Session.create(home, PASSPHRASE, declined_recovery=True, costs=CHEAP, floor=CHEAP)
    (slot,) = session.vault.list_slots()
    with pytest.raises(Refused):
        remove_slot(session, slot.id)
    assert told(session) == [("key.remove", "begun"), ("key.remove", "failed")]
    session.lock()


def test_an_entry_names_the_slot_it_is_about(session: Session, tmp_path: Path) -> None:
    made = add_slot(session, KeyFileSource(tmp_path / "key"))
    remove_slot(session, made.id)
    entries = session.audit.page(about=made.id)
    assert [(one.event.action, one.event.object_name) for one in entries] == [
        ("key.remove", SlotKind.KEY_FILE),
        ("key.remove", SlotKind.KEY_FILE),
        ("key.add", SlotKind.KEY_FILE),
        ("key.add", SlotKind.KEY_FILE),
    ]


def test_a_wrong_passphrase_changes_nothing(session: Session) -> None:
    before = header(session)
    with pytest.raises(JackfieldError):
        change_passphrase(session, ANOTHER, Secret("a third long passphrase"))
    assert header(session) == before
