"""The guided form in the real program on a real terminal, by keys alone."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.model.connection import State
from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.session import Session
from support.servers.databases import Postgres
from support.servers.room import unique
from support.terminal import Terminal

PASSPHRASE = "canary tram lantern orbit"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A vault with the organization acme."""
    home = Home(tmp_path / "home")
    session, _ = Session.create(home, Secret(PASSPHRASE), declined_recovery=True)
    session.organizations.create("acme")
    session.lock()
    return home


class Keys:
    """Types and counts: what is typed as a value is no key press of the job."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.pressed = 0

    def press(self, *keys: bytes | str, wait: str = "") -> None:
        """Press keys one after the other, and wait for what they bring."""
        for key in keys:
            self.pressed += 1
            self.terminal.press(key, quiet=0.05)
        if wait:
            self.terminal.wait_for(wait, seconds=30)

    def type(self, text: str, *, wait: str = "") -> None:
        """Type a value."""
        self.terminal.press(text, quiet=0.05)
        if wait:
            self.terminal.wait_for(wait)

    def paste(self, text: str, *, wait: str) -> None:
        """Paste a block, as terminals bracket it."""
        self.terminal.press(f"\x1b[200~{text}\x1b[201~", quiet=0.05)
        self.terminal.wait_for(wait)


def start(home: Home) -> Terminal:
    """The program at its locked screen."""
    terminal = Terminal([sys.executable, "-m", "jackfield", "--home", str(home.folder)])
    terminal.wait_for("The vault is locked.", seconds=30)
    return terminal


def unlock(terminal: Terminal) -> None:
    terminal.press(PASSPHRASE)
    terminal.send("enter")
    terminal.wait_for("Jackfield › ", "all actions", seconds=60)


@pytest.fixture
def rotator(postgres: Postgres) -> Iterator[tuple[Postgres, str, str, str]]:
    """A server with a role that may rotate another one: server, database, role, the other role."""
    role, other = unique("rotator_"), unique("app_")
    postgres.execute(f"create role {other} login password 'x'")
    postgres.execute(f"create role {role} login createrole password 'canary-9f1c'")
    with postgres.database() as database:
        yield postgres, database, role, other
    postgres.execute(f"drop role {role}")
    postgres.execute(f"drop role {other}")


def test_the_main_job_against_a_real_server(
    home: Home, rotator: tuple[Postgres, str, str, str], tmp_path: Path
) -> None:
    """From the list to a tested, saved connection; the secret is never on the screen, and nothing is written after."""
    server, database, role, other = rotator
    authority = tmp_path / "ca.pem"
    authority.write_text(server.ca_pem)
    with start(home) as terminal:
        unlock(terminal)
        keys = Keys(terminal)
        keys.press("n", wait="choose a provider")
        keys.press("/", wait="leave the filter")
        keys.type("postg", wait="Username and password")
        keys.press("enter", wait="What is it for?")
        keys.press("space", wait="Roles to rotate")
        keys.press("enter")
        keys.type(other, wait=f'GRANT "{other}"')
        keys.press("enter", wait="pg_reload_conf")
        keys.press("enter", wait="User name")
        keys.paste(
            f"postgres://{role}:canary-9f1c@{server.host}:{server.port}/{database}", wait="Filled from what was pasted"
        )
        keys.press(*["tab"] * 7)
        keys.type(f"@{authority}", wait="↵ reads the file")
        keys.press("enter", wait="Read from")
        keys.press("down", "left", wait="(•) yes")
        keys.press(b"\x14", wait="✔ passed")
        terminal.wait_for("reach", f"roles {other}", "2 of 2 held")
        keys.press(b"\x0e", wait="Description")
        keys.press(b"\x13", wait="✔ Saved")
        keys.press("enter", wait="1 connection")
        terminal.settle(0.5)
        assert terminal.read(2.0) == b""
        assert b"canary-9f1c" not in terminal.raw
        print(f"{keys.pressed} keys beyond the typed values, {len(terminal.raw):,} bytes written")
        assert keys.pressed <= 40
        terminal.send(b"\x11")
        assert terminal.wait() == 0
    session = Session.unlock(home, Secret(PASSPHRASE))
    made = session.connections.find(f"postgres-{other}".replace("_", "-"))
    assert made.state is State.PASSED
    session.lock()


@pytest.mark.parametrize("end", ["hang-up", "SIGKILL"])
def test_a_draft_outlives_the_program(home: Home, end: str) -> None:
    """The line drops, or the program is killed a moment after typing: the next start offers the form as it was."""
    with start(home) as terminal:
        unlock(terminal)
        keys = Keys(terminal)
        keys.press("n", wait="choose a provider")
        keys.press("/", wait="leave the filter")
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
