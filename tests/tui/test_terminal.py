"""The wall before the terminal, and the clipboard sequences that may pass it."""

import base64
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.model.errors import UsageError
from jackfield.tui.terminal import CLIPBOARD_LIMIT, Outlet, OwnSequence, clipboard_sequence, is_ascii_only

UTF8 = {"LC_ALL": "C.UTF-8"}


class _Pipe:
    """An outlet into a pipe, and what came out of it."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        self._read, self.write_end = os.pipe()
        self.lost = 0
        self.outlet = Outlet(self.write_end, ascii_only=ascii_only, gone=self._gone)

    def _gone(self) -> None:
        self.lost += 1

    def written(self, *texts: str) -> str:
        for text in texts:
            self.outlet.write(text)
            self.outlet.flush()
        os.close(self.write_end)
        with os.fdopen(self._read, "rb") as out:
            return out.read().decode()


@pytest.fixture
def pipe() -> _Pipe:
    return _Pipe()


@pytest.mark.parametrize(
    "introducer", ["\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x9d", "\x90", "\x9f", "\x9e", "\x98", "\x9b", "\x1bc"]
)
def test_an_introducer_that_is_not_ours_is_refused_and_counted(pipe: _Pipe, introducer: str) -> None:
    """Strings and resets do not pass, in 7 or 8 bits; what follows is harmless text."""
    assert pipe.written(f"a{introducer}52;c;AAAA\x07b") == "a52;c;AAAAb"
    assert pipe.outlet.refused == 2


def test_an_introducer_in_two_writes_is_refused(pipe: _Pipe) -> None:
    """An escape at the end of one write is judged with the next."""
    assert pipe.written("a\x1b", "]0;title", "\x1b", "[1mb") == "a0;title\x1b[1mb"


def test_drawing_passes_unchanged(pipe: _Pipe) -> None:
    """Text, colours, cursor moves and modes are what drawing needs."""
    drawing = "\x1b[?2026h\x1b[1;38;2;1;2;3mnaïve ✔ 日本\x1b[m\x1b[K\r\n\t\x1b[>25u\x1b[?2026l"
    assert pipe.written(drawing) == drawing
    assert pipe.outlet.refused == 0


def test_our_own_sequence_passes(pipe: _Pipe) -> None:
    """What this program made for the clipboard is written as it is."""
    own = clipboard_sequence("id", {})
    assert pipe.written("a", own, "b") == f"a{own}b"


@given(st.lists(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b[]P\\\x07\x9d\x90"))), max_size=6))
def test_no_text_can_open_a_string_or_raise(texts: list[str]) -> None:
    """Whatever is written, however it is cut, every escape that comes out begins a CSI sequence."""
    out = _Pipe().written(*texts)
    assert not re.search("\x1b(?!\\[)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]", out)


@given(st.text())
def test_an_ascii_terminal_gets_ascii(text: str) -> None:
    """Every character has a form there."""
    assert _Pipe(ascii_only=True).written(text).isascii()


def test_symbols_and_lines_have_an_ascii_form_of_their_width() -> None:
    """States, rules, arrows and wide letters keep the columns straight."""
    assert _Pipe(ascii_only=True).written("✔ ▲ ✖ ○ ─│ › … 日") == "+ ! x o -| > . ??"


def test_a_terminal_that_is_gone_is_told_once(pipe: _Pipe) -> None:
    """Writing to nobody raises nothing."""
    os.close(pipe._read)
    for _ in range(3):
        pipe.outlet.write("text")
        pipe.outlet.flush()
    assert pipe.lost == 1
    os.close(pipe.write_end)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "en_GB.UTF-8"}, False),
        ({"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, True),
        ({"LC_CTYPE": "C.utf8"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "en_GB.UTF-8", "TERM": "linux"}, True),
        ({}, True),
    ],
)
def test_ascii_is_chosen_by_the_locale_and_the_console(environ: dict[str, str], expected: bool) -> None:
    """The first of LC_ALL, LC_CTYPE and LANG that is set decides; the Linux console has no symbols."""
    assert is_ascii_only(environ) is expected


def test_a_copy_is_one_sequence_or_wrapped_for_a_multiplexer() -> None:
    """Plain OSC 52; in tmux also passed through with its escapes doubled; in screen wrapped."""
    payload = base64.b64encode(b"prod-secrets").decode()
    plain = f"\x1b]52;c;{payload}\x07"
    assert clipboard_sequence("prod-secrets", {}) == plain
    assert clipboard_sequence("prod-secrets", {"TMUX": "/run/tmux,1,0"}) == (
        f"{plain}\x1bPtmux;\x1b\x1b]52;c;{payload}\x07\x1b\\"
    )
    assert clipboard_sequence("prod-secrets", {"STY": "1.host"}) == f"\x1bP{plain}\x1b\\"


def test_a_copy_longer_than_terminals_take_is_refused() -> None:
    """The limit is in bytes of base64; nothing is cut in silence."""
    most = CLIPBOARD_LIMIT // 4 * 3
    assert isinstance(clipboard_sequence("x" * most, {}), OwnSequence)
    with pytest.raises(UsageError, match="too long"):
        clipboard_sequence("x" * (most + 1), {})
