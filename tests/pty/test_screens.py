"""Every screen of the real program on a real terminal: silent at rest, on every terminal, at every size, under tmux."""

import contextlib
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Final

import pytest

from jackfield.services.home import Home
from jackfield.vault.costs import FLOOR
from support.screens import LOCKED, NEW, Walk, begin, furnish, furnish_user
from support.terminal import Terminal

NOTICE_GONE: Final = 6.0  # seconds after which no notice is left to go away
AT_REST: Final = 10.0  # seconds in which nothing may come: the span that is promised
AT_ONCE: Final = 13  # programs that rest together
QUIET_DAYS: Final = (60, 50)  # ends that are far away, so that no notice comes and goes
TERMINALS: Final = {
    "xterm": {"TERM": "xterm", "COLORTERM": ""},
    "screen": {"TERM": "screen", "COLORTERM": ""},
    "console": {"TERM": "linux", "COLORTERM": ""},
    "dumb": {"TERM": "dumb", "COLORTERM": ""},
    "locale-C": {"LC_ALL": "C"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which no screen is empty, closed."""
    made = furnish(tmp_path_factory.mktemp("furnished"), costs=FLOOR, days=QUIET_DAYS)
    made.session.lock()
    return made.home


class Programs:
    """Starts programs that end with the test."""

    def __init__(self, stack: ExitStack, home: Home, folder: Path) -> None:
        self._stack = stack
        self._home = home
        self._folder = folder
        self._new = 0
        self._user = furnish_user(folder / "user")

    def command(self, start: str) -> list[str]:
        """The program at the furnished home, or at one that is not there yet."""
        self._new += 1
        folder = self._home.folder if start == LOCKED else self._folder / f"new-{self._new}"
        return [sys.executable, "-m", "jackfield", "--home", str(folder)]

    @property
    def environ(self) -> dict[str, str]:
        """Where the import finds something."""
        return {"HOME": str(self._user), "NETLIFY_AUTH_TOKEN": "canary-of-the-environment"}

    def start(
        self, start: str, environ: dict[str, str] | None = None, *, columns: int = 80, lines: int = 24
    ) -> Terminal:
        """One on a terminal of its own."""
        terminal = Terminal(self.command(start), columns=columns, lines=lines, environ=self.environ | (environ or {}))
        return self._stack.enter_context(terminal)


@pytest.fixture
def programs(home: Home, tmp_path: Path) -> Iterator[Programs]:
    with ExitStack() as stack:
        yield Programs(stack, home, tmp_path)
    assert not (home.folder / "crashes").exists()


def test_at_rest_no_screen_writes(programs: Programs) -> None:
    """In ten seconds without a key not a byte comes. Many programs stand on a screen each, and rest together."""
    inside = begin(LOCKED)[1:]
    share = -(-len(inside) // AT_ONCE)
    tours: list[tuple[str, Sequence[str]]] = [(NEW, (NEW,)), (NEW, begin(NEW)[1:]), (LOCKED, (LOCKED,))]
    tours += [(LOCKED, inside[first : first + share]) for first in range(0, len(inside), share)]
    started = [(programs.start(start), start, tour) for start, tour in tours]
    walks = [(Walk(terminal, start), tour) for terminal, start, tour in started]
    written = {}
    for turn in range(share):
        resting = [(walk, tour[turn]) for walk, tour in walks if turn < len(tour)]
        for walk, name in resting:
            walk.visit(name)
        for walk, _ in resting:
            walk.terminal.settle(0.5)
        resting[0][0].terminal.read(NOTICE_GONE)
        for walk, _ in resting:
            walk.terminal.settle(0.5)
        end = monotonic() + AT_REST
        written |= {name: walk.terminal.read(end - monotonic()) for walk, name in resting}
    assert written == dict.fromkeys([*begin(NEW), *begin(LOCKED)], b"")


@pytest.mark.parametrize("name", TERMINALS)
def test_every_terminal_shows_every_screen(programs: Programs, name: str) -> None:
    """Whatever TERM says; and only ASCII is written where the locale or the console has no more."""
    for start in (NEW, LOCKED):
        terminal = programs.start(start, TERMINALS[name])
        walk = Walk(terminal, start)
        for screen in begin(start):
            walk.visit(screen)
        terminal.send(b"\x11")
        assert terminal.wait(60) == 0
        assert b"Traceback" not in terminal.raw
        assert bytes(terminal.raw).isascii() is (name in ("console", "locale-C"))


def test_every_screen_follows_the_size_of_the_terminal(programs: Programs) -> None:
    """From 120×40 to 80×24, to 40×10 where a sentence stands instead, and back: what was there is there again."""
    for start in (NEW, LOCKED):
        walk = Walk(programs.start(start), start)
        for screen in begin(start):
            walk.visit(screen)
            walk.resize(120, 40)
            walk.resize(80, 24)
            walk.resize(40, 10, "Jackfield needs 60 columns")
            walk.resize(80, 24)
            walk.see()
            assert "Jackfield needs" not in walk.terminal.text


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    """The command for a server of its own."""
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    folder = tmp_path / "t"
    folder.mkdir()
    command = ["tmux", "-f", "/dev/null", "-S", str(folder / "s")]
    yield command
    subprocess.run([*command, "kill-server"], check=False, capture_output=True)


def test_tmux_is_left_and_come_back_to(programs: Programs, tmux: list[str]) -> None:
    """Detached and attached again, from a terminal of another size too: the screen is as it was, and keys go on.

    When the server is killed under it, the program ends without a fault.
    """
    session = [*tmux, "new-session", *programs.command(LOCKED)]
    with Terminal(session, environ=programs.environ) as first:
        walk = Walk(first, LOCKED)
        walk.visit("permissions")
        pid = int(_told(tmux, "#{pane_pid}"))
        subprocess.run([*tmux, "detach-client"], check=True)
        assert first.wait() == 0
    with Terminal([*tmux, "attach-session"], columns=120, lines=40) as second:
        second.wait_for("limited-site", "of 2 held", seconds=60)
        walk = Walk(second, "permissions")
        walk.visit("used-by")
        walk.visit("map")
        assert int(_told(tmux, "#{pane_pid}")) == pid
        subprocess.run([*tmux, "kill-server"], check=True)
        second.wait()
    _wait_until_gone(pid)


def _told(tmux: list[str], asked: str) -> str:
    return subprocess.run([*tmux, "display-message", "-p", asked], capture_output=True, text=True, check=True).stdout


def _wait_until_gone(pid: int) -> None:
    """Until that process has ended, by itself; not ours to wait for as a parent does."""
    with contextlib.suppress(ProcessLookupError):
        watched = os.pidfd_open(pid)
        try:
            assert select.select([watched], [], [], 60)[0], "it goes on running"
        finally:
            os.close(watched)
