"""Completion in the shells themselves, by the Tab key."""

import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import FLOOR
from support.terminal import Terminal

SETUPS: Final = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(jackfield completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(jackfield completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "jackfield completion fish | source"),
}
WAIT: Final = 30.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A vault that holds the organization canary-corp."""
    made = Home(tmp_path / "home")
    session, _ = Session.create(made, Secret("a garden of seven gates"), costs=FLOOR)
    session.organizations.create("canary-corp")
    session.lock()
    return made


@pytest.mark.parametrize("shell", SETUPS)
def test_a_shell_completes(shell: str, home: Home, tmp_path: Path) -> None:
    """Commands, providers, the uses and methods of the named provider, options; of what is sealed, nothing."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}: install {shell}")
    program = tmp_path / "bin" / "jackfield"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m jackfield "$@"\n')
    program.chmod(0o755)
    environ = {
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "JACKFIELD_HOME": str(home.folder),
        "PS1": "> ",
    }
    command, setup = SETUPS[shell]
    with Terminal(command, columns=160, lines=40, environ=environ) as terminal:
        terminal.settle()
        terminal.press(f"{setup}; echo is-{shell}-ready\r")
        terminal.wait_for(f"\nis-{shell}-ready", seconds=WAIT)
        for begun, whole in (
            ("jackfield connection his", "jackfield connection history "),
            ("jackfield provider show netl", "jackfield provider show netlify "),
            ("jackfield provider snippet postgres --use secret-r", "--use secret-rotation/"),
            ("jackfield connection create postgres --method user", "--method username-and-password "),
            ("jackfield connection test --al", "jackfield connection test --all "),
        ):
            expect(terminal, begun, whole)
        expect(terminal, "jackfield connection show -o canary-c", "-o canary-c")
        assert b"canary-corp" not in terminal.raw
        assert b"Passphrase" not in terminal.raw


def expect(terminal: Terminal, begun: str, whole: str) -> None:
    """Type what was begun, press Tab, and wait for the whole with what is typed after it; then take the line back."""
    terminal.press(begun)
    terminal.press("tab")
    terminal.press("#X")
    terminal.wait_for(f"{whole}#X" if whole[-1] != "/" else whole, seconds=WAIT)
    terminal.send(b"\x15")
    terminal.settle()
