"""The line to the terminal: measured on a real pseudo-terminal whose answers come late, or never."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from jackfield.services.link import SLOW_MS, Link, keep_link, kept_link
from support.terminal import Terminal

WAIT = 60.0
QUESTION = b"\x1b[6n"
DIRECT_COLOUR = b"38;2;"
LOCKED = "a recovery key, shown once"


class LateTerminal(Terminal):
    """Answers so many seconds after it was asked; None: never."""

    late: float | None = 2 * SLOW_MS / 1000

    def __init__(self, *given: Any, **more: Any) -> None:
        self._due: list[tuple[float, bytes]] = []
        super().__init__(*given, **more)

    def answer(self, answer: bytes) -> None:
        if self.late is not None:
            self._due.append((monotonic() + self.late, answer))

    def read(self, seconds: float) -> bytes:
        """Read as any terminal, and send the answers whose time has come."""
        end = monotonic() + seconds
        while True:
            while self._due and self._due[0][0] <= monotonic():
                self.send(self._due.pop(0)[1])
            until = min([end, *(due for due, _ in self._due)])
            if (data := super().read(until - monotonic())) or self.closed or monotonic() >= end:
                return data


class MuteTerminal(LateTerminal):
    late = None


Start = Callable[..., Terminal]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def start(home: Path) -> Start:
    def begin(kind: type[Terminal], *options: str, **environ: str) -> Terminal:
        command = [sys.executable, "-m", "jackfield", "--home", str(home), *options]
        return kind(command, columns=80, lines=24, environ=environ)

    return begin


def _help_and_back(terminal: Terminal) -> bytes:
    """What is written for the help, and for the screen that comes back."""
    before = len(terminal.raw)
    terminal.send(b"\x1bOP")
    terminal.wait_for("Everywhere", seconds=WAIT)
    terminal.send("escape")
    terminal.wait_for(LOCKED, seconds=WAIT)
    terminal.settle(0.5)
    return bytes(terminal.raw[before:])


def test_a_slow_line_is_noticed_told_and_can_be_undone(start: Start, home: Path) -> None:
    """Three late answers: less is drawn from then on, a notice says so, and f12 brings everything back for good."""
    with start(LateTerminal) as terminal:
        terminal.wait_for("The line to the terminal is slow (", "f12 changes that", seconds=WAIT)
        assert terminal.raw.count(QUESTION) == 3
        assert DIRECT_COLOUR not in _help_and_back(terminal)
        terminal.press(b"\x1b[24~")
        terminal.wait_for("Measure it at the start", "It is fast", seconds=WAIT)
        terminal.press("fast")
        before, end = len(terminal.raw), monotonic() + WAIT
        terminal.send("enter")
        while DIRECT_COLOUR not in terminal.raw[before:]:
            assert monotonic() < end, terminal.text
            terminal.read(0.1)
        assert DIRECT_COLOUR in _help_and_back(terminal)
        assert kept_link(home) is Link.FAST
    with start(LateTerminal) as terminal:
        terminal.wait_for(LOCKED, seconds=WAIT)
        assert DIRECT_COLOUR in _help_and_back(terminal)
        assert QUESTION not in terminal.raw


def test_late_answers_disturb_nothing_that_is_typed(start: Start) -> None:
    """They come in the middle of a passphrase, and not a character of them is in the field."""
    with start(LateTerminal) as terminal:
        terminal.wait_for(LOCKED, seconds=WAIT)
        for letter in "a garden of seven gates":
            terminal.send(letter)
            terminal.read(0.1)
        terminal.wait_for("The line to the terminal is slow (", seconds=WAIT)
        terminal.wait_for("23 characters", seconds=WAIT)
        terminal.send(b"\x11")
        assert terminal.wait(WAIT) == 0


def test_a_terminal_that_never_answers_is_asked_once(start: Start) -> None:
    """Everything works as on a fast line, and at rest nothing is written."""
    with start(MuteTerminal) as terminal:
        terminal.wait_for(LOCKED, "OS keyring", seconds=WAIT)
        terminal.press("three words long")
        terminal.wait_for("16 characters", seconds=WAIT)
        terminal.settle(0.5)
        assert terminal.read(2.0) == b""
        assert terminal.raw.count(QUESTION) == 1
        assert DIRECT_COLOUR in _help_and_back(terminal)
        assert "line to the terminal" not in terminal.text
        terminal.send(b"\x11")
        assert terminal.wait(WAIT) == 0


@pytest.mark.parametrize(
    ("option", "kept", "less"),
    [("--slow-link", Link.FAST, True), ("--no-slow-link", Link.SLOW, False), ("", Link.SLOW, True)],
)
def test_what_is_said_is_not_measured(start: Start, home: Path, option: str, kept: Link, less: bool) -> None:
    """An option holds for one time and before what is kept; neither asks the terminal, nor changes the other."""
    keep_link(home, kept)
    with start(LateTerminal, *([option] if option else [])) as terminal:
        terminal.wait_for(LOCKED, seconds=WAIT)
        assert (DIRECT_COLOUR in _help_and_back(terminal)) is not less
        assert QUESTION not in terminal.raw
        assert "is slow (" not in terminal.text
    assert kept_link(home) is kept


def test_both_options_at_once_are_refused(start: Start) -> None:
    with start(Terminal, "--slow-link", "--no-slow-link") as terminal:
        assert terminal.wait(WAIT) == 2
        assert "Leave one of the two options out." in terminal.text.replace("\n", "")


def test_over_a_slow_line_the_screen_is_the_same_in_far_fewer_bytes(start: Start) -> None:
    """Help and back: the same text, in less than a third of the bytes; resized, it is whole."""
    shown, written = {}, {}
    for option in ("--slow-link", "--no-slow-link"):
        with start(Terminal, option) as terminal:
            terminal.wait_for(LOCKED, "OS keyring", seconds=WAIT)
            terminal.settle(0.5)
            before = len(terminal.raw)
            _help_and_back(terminal)
            written[option] = len(terminal.raw) - before
            terminal.resize(100, 30)
            terminal.read(WAIT)
            terminal.wait_for(LOCKED, "try the demo instead", seconds=WAIT)
            terminal.settle(1.0)
            shown[option] = terminal.text
            assert terminal.read(2.0) == b""
    assert shown["--slow-link"] == shown["--no-slow-link"]
    assert LOCKED in shown["--slow-link"]
    assert written["--slow-link"] * 3 < written["--no-slow-link"]


def test_without_colour_it_stays_without(start: Start) -> None:
    """NO_COLOR and a slow line at once: no colour is written, and the screen is there."""
    with start(Terminal, "--slow-link", NO_COLOR="1") as terminal:
        terminal.wait_for(LOCKED, "OS keyring", seconds=WAIT)
        codes = re.findall(rb"\x1b\[([0-9;]+)m", _help_and_back(terminal))
        parts = {int(part) for code in codes for part in code.split(b";") if part}
        assert 1 in parts
        assert not parts & {*range(30, 39), *range(40, 49), *range(90, 108)}
