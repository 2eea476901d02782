"""The guided form in the real program on a real terminal, by keys alone."""

import os
import signal
import sys
from pathlib import Path

import pytest

from jackfield.model.connection import State
from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.session import Session
from support.main_job import PASSPHRASE, Keys, do_main_job, rotator, run_program
from support.servers.databases import Postgres
from support.terminal import Terminal


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A vault with the organization acme."""
    home = Home(tmp_path / "home")
    session, _ = Session.create(home, Secret(PASSPHRASE), declined_recovery=True)
    session.organizations.create("acme")
    session.lock()
    return home


def start(home: Home) -> Terminal:
    """The program at its locked screen."""
    terminal = Terminal([sys.executable, "-m", "jackfield", "--home", str(home.folder)])
    terminal.wait_for("The vault is locked.", seconds=30)
    return terminal


def unlock(terminal: Terminal) -> None:
    terminal.press(PASSPHRASE)
    terminal.send("enter")
    terminal.wait_for("Jackfield › ", "all actions", seconds=60)


def test_the_main_job_against_a_real_server(postgres: Postgres, tmp_path: Path) -> None:
    """From an empty folder to a tested, saved connection; no secret is on the screen, and nothing is written after."""
    authority, home = tmp_path / "ca.pem", Home(tmp_path / "home")
    authority.write_text(postgres.ca_pem)
    with rotator(postgres) as role, run_program(home.folder) as terminal:
        keys = Keys(terminal)
        do_main_job(keys, role, authority)
        terminal.settle(0.5)
        assert terminal.read(2.0) == b""
        assert b"canary" not in terminal.raw
        assert keys.pressed <= 40
        terminal.send(b"\x11")
        assert terminal.wait() == 0
    session = Session.unlock(home, Secret(PASSPHRASE))
    made = session.connections.find(f"postgres-{role.other}".replace("_", "-"))
    assert made.state is State.PASSED
    session.lock()


@pytest.mark.parametrize("end", ["hang-up", "SIGKILL"])
def test_a_draft_outlives_the_program(home: Home, end: str) -> None:
    """The line drops, or the program is killed a moment after typing: the next start offers the form as it was."""
    with start(home) as terminal:
        unlock(terminal)
        keys = Keys(terminal)
        keys.press("n", wait="choose a provider")
        keys.type("netlify", wait="Personal access token")
        keys.press("enter", wait="What is it for?")
        keys.press(b"\x0e", wait="Generate the token")
        keys.press(b"\x0e", wait="Access token")
        keys.type("canary-half-a-token", wait="19 characters")
        if end == "hang-up":
            terminal.hang_up()
            terminal.wait()
        else:
            wait_for_draft(home, terminal)
            os.kill(terminal.pid, signal.SIGKILL)
            assert terminal.wait() == -signal.SIGKILL
    assert not any(b"canary-half" in file.read_bytes() for file in home.folder.rglob("*") if file.is_file())
    with start(home) as terminal:
        unlock(terminal)
        terminal.wait_for("begun and not saved")
        keys = Keys(terminal)
        keys.press("n", wait="Begun")
        keys.press("enter", wait="What is it for?")
        keys.press(b"\x0e", wait="Generate the token")
        keys.press(b"\x0e", wait="19 characters")
        assert b"canary" not in terminal.raw


def wait_for_draft(home: Home, terminal: Terminal) -> None:
    """Until the program has sealed a draft. AssertionError when it never does."""
    session = Session.unlock(home, Secret(PASSPHRASE))
    for _ in range(400):
        if session.drafts.all():
            break
        terminal.read(0.05)
    assert session.drafts.all(), "no draft was kept"
    session.lock()
