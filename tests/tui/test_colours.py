"""Fewer bytes, the same picture."""

import pyte
from hypothesis import given
from hypothesis import strategies as st
from pyte.screens import Char

from jackfield.tui.colours import ColourChanges

_codes = st.sampled_from(
    ["0", "1", "3", "7", "31", "97", "42", "100", "39", "49", "38;2;1;2;3", "48;2;9;8;7", "38;5;200", "48;5;17", ""]
)
_pieces = st.one_of(
    st.lists(_codes, min_size=1, max_size=3).map(lambda codes: f"\x1b[{';'.join(codes)}m"),
    st.text(alphabet="ab ", min_size=1, max_size=4),
    st.sampled_from(["\r\n", "\x1b[2;3H", "\x1b[?25l"]),
)


def _picture(text: str) -> list[list[object]]:
    """What is seen: a blank without a line through it or under it, and not reversed, shows no ink."""
    screen = pyte.Screen(20, 6)
    pyte.Stream(screen).feed(text)
    return [[_seen(screen.buffer[y][x]) for x in range(20)] for y in range(6)]


def _seen(cell: Char) -> Char:
    inkless = cell.data == " " and not (cell.reverse or cell.underscore or cell.strikethrough)
    return cell._replace(fg="default") if inkless else cell


@given(st.lists(st.lists(_pieces, max_size=12).map("".join), max_size=4))
def test_the_picture_is_the_same(writes: list[str]) -> None:
    """Every cell has the same character, colours and attributes, however the stream is cut."""
    changes = ColourChanges()
    assert _picture("".join(map(changes.slim, writes))) == _picture("".join(writes))


def test_only_what_differs_is_sent() -> None:
    """A new ink on the same ground is one colour; the end of a style waits for the next text."""
    changes = ColourChanges()
    drawn = "\x1b[38;2;1;1;1;48;2;2;2;2ma\x1b[0m\x1b[38;2;3;3;3;48;2;2;2;2mb\x1b[0m"
    assert changes.slim(drawn) == "\x1b[38;2;1;1;1;48;2;2;2;2ma\x1b[38;2;3;3;3mb"
    assert changes.slim("c") == "\x1b[mc"
