"""Plain lines on a real terminal: for screen readers and scripts there is no full screen."""

import sys
from pathlib import Path

import pytest

from support.terminal import Terminal


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--plain"], 2, "jackfield connection list "),
        (["--plain", "--no-mouse"], 2, "In place of the full-screen interface"),
        (["--plain", "--help"], 0, "the full-screen interface"),
        (["--plain", "status"], 0, "jackfield init"),
        (["--plain", "connection", "list"], 4, "There is no vault"),
        (["--plain", "provider", "show", "netlify"], 0, "Netlify"),
        (["provider", "list"], 0, "netlify"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_plain_is_plain(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    """With or without a command not one escape is written, and what is written says where to go."""
    command = [sys.executable, "-m", "jackfield", "--home", str(tmp_path / "home"), *words]
    with Terminal(command, columns=200, lines=60) as terminal:
        assert terminal.wait(seconds=60) == code
        raw = bytes(terminal.raw)
        assert said.encode() in raw
        assert b"\x1b" not in raw
    assert not (tmp_path / "home").exists()
