"""From an empty folder to an open vault, and back in, on a real terminal."""

import sys
from pathlib import Path

from support.terminal import Terminal

PASSPHRASE = "canary tram lantern orbit"


def test_a_vault_is_made_left_and_opened_again(tmp_path: Path) -> None:
    """Make it, note the recovery key, leave; then a wrong passphrase is told and the right one opens."""
    home = tmp_path / "home"
    command = [sys.executable, "-m", "jackfield", "--home", str(home)]
    with Terminal(command) as terminal:
        terminal.wait_for("a recovery key, shown once")
        terminal.press(PASSPHRASE)
        terminal.press("tab")
        terminal.press(PASSPHRASE)
        terminal.wait_for("Both are the same.")
        terminal.send("enter")
        terminal.wait_for("Your recovery key", seconds=60)
        terminal.press("written")
        terminal.send("enter")
        terminal.wait_for("No organization yet")
        terminal.send(b"\x11")
        assert terminal.wait() == 0
        assert PASSPHRASE.encode() not in terminal.raw
    assert home.stat().st_mode & 0o777 == 0o700
    with Terminal(command) as terminal:
        terminal.wait_for("The vault is locked.")
        terminal.press("wrong passphrase")
        terminal.send("enter")
        terminal.wait_for("The passphrase is wrong.", seconds=60)
        terminal.press(PASSPHRASE)
        terminal.send("enter")
        terminal.wait_for("No organization yet", seconds=60)
        terminal.send(b"\x0c")
        terminal.wait_for("The vault is locked.")
