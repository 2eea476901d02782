"""Locking and leaving the real program take a copied secret away from the clipboard of the display."""

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from support.terminal import Terminal

# No screen copies a secret, so here the key for the help does.
PROGRAM = """
import sys
from pathlib import Path
from jackfield import tui
from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.tui.app import JackfieldApp
JackfieldApp.action_help = lambda app: app.copy(Secret("canary-9f1c"))
sys.exit(tui.run(Home(Path(sys.argv[1]))))
"""
HANGING = """#!/bin/sh
touch "{0}.begun"
read -r _ < "{0}"
"""
NEVER_BY_TIME = PROGRAM.replace(
    "import sys", "from jackfield.tui import clipboard\nclipboard.TOOL_SECONDS = 600\nimport sys"
)
XCLIP = '#!/bin/sh\ncase "$*" in *-out*) cat "{0}" ;; *) cat > "{0}.new" && mv "{0}.new" "{0}" ;; esac\n'


@pytest.mark.parametrize("key", [b"\x0c", b"\x11"], ids=["lock", "leave"])
def test_locking_and_leaving_take_a_secret_away(tmp_path: Path, key: bytes) -> None:
    """It is in the clipboard, never on the terminal, and gone before its 20 seconds are over."""
    held, tool = tmp_path / "held", tmp_path / "bin" / "xclip"
    tool.parent.mkdir()
    tool.write_text(XCLIP.format(held))
    tool.chmod(0o755)
    environ = {"PATH": f"{tool.parent}:/usr/bin:/bin", "DISPLAY": ":9"}
    environ |= dict.fromkeys(("WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"), "")
    with Terminal([sys.executable, "-c", PROGRAM, str(tmp_path / "home")], environ=environ) as terminal:
        terminal.wait_for("a recovery key, shown once", seconds=60)
        terminal.send(b"\x1bOP")
        terminal.wait_for("Copied to the clipboard for 20 seconds.")
        assert held.read_text() == "canary-9f1c"
        terminal.send(key)
        end = monotonic() + 15
        while held.read_text():
            assert monotonic() < end, "the clipboard still holds it"
            terminal.read(0.05) if not terminal.closed else select.select([], [], [], 0.05)
        assert b"canary" not in terminal.raw


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Terminal]:
    """The program at a display whose clipboard tool waits for the pipe `held`, with a copy under way."""
    held, tool = tmp_path / "held", tmp_path / "bin" / "xclip"
    tool.parent.mkdir()
    tool.write_text(HANGING.format(held))
    tool.chmod(0o755)
    os.mkfifo(held)
    environ = {"PATH": f"{tool.parent}:/usr/bin:/bin", "DISPLAY": ":9"}
    environ |= dict.fromkeys(("WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"), "")
    with Terminal([sys.executable, "-c", NEVER_BY_TIME, str(tmp_path / "home")], environ=environ) as terminal:
        terminal.wait_for("a recovery key, shown once", seconds=60)
        terminal.send(b"\x1bOP")
        end = monotonic() + 60
        while not (tmp_path / "held.begun").exists():
            assert monotonic() < end, "the tool was not started"
            terminal.read(0.05)
        yield terminal


def test_while_a_tool_hangs_the_interface_lives(hanging: Terminal, tmp_path: Path) -> None:
    """Typing is answered; nothing is said of the copy until the tool has done it."""
    hanging.send("three words long")
    hanging.wait_for("16 characters", seconds=60)
    assert "clipboard" not in hanging.text
    with (tmp_path / "held").open("w") as pipe:
        pipe.write("go on\n")
    hanging.wait_for("Copied to the clipboard for 20 seconds.", seconds=60)
    hanging.send(b"\x11")
    assert hanging.wait(60) == 0


def test_while_a_tool_hangs_the_program_can_be_left(hanging: Terminal) -> None:
    """It does not wait for the tool, which nothing would end."""
    hanging.send(b"\x11")
    assert hanging.wait(60) == 0
