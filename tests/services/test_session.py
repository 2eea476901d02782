"""Opening a home, having it open several times, and closing it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.model.errors import HomeError, LockedError, Refused, WrongPassphrase
from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.presence import Presence, ask_to_lock
from jackfield.services.session import Session

from .conftest import CHEAP, PASSPHRASE, Make


def test_what_was_saved_is_there_after_a_lock(session: Session, make: Make, reopen: Callable[[], Session]) -> None:
    made = make()
    session.lock()
    assert reopen().connections.get(made.id) == made


def test_a_wrong_passphrase_opens_nothing_and_leaves_no_mark(session: Session, home: Home) -> None:
    session.lock()
    with pytest.raises(WrongPassphrase):
        Session.unlock(home, Secret("another garden"), floor=CHEAP)
    assert not ask_to_lock(home.folder)


def test_locking_stops_what_runs_before_the_keys_go(session: Session) -> None:
    seen: list[bool] = []
    session.on_lock(lambda: seen.append(session.locked))
    session.lock()
    assert seen == [False]
    assert session.locked


def test_a_lock_is_complete_though_something_does_not_stop(session: Session) -> None:
    """The keys are dropped whatever fails on the way there."""

    def refuse() -> None:
        raise TimeoutError

    session.on_lock(refuse)
    with pytest.raises(TimeoutError):
        session.lock()
    assert session.vault.locked
    with pytest.raises(LockedError):
        session.connections.counts()


def test_a_second_lock_is_harmless(session: Session) -> None:
    session.lock()
    session.lock()
    with pytest.raises(LockedError):
        session.organizations.create("late")


def test_a_home_is_made_with_the_folders_above_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "share" / "deep" / "jackfield")
    session, _ = Session.create(home, PASSPHRASE, costs=CHEAP, floor=CHEAP)
    session.lock()
    assert home.has_vault()
    assert home.folder.stat().st_mode & 0o777 == 0o700


def test_an_empty_folder_is_made_private(tmp_path: Path) -> None:
    tmp_path.joinpath("open").mkdir()
    tmp_path.joinpath("open").chmod(0o755)
    Home(tmp_path / "open").prepare()
    assert tmp_path.joinpath("open").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_read_is_refused(tmp_path: Path) -> None:
    tmp_path.joinpath("open").mkdir()
    tmp_path.joinpath("open").chmod(0o755)
    tmp_path.joinpath("open", "file").touch()
    with pytest.raises(HomeError, match="Other users can reach"):
        Home(tmp_path / "open").prepare()


def test_a_home_below_a_file_is_refused_in_words(tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    with pytest.raises(HomeError, match="cannot be made or used"):
        Home(tmp_path / "file" / "home").prepare()


def test_several_may_have_a_home_open(session: Session, make: Make, reopen: Callable[[], Session]) -> None:
    other = reopen()
    made = make()
    assert other.connections.get(made.id).name == made.name


def test_nobody_else_may_be_there_while_keys_change(session: Session, reopen: Callable[[], Session]) -> None:
    other = reopen()
    with pytest.raises(Refused, match="Another Jackfield has this home open"), session.presence.alone():
        pytest.fail("it was not alone")
    other.lock()
    with session.presence.alone(), pytest.raises(Refused, match="changes keys here"):
        Presence(session.home.folder)


def test_every_open_session_hears_that_it_shall_lock(session: Session, reopen: Callable[[], Session]) -> None:
    other = reopen()
    assert not session.presence.lock_asked()
    assert ask_to_lock(session.home.folder)
    assert session.presence.lock_asked()
    assert other.presence.lock_asked()


def test_a_session_begun_after_the_request_is_not_meant(session: Session, reopen: Callable[[], Session]) -> None:
    ask_to_lock(session.home.folder)
    assert not reopen().presence.lock_asked()


def test_nobody_is_asked_to_lock_where_nothing_is_open(session: Session, home: Home, tmp_path: Path) -> None:
    session.lock()
    assert not ask_to_lock(home.folder)
    assert not ask_to_lock(tmp_path / "nowhere")
