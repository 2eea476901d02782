"""The main job in the real program, by keys alone: from an empty folder to a connection that is tested and kept."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from support.servers.databases import Postgres
from support.servers.room import unique
from support.terminal import Terminal

PASSPHRASE = "canary tram lantern orbit"
PASSWORD = "canary-9f1c"


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


class Rotator(NamedTuple):
    """A role of a real server, in a database of its own, that may set the password of another role."""

    server: Postgres
    database: str
    role: str
    other: str


@contextmanager
def rotator(server: Postgres) -> Iterator[Rotator]:
    role, other = unique("rotator_"), unique("app_")
    server.execute(f"create role {other} login password 'x'")
    server.execute(f"create role {role} login createrole password '{PASSWORD}'")
    with server.database() as database:
        yield Rotator(server, database, role, other)
    server.execute(f"drop role {role}")
    server.execute(f"drop role {other}")


def run_program(home: Path, *options: str) -> Terminal:
    """The program on a folder that it may have to make."""
    return Terminal([sys.executable, "-m", "jackfield", "--home", str(home), *options])


def do_main_job(keys: Keys, rotator: Rotator, authority: Path) -> None:
    """Make a vault, an organization and a connection, which is tested and saved; `authority` is the server's CA."""
    _make_vault(keys)
    _make_organization(keys)
    _choose_and_allow(keys, rotator)
    _connect(keys, rotator, authority)


def _make_vault(keys: Keys) -> None:
    keys.terminal.wait_for("a recovery key, shown once", seconds=30)
    keys.type(PASSPHRASE)
    keys.press("tab")
    keys.type(PASSPHRASE, wait="Both are the same.")
    keys.press("enter", wait="Your recovery key")
    keys.type("written")
    keys.press("enter", wait="No organization yet")


def _make_organization(keys: Keys) -> None:
    keys.press("o", wait="n makes the first one")
    keys.press("n", wait="New organization")
    keys.type("acme")
    keys.press("enter")
    keys.press("enter", wait="all projects")
    keys.press("enter", wait="guided in four steps")


def _choose_and_allow(keys: Keys, rotator: Rotator) -> None:
    keys.press("n", wait="choose a provider")
    keys.type("postg", wait="show all")
    keys.press("enter", wait="What is it for?")
    keys.press("space", wait="Roles to rotate")
    keys.press("enter")
    keys.type(rotator.other, wait=f'GRANT "{rotator.other}"')
    keys.press("enter", wait="pg_reload_conf")


def _connect(keys: Keys, rotator: Rotator, authority: Path) -> None:
    server, database, role, other = rotator
    keys.press("enter", wait="User name")
    address = f"postgres://{role}:{PASSWORD}@{server.host}:{server.port}/{database}"
    keys.paste(address, wait="Filled from what was pasted")
    keys.press(*["tab"] * 7)
    keys.type(f"@{authority}", wait="↵ reads the file")
    keys.press("enter", wait="Read from")
    keys.press("down", "left", wait="(•) yes")
    keys.press(b"\x14", wait="✔ passed")
    keys.terminal.wait_for("reach", f"roles {other}", "2 of 2 held")
    keys.press(b"\x0e", wait="Description")
    keys.press(b"\x13", wait="✔ Saved")
    keys.press("enter", wait="1 connection")
