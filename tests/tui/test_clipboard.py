"""What is copied, by what, and how a secret leaves the clipboard again: with a stand-in for the tools on the PATH."""

import base64
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from jackfield.model.errors import Refused
from jackfield.model.secret import Secret
from jackfield.tui.clipboard import Clipboard, local_tool
from jackfield.tui.clipboard_keeper import digest_of

CANARY = "canary-9f1c of the clipboard"
# Keeps the clipboard in a file beside itself; `broken` beside it makes it fail, and the pipe `hung` makes it hang.
TOOL = """#!/bin/sh
here=$(dirname "$0")
[ -e "$here/broken" ] && exit 1
if [ -p "$here/hung" ]; then touch "$here/begun"; read -r _ < "$here/hung"; fi
case "$*" in
  *-out*|*--no-newline*) cat "$here/held" ;;
  *--clear*) : > "$here/held" ;;
  *) cat > "$here/new" && mv "$here/new" "$here/held" ;;
esac
"""


@dataclass
class Display:
    """A display with one clipboard, and what the terminal was sent."""

    folder: Path
    sent: list[str]

    @property
    def held(self) -> str:
        return (self.folder / "held").read_text()

    def hold(self, text: str) -> None:
        (self.folder / "held").write_text(text)

    def until(self, text: str) -> None:
        """Wait until the clipboard holds this."""
        end = time.monotonic() + 60
        while self.held != text:
            assert time.monotonic() < end, f"the clipboard holds {self.held!r}"
            select.select([], [], [], 0.02)


@pytest.fixture
def display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Display]:
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("xclip", "wl-copy", "wl-paste"):
        (folder / name).write_text(TOOL)
        (folder / name).chmod(0o755)
    (folder / "held").touch()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("DISPLAY", ":9")
    for name in ("WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    return Display(folder, [])


@pytest.fixture
def clipboard(display: Display) -> Iterator[Clipboard]:
    made = Clipboard(display.sent.append)
    yield made
    made.forget()
    made._wait_for_keeper()


def ended(clipboard: Clipboard) -> None:
    """Wait until the keeper has done what it had to."""
    assert clipboard._ending is not None
    clipboard._ending.wait(60)


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_at_a_display_a_secret_goes_through_its_tool_and_away_again(
    display: Display, clipboard: Clipboard, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """It is there, byte by byte; at `forget` the clipboard is empty; the terminal was sent nothing."""
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv(variable, "9")
    assert clipboard.copy(Secret(f"{CANARY}\nÜ\n")) == "Copied to the clipboard for 20 seconds."
    assert display.held == f"{CANARY}\nÜ\n"
    clipboard.forget()
    ended(clipboard)
    assert display.held == ""
    assert display.sent == []


def test_what_another_program_copied_meanwhile_stays(display: Display, clipboard: Clipboard) -> None:
    """Only what is still ours is taken away."""
    clipboard.copy(Secret(CANARY))
    display.hold("somebody else's")
    clipboard.forget()
    ended(clipboard)
    assert display.held == "somebody else's"


def test_what_is_no_secret_stays(display: Display, clipboard: Clipboard) -> None:
    """An id is copied for good, and the secret before it is watched no more."""
    clipboard.copy(Secret(CANARY))
    assert clipboard.copy("an id") == "Copied to the clipboard."
    clipboard.forget()
    assert display.held == "an id"


def test_it_leaves_by_itself(display: Display, clipboard: Clipboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its seconds, with nobody asking."""
    monkeypatch.setattr("jackfield.tui.clipboard.SECRET_SECONDS", 0.01)
    clipboard.copy(Secret(CANARY))
    display.until("")


COPY = """
import os, sys
from jackfield.model.secret import Secret
from jackfield.tui.clipboard import Clipboard
clipboard = Clipboard(lambda sequence: None, terminal=int(sys.argv[1]))
clipboard.copy(Secret(sys.stdin.readline().strip()))
print("copied", flush=True)
sys.stdin.read()
"""


def copying(terminal: int = 1) -> "subprocess.Popen[str]":
    """A process that has copied the secret and goes on."""
    running = subprocess.Popen(
        [sys.executable, "-c", COPY, str(terminal)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        pass_fds=[terminal] if terminal > 2 else (), start_new_session=True,
    )  # fmt: skip
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(f"{CANARY}\n")
    running.stdin.flush()
    assert running.stdout.readline() == "copied\n"
    return running


def test_a_killed_process_still_clears(display: Display) -> None:
    """SIGKILL for its whole process group: the keeper is none of it."""
    with copying() as running:
        assert display.held == CANARY
        os.killpg(running.pid, signal.SIGKILL)
        display.until("")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_shows_the_secret_in_its_words_or_variables(display: Display) -> None:
    """Neither the one that copied nor its keeper, while the secret is held."""
    with copying() as running:
        shown = b""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"PPid:\t{running.pid}\n" in (folder / "status").read_text() or folder.name == str(running.pid):
                    shown += (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except OSError:
                continue
        assert b"clipboard_keeper.py" in shown
        assert CANARY.encode() not in shown
        running.kill()
        display.until("")


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY"])
def test_over_ssh_the_terminal_is_asked_and_nothing_is_claimed(
    display: Display, clipboard: Clipboard, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A display that is forwarded is not used; what came of it is said to be unknown; it is emptied the same way."""
    monkeypatch.setenv(variable, "x")
    monkeypatch.setenv("TMUX", "/run/tmux,1,0")
    said = clipboard.copy(Secret(CANARY))
    assert said == "Sent to the terminal's clipboard for 20 seconds; whether it arrived cannot be confirmed."
    plain = f"\x1b]52;c;{base64.b64encode(CANARY.encode()).decode()}\x07"
    assert display.sent == [f"{plain}\x1bPtmux;\x1b{plain}\x1b\\"]
    clipboard.forget()
    ended(clipboard)
    assert display.sent[1:] == ["\x1b]52;c;\x07\x1bPtmux;\x1b\x1b]52;c;\x07\x1b\\"]
    assert display.held == ""


def test_a_process_killed_over_ssh_empties_the_terminals_clipboard(
    display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper writes the sequence to the terminal, which is all that can be done there."""
    monkeypatch.setenv("SSH_TTY", "x")
    out, terminal = os.pipe()
    with copying(terminal) as running:
        os.close(terminal)
        running.kill()
        with os.fdopen(out, "rb") as read:
            assert read.read() == b"\x1b]52;c;\x07"


def test_a_tool_that_fails_is_told(display: Display, clipboard: Clipboard) -> None:
    """Nothing is said to be copied."""
    (display.folder / "broken").touch()
    with pytest.raises(Refused, match="xclip could not copy this"):
        clipboard.copy(Secret(CANARY))


@pytest.fixture
def hung(display: Display, monkeypatch: pytest.MonkeyPatch) -> Path:
    """From now on the tool hangs until somebody writes into this pipe, and nothing ends it by time."""
    pipe = display.folder / "hung"
    os.mkfifo(pipe)
    monkeypatch.setattr("jackfield.tui.clipboard.TOOL_SECONDS", 600.0)
    return pipe


class _Copying:
    """A copy in a thread; it hangs when this is made."""

    def __init__(self, display: Display, clipboard: Clipboard, text: str | Secret) -> None:
        self.said: list[str] = []
        turn = clipboard.take_turn()
        self.thread = Thread(target=lambda: self.said.append(clipboard.copy(text, turn)), daemon=True)
        self.thread.start()
        end = time.monotonic() + 60
        while not (display.folder / "begun").exists():
            assert time.monotonic() < end, "the tool was not started"
            select.select([], [], [], 0.02)

    def end(self) -> list[str]:
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.said


def test_a_tool_that_hangs_is_given_up_at_forget(display: Display, clipboard: Clipboard, hung: Path) -> None:
    """Locking waits for nothing; the tool is ended, so that the secret cannot arrive afterwards."""
    copying_now = _Copying(display, clipboard, Secret(CANARY))
    tool = clipboard._tool
    assert tool is not None
    clipboard.forget()
    assert copying_now.end() == [""]
    assert tool.wait(60) == -signal.SIGKILL
    ended(clipboard)
    assert display.held == ""


def test_a_copy_takes_the_place_of_one_that_hangs(display: Display, clipboard: Clipboard, hung: Path) -> None:
    """The one before says nothing any more, and what is copied last is what is there."""
    before = _Copying(display, clipboard, Secret(CANARY))
    turn = clipboard.take_turn()
    hung.unlink()
    assert clipboard.copy("an id", turn) == "Copied to the clipboard."
    assert before.end() == [""]
    assert display.held == "an id"


def test_a_tool_that_goes_on_after_all_is_believed(display: Display, clipboard: Clipboard, hung: Path) -> None:
    """Its seconds count from when the secret was there."""
    slow = _Copying(display, clipboard, Secret(CANARY))
    with hung.open("w") as pipe:
        pipe.write("go on\n")
    assert slow.end() == ["Copied to the clipboard for 20 seconds."]
    assert display.held == CANARY
    hung.unlink()
    clipboard.forget()
    ended(clipboard)
    assert display.held == ""


def test_a_tool_that_cannot_be_started_is_told(
    display: Display, clipboard: Clipboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there when it was looked for."""
    monkeypatch.setattr("shutil.which", lambda name, **_: name)
    (display.folder / "xclip").write_text("no program")
    with pytest.raises(Refused, match="xclip could not copy this"):
        clipboard.copy(Secret(CANARY))
    ended(clipboard)


def test_without_a_tool_there_is_the_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A display whose tools are not installed has none."""
    assert local_tool({"DISPLAY": ":0", "PATH": str(tmp_path)}) is None
    assert local_tool({"PATH": os.environ["PATH"]}) is None or sys.platform == "darwin"


def test_the_digest_needs_its_key() -> None:
    """A short secret cannot be guessed from what the keeper is told without the key beside it."""
    assert digest_of(b"a", b"1234") != digest_of(b"b", b"1234")
