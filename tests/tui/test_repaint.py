"""Sending changed cells alone: the same screen, in fewer bytes."""

import os
import re

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.tui.repaint import ChangedCells
from jackfield.tui.terminal import Outlet, OwnSequence

WIDTH, HEIGHT = 24, 5
STYLES = ("\x1b[m", "\x1b[0;1m", "\x1b[31m", "\x1b[0;44m", "\x1b[0;38;2;1;2;3;48;2;9;8;7m", "\x1b[7m", "\x1b[0;4;32m")


class _Seen:
    """A terminal, and how each of its cells looks."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self.screen)
        self.feed("\x1b[?7l")

    def feed(self, text: str) -> None:
        self._stream.feed(text)

    def cells(self) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for y in range(HEIGHT):
            for x in range(WIDTH):
                cell = self.screen.buffer[y][x]
                bare = cell.data == " " and not (cell.reverse or cell.underscore)
                ink = ("", False) if bare else (cell.fg, cell.bold)
                found.append((cell.data, cell.bg, cell.reverse, cell.underscore, *ink))
        return found


def _drawing(pieces: list[tuple[int, int, str, str]]) -> str:
    """Pieces of a drawing as Textual writes them: a move, colours, text that stays in its line, a line's end."""
    ends = ("\n" if y + 1 < HEIGHT else "" for y, *_ in pieces)  # the last line must not scroll
    drawn = (f"\x1b[{y + 1};{x + 1}H{style}{text[: WIDTH - x]}\x1b[0m" for y, x, style, text in pieces)
    return "".join(map("".join, zip(drawn, ends, strict=True)))


PIECES = st.lists(
    st.tuples(
        st.integers(0, HEIGHT - 1),
        st.integers(0, WIDTH - 1),
        st.sampled_from(STYLES),
        st.text(st.sampled_from("ab ✔│    "), min_size=1, max_size=WIDTH),
    ),
    max_size=8,
)


@given(st.lists(PIECES, max_size=5))
def test_the_screen_is_the_one_that_was_drawn(frames: list[list[tuple[int, int, str, str]]]) -> None:
    """Whatever is drawn over whatever, each flush brings the terminal to where the whole drawing would."""
    whole, spared, changed = _Seen(), _Seen(), ChangedCells()
    for frame in frames:
        drawing = _drawing(frame)
        whole.feed(drawing)
        changed.take(drawing)
        spared.feed(changed.drawn())
        assert spared.cells() == whole.cells()


def test_what_is_there_already_costs_nothing() -> None:
    """The same screen again is no byte, and one letter is one letter with the way to it."""
    changed = ChangedCells()
    screen = _drawing([(y, 0, "\x1b[31m", "passed".ljust(WIDTH)) for y in range(HEIGHT)])
    changed.take(screen)
    assert changed.drawn()
    changed.take(f"\x1b[?2026h{screen}\x1b[?2026l")
    assert changed.drawn() == ""
    changed.take(screen.replace("passed", "pissed", 1))
    assert re.fullmatch("\x1b\\[1;2H(\x1b\\[[0-9;]*m)?i", changed.drawn())


def test_frames_that_wait_become_one() -> None:
    """What was drawn and drawn over before the line was free is never sent."""
    changed = ChangedCells()
    for word in ("first", "other", "final"):
        changed.take(_drawing([(0, 0, "", word)]))
    sent = changed.drawn()
    assert sent.count("final") == 1
    assert "first" not in sent
    assert "other" not in sent


def test_the_rest_of_a_line_is_erased() -> None:
    """A row of blanks is one sequence, and with a colour of its own it is drawn."""
    changed = ChangedCells()
    changed.take(_drawing([(0, 0, "", "x" * WIDTH)]))
    changed.drawn()
    changed.take(_drawing([(0, 3, "", " " * (WIDTH - 3))]))
    assert changed.drawn().endswith("\x1b[K")
    changed.take(_drawing([(0, 3, "\x1b[44m", " " * (WIDTH - 3))]))
    assert " " * (WIDTH - 3) in changed.drawn()


def test_wide_letters_take_two_cells_and_go_together() -> None:
    """Overwritten by half they are gone, and what stands behind them stays in its place."""
    whole, changed = _Seen(), ChangedCells()
    changed.take(_drawing([(0, 0, "", "日本 e\u0301nd")]))
    whole.feed(changed.drawn())
    assert whole.screen.display[0].startswith("日本 \u00e9nd")
    changed.take(_drawing([(0, 1, "", "x")]))
    whole.feed(changed.drawn())
    assert whole.screen.display[0].startswith(" x本 \u00e9nd")


def test_other_sequences_keep_their_place_and_another_screen_is_drawn_whole() -> None:
    """Modes come between what was drawn before and after; the alternate screen begins unknown."""
    changed = ChangedCells()
    changed.take(f"\x1b[?25l{_drawing([(0, 0, '', 'one')])}\x1b[?1003l")
    assert re.fullmatch("\x1b\\[\\?25l.*one\x1b\\[\\?1003l", changed.drawn(), re.DOTALL)
    changed.take(_drawing([(0, 0, "", "one")]))
    assert changed.drawn() == ""
    changed.take(f"\x1b[?1049h{_drawing([(0, 0, '', 'one')])}")
    assert "one" in changed.drawn()
    changed.forget()
    changed.take(_drawing([(0, 0, "", "one")]))
    assert "one" in changed.drawn()


@pytest.mark.parametrize("ascii_only", [False, True])
def test_an_outlet_may_change_between_both(ascii_only: bool) -> None:
    """Nothing is lost on the way there or back, and the wall stays where it is."""
    read, write = os.pipe()
    outlet = Outlet(write, ascii_only=ascii_only, gone=lambda: None)
    seen = _Seen()
    for sparing in (False, True, True, False, True):
        outlet.sparing = sparing
        outlet.repaint()
        for piece in (_drawing([(1, 2, STYLES[3], "✔ one\x1b]0;t\x07"), (2, 0, "", "two")]), OwnSequence("\x1b[6n")):
            outlet.write(piece)
        outlet.flush()
        sent = os.read(read, 1 << 16)
        assert sent.isascii() or not ascii_only
        assert sent.endswith(b"\x1b[6n")
        seen.feed(sent.decode())
    assert seen.screen.display[1:3] == [f"  {'+' if ascii_only else '✔'} one0;t".ljust(WIDTH), "two".ljust(WIDTH)]
    assert outlet.refused == 5 * 2
    os.close(read)
    os.close(write)
