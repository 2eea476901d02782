"""Locking and leaving the real program take a copied secret away from the clipboard of the display."""

import select
import sys
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
