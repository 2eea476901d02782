"""The real program on a real pseudo-terminal: what it writes, what it refuses, and how it ends."""

import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from support.terminal import Terminal

MOUSE: Final = re.compile(rb"\x1b\[\?(?:1000|1002|1003|1005|1006|1015|1016)[hl]")
STRINGS: Final = re.compile(rb"\x1b[\]PX^_]|[\x90\x98\x9b\x9d\x9e\x9f](?![\x80-\xbf])")
LOCKED: Final = "a recovery key, shown once"

Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def begin(*options: str, environ: Mapping[str, str] | None = None, columns: int = 80, lines: int = 24) -> Terminal:
        command = [sys.executable, "-m", "jackfield", "--home", str(tmp_path / "home"), *options]
        return Terminal(command, environ=environ, columns=columns, lines=lines)

    return begin


def test_at_rest_nothing_is_written(start: Start) -> None:
    """With a focused field on the screen, two silent seconds are silent: no blink, no clock."""
    with start() as terminal:
        terminal.wait_for(LOCKED, "OS keyring")  # what is looked for beside the interface comes last
        terminal.settle(0.5)
        assert terminal.read(2.0) == b""


def test_only_drawing_is_written(start: Start) -> None:
    """No OSC, DCS, APC, PM or SOS from the first byte to the last."""
    with start() as terminal:
        terminal.wait_for(LOCKED)
        for key in ("passphrase", "enter", "f1", "escape", "\x12"):
            terminal.press(key)
        terminal.send(b"\x11")
        assert terminal.wait() == 0
        assert not STRINGS.search(bytes(terminal.raw).decode("utf-8").encode("latin-1", "ignore"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads the limits in /proc, which only Linux has")
def test_it_leaves_no_core_dump(start: Start) -> None:
    """The limit is none before a key is typed."""
    with start() as terminal:
        terminal.wait_for(LOCKED)
        limits = Path(f"/proc/{terminal.pid}/limits").read_text(encoding="ascii")
        assert re.search(r"Max core file size +0 +0 ", limits)


def test_without_the_mouse_no_mouse_mode_is_sent(start: Start) -> None:
    """With --no-mouse the terminal keeps its mouse; otherwise it is asked for."""
    for options, wanted in (((), True), (("--no-mouse",), False)):
        with start(*options) as terminal:
            terminal.wait_for(LOCKED)
            terminal.send(b"\x11")
            assert terminal.wait() == 0
            assert bool(MOUSE.search(bytes(terminal.raw))) is wanted


@pytest.mark.parametrize("end", ["hang-up", "SIGHUP", "SIGTERM"])
def test_a_lost_terminal_ends_the_program_quietly(start: Start, end: str, tmp_path: Path) -> None:
    """Closed from the other end or told by a signal: it leaves with its own code, and writes no fault down."""
    with start() as terminal:
        terminal.wait_for(LOCKED)
        terminal.send("secret")
        terminal.settle()
        if end == "hang-up":
            terminal.hang_up()
        else:
            os.kill(terminal.pid, getattr(signal, end))
        assert terminal.wait() == 129
        assert b"Traceback" not in terminal.raw
    assert not (tmp_path / "home" / "crashes").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads the state of a process in /proc, which only Linux has")
def test_stopped_and_continued_it_leaves_the_terminal_and_comes_back(start: Start, tmp_path: Path) -> None:
    """SIGTSTP gives the terminal back before it stops; SIGCONT takes it again, with what was typed."""
    with start() as terminal:
        terminal.wait_for(LOCKED)
        terminal.press("canary")
        terminal.wait_for("6 characters")
        os.kill(terminal.pid, signal.SIGTSTP)
        stat = Path(f"/proc/{terminal.pid}/stat")
        for _ in range(600):
            if stat.read_text().rpartition(")")[2].split()[0] == "T":
                break
            terminal.read(0.1)
        else:
            raise AssertionError("it does not stop")
        terminal.settle()
        raw = bytes(terminal.raw)
        assert raw.rfind(b"\x1b[?1049l") > raw.rfind(b"\x1b[?1049h")
        assert b"canary" not in raw
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.settle(1.0)
        terminal.press("x")
        terminal.wait_for("7 characters")
        terminal.send(b"\x11")
        assert terminal.wait() == 0
    assert not (tmp_path / "home" / "crashes").exists()


def test_variables_of_the_framework_have_no_effect(start: Start, tmp_path: Path) -> None:
    """No log, no screenshot, no typed keys, no other driver, whatever the environment asks for."""
    asked = {
        "TEXTUAL_LOG": str(tmp_path / "log"),
        "TEXTUAL_SCREENSHOT": "0",
        "TEXTUAL_SCREENSHOT_LOCATION": str(tmp_path),
        "TEXTUAL_PRESS": "ctrl+q",
        "TEXTUAL_DRIVER": "nowhere:Nothing",
        "TEXTUAL": "devtools,debug",
        "TEXTUAL_ANIMATIONS": "full",
    }
    with start(environ=asked) as terminal:
        terminal.wait_for(LOCKED)
        terminal.settle()
        assert not terminal.closed
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == []


@pytest.mark.parametrize(
    "environ",
    [{"LC_ALL": "C"}, {"LC_ALL": "en_US.ISO-8859-1"}, {"TERM": "linux"}],
    ids=["C", "latin-1", "console"],
)
def test_where_symbols_cannot_be_shown_only_ascii_is_written(start: Start, environ: dict[str, str]) -> None:
    """Not one byte above ASCII, and the masked field is still masked."""
    with start(environ=environ) as terminal:
        terminal.wait_for(LOCKED)
        terminal.press("abc")
        terminal.wait_for("***")
        assert bytes(terminal.raw).isascii()


@pytest.mark.parametrize("term", ["xterm", "screen", "tmux-256color", "linux", "dumb", "vt100"])
def test_it_starts_on_every_terminal(start: Start, term: str) -> None:
    """The first screen appears whatever TERM says."""
    with start(environ={"TERM": term, "COLORTERM": ""}) as terminal:
        terminal.wait_for(LOCKED)


def test_without_colour_no_colour_is_written(start: Start) -> None:
    """NO_COLOR leaves bold and reverse; the terminal's own colours are the only ones."""
    with start(environ={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(LOCKED)
        codes = re.findall(rb"\x1b\[([0-9;]+)m", bytes(terminal.raw))
        parts = {part for code in codes for part in code.split(b";")}
        assert parts
        assert not parts & {*(b"%d" % number for number in (*range(30, 39), *range(40, 49), *range(90, 108)))}


def test_a_pasted_block_arrives_whole(start: Start) -> None:
    """Four lines in one bracketed paste are four lines, counted, and not one is on the screen."""
    block = "\r".join(("BEGIN", "canary-one", "canary-two", "END"))
    with start() as terminal:
        terminal.wait_for(LOCKED)
        terminal.press(f"\x1b[200~{block}\x1b[201~".encode())
        terminal.wait_for("4 lines, 31 characters")
        assert b"canary" not in terminal.raw


def test_the_alternate_screen_is_left_and_the_modes_are_undone(start: Start) -> None:
    """After leaving, the cursor is shown, and mouse, paste and focus reports are off."""
    with start() as terminal:
        terminal.wait_for(LOCKED)
        terminal.send(b"\x11")
        assert terminal.wait() == 0
        raw = bytes(terminal.raw)
        for mode in (b"1049", b"1004", b"2004", b"1000", b"1003", b"1006"):
            assert raw.rfind(b"\x1b[?" + mode + b"l") > raw.rfind(b"\x1b[?" + mode + b"h"), mode
        assert raw.rfind(b"\x1b[?25h") > raw.rfind(b"\x1b[?25l")


def test_a_small_terminal_gets_a_message(start: Start) -> None:
    """Forty columns by ten lines: a sentence instead of a broken screen, and back when it grows."""
    with start(columns=40, lines=10) as terminal:
        terminal.wait_for("Jackfield needs 60 columns")
        terminal.resize(80, 24)
        terminal.wait_for(LOCKED)


def test_a_broken_key_map_is_told_before_the_screen_opens(start: Start, tmp_path: Path) -> None:
    """The reason on one line, exit code 2, no alternate screen."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "keys.yaml").write_text("app.lock: ctrl+m\n")
    with start() as terminal:
        assert terminal.wait() == 2
        assert "keys.yaml: app.lock cannot have ctrl+m" in terminal.text.replace("\n", " ")
        assert b"\x1b[?1049h" not in terminal.raw


def test_a_fault_is_one_line_without_values(tmp_path: Path) -> None:
    """A handler that raises ends the program with an id and no traceback, message or local."""
    program = (
        "import sys; from pathlib import Path; from jackfield.services.home import Home\n"
        "from jackfield import tui; from jackfield.tui import app\n"
        "def fall(self):\n"
        "    canary = 'canary-' + '31337'\n"
        "    raise ValueError(canary)\n"
        "app.JackfieldApp.action_help = fall\n"
        "sys.exit(tui.run(Home(Path(sys.argv[1]))))\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    with Terminal([sys.executable, "-c", program, str(home)], columns=120) as terminal:
        terminal.wait_for(LOCKED)
        terminal.send(b"\x1bOP")
        assert terminal.wait() == 1
        last = bytes(terminal.raw).rpartition(b"\x1b[?1004l")[2]
        assert last.count(b"\n") == 1
        assert re.search(rb"a fault of its own \([0-9a-f]{8}\)", last)
        assert b"31337" not in terminal.raw
        assert b"Traceback" not in terminal.raw
    assert "31337" not in "".join(path.read_text() for path in (home / "crashes").iterdir())
