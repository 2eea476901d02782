"""The real program on a home that others use too, and a terminal that goes away at the worst moment."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import FLOOR
from support.stage import PASSPHRASE
from support.terminal import Terminal

WAIT = 60.0


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A vault with the lowest real costs, held open by the test as by another process."""
    made, _ = Session.create(Home(tmp_path / "home"), PASSPHRASE, costs=FLOOR)
    yield made
    made.lock()


def _open(session: Session, *, columns: int = 80, lines: int = 24) -> Terminal:
    command = [sys.executable, "-m", "jackfield", "--home", str(session.home.folder)]
    terminal = Terminal(command, columns=columns, lines=lines)
    terminal.wait_for("The vault is locked.", seconds=WAIT)
    terminal.press(PASSPHRASE.reveal())
    terminal.send("enter")
    terminal.wait_for("connections", seconds=WAIT)
    return terminal


def test_two_at_once_on_one_home(session: Session) -> None:
    """Both work; who acts on what the other deleted is told, loses nothing else, and goes on."""
    session.organizations.create("acme")
    session.organizations.create("globex")
    with _open(session) as one, _open(session) as other:
        for terminal in (one, other):
            terminal.press("o")
            terminal.wait_for("globex")
            terminal.press("end")
        one.send("d")
        one.wait_for("Delete the organization globex?")
        one.send("y")
        other.press("r")
        other.wait_for("Organization globex")
        other.press("-2")
        other.send("enter")
        other.wait_for("There is no such organization.")
        other.press("escape")
        other.send("escape")
        other.wait_for("acme › all projects", seconds=WAIT)
        for terminal in (one, other):
            terminal.send(b"\x11")
            assert terminal.wait() == 0
    assert [one.name for one in session.organizations.page()] == ["acme"]
    assert not (session.home.folder / "crashes").exists()


def test_a_terminal_that_goes_away_in_the_middle_of_a_save(session: Session) -> None:
    """The save waits for another writer when the line drops: the program ends, and the store is whole."""
    terminal = _open(session)
    with terminal:
        terminal.press("o")
        terminal.wait_for("No organization yet: n makes")
        terminal.press("n")
        terminal.wait_for("New organization")
        terminal.press("acme")
        with session.store.write():
            terminal.press("enter")
            terminal.hang_up()
        assert terminal.wait(seconds=WAIT) == 129
    assert not (session.home.folder / "crashes").exists()
    assert [one.name for one in session.organizations.page()] in ([], ["acme"])
    session.organizations.create("globex")
    assert session.audit.verify().bad is None
    assert session.store.damage() == ()


def test_at_rest_the_list_writes_nothing(session: Session) -> None:
    """With the schedule running and a row highlighted, two silent seconds are silent."""
    session.organizations.create("acme")
    with _open(session) as terminal:
        terminal.wait_for("No connection here yet")
        terminal.settle(1.0)
        assert terminal.read(2.0) == b""
