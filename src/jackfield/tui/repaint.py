"""Only what is new on the screen: for a slow line, drawing becomes the cells that differ from those that are shown.

Screens are drawn whole when they open and close, and much of what is drawn is there already. Here the drawing is kept
as a grid of cells, and what is sent at each flush is the way from the grid that the terminal shows to the one it should
show. Frames that come while the line is busy become one.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from rich.cells import get_character_cell_size

from jackfield.tui.colours import PLAIN, Pen, change, pen_after

_PIECES: Final = re.compile("(\x1b\\[[0-?]*[ -/]*[@-~]|\r?\n)")
_MOVE: Final = re.compile("\x1b\\[([0-9]*);?([0-9]*)H")
_FRAMES: Final = frozenset({"\x1b[?2026h", "\x1b[?2026l"})  # one flush is one frame
_KEEPS_CELLS: Final = frozenset("hlcnqpu")  # modes and questions; whatever else is sent may change what is shown
_OTHER_SCREEN: Final = ("\x1b[?1049", "\x1b[?47", "\x1b[?1047")
_REWRITTEN: Final = 3  # cells that are written again rather than stepped over
_ERASED: Final = 4  # blanks at the end of a line from which on erasing is shorter


class Cell(NamedTuple):
    """One cell: its character with what combines with it, empty behind a wide one."""

    text: str
    pen: Pen

    @property
    def is_blank(self) -> bool:
        """Whether nothing but the terminal's own ground is seen."""
        return self.text == " " and not self.pen.ground and not self.pen.attributes


_UNKNOWN: Final = Cell("\0", PLAIN)
_BLANK: Final = Cell(" ", PLAIN)


@dataclass(slots=True)
class _Line:
    """What is shown, and what should be; both as long as anything was drawn there."""

    shown: list[Cell] = field(default_factory=list)
    wanted: list[Cell] = field(default_factory=list)


class ChangedCells:
    """Takes drawing with `take`; `drawn` gives what has to be sent for it. At first nothing is known to be shown."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._changed: set[int] = set()
        self._wanted_pen = PLAIN
        self._pen: Pen | None = None  # the terminal's
        self._place: tuple[int, int] | None = None  # line and cell of the terminal's cursor
        self._x, self._y = 0, 0
        self._out: list[str] = []

    def forget(self) -> None:
        """What is shown is not known any more: whatever is drawn next is sent."""
        for line in self._lines.values():
            line.shown = []
        self._pen = self._place = None

    def take(self, text: str) -> None:
        """Take a piece of drawing: text, moves, colours and line ends; other sequences keep their place among it."""
        for number, piece in enumerate(_PIECES.split(text)):
            if number % 2 == 0:
                self._write(piece)
            elif piece.endswith("\n"):
                self._x, self._y = 0, self._y + 1
            elif piece.endswith("m"):
                self._wanted_pen = pen_after(self._wanted_pen, piece[2:-1])
            elif move := _MOVE.fullmatch(piece):
                self._y, self._x = (int(part or 1) - 1 for part in move.groups())
            elif piece not in _FRAMES:
                self._pass_on(piece)

    def pass_on(self, sequence: str) -> None:
        """Send this as it is, after what was drawn before it."""
        self._out.append(self._difference())
        self._out.append(sequence)

    def drawn(self) -> str:
        """What has to be sent now."""
        self._out.append(self._difference())
        out, self._out = "".join(self._out), []
        return out

    def _pass_on(self, sequence: str) -> None:
        self.pass_on(sequence)
        if sequence[-1] not in _KEEPS_CELLS or sequence.startswith(_OTHER_SCREEN):
            self.forget()

    def _write(self, text: str) -> None:
        if not text:
            return
        wanted = self._lines.setdefault(self._y, _Line()).wanted
        self._changed.add(self._y)
        pen, x = self._wanted_pen, self._x
        if 0 < x < len(wanted) and not wanted[x].text:  # the second half of a wide one: both go
            wanted[x - 1] = _cell(" ", wanted[x - 1].pen)
        for character in text:
            cells = 1 if character < "\x7f" else get_character_cell_size(character)
            if cells == 0:
                if 0 < x <= len(wanted):
                    wanted[x - 1] = Cell(wanted[x - 1].text + character, wanted[x - 1].pen)
                continue
            if x + cells > len(wanted):
                wanted.extend([_BLANK] * (x + cells - len(wanted)))
            wanted[x] = _cell(character, pen)
            if cells == 2:
                wanted[x + 1] = _cell("", pen)
            x += cells
        if x < len(wanted) and not wanted[x].text:
            wanted[x] = _cell(" ", wanted[x].pen)
        self._x = x

    def _difference(self) -> str:
        out: list[str] = []
        for number in sorted(self._changed):
            line = self._lines[number]
            if line.shown != line.wanted:
                self._line(number, line, out)
                line.shown = list(line.wanted)
        self._changed.clear()
        return "".join(out)

    def _line(self, number: int, line: _Line, out: list[str]) -> None:
        """Send the cells of one line that differ, and erase it where only blanks follow."""
        wanted = line.wanted
        shown = line.shown + [_UNKNOWN] * (len(wanted) - len(line.shown))
        end = len(wanted)
        while end and wanted[end - 1].is_blank:
            end -= 1
        erased = sum(not _same(shown[x], wanted[x]) for x in range(end, len(wanted))) > _ERASED
        for x in range(end if erased else len(wanted)):
            if wanted[x].text and not _same(shown[x], wanted[x]):
                self._go(number, x, wanted, out)
                self._draw(wanted[x], out)
                after = x + 1
                while after < len(wanted) and not wanted[after].text:
                    after += 1
                self._place = number, after
        if erased:
            self._go(number, end, wanted, out)
            self._take_pen(PLAIN, out)
            out.append("\x1b[K")

    def _go(self, line: int, x: int, wanted: list[Cell], out: list[str]) -> None:
        """The shortest way there: over cells that are written again, by a step, or by a jump."""
        if self._place == (line, x):
            return
        at = self._place[1] if self._place is not None and self._place[0] == line else x + 1
        between = wanted[at:x]
        if at < x and len(between) <= _REWRITTEN and all(cell.text and cell.pen == self._pen for cell in between):
            out.extend(cell.text for cell in between)
        elif at < x:
            out.append(f"\x1b[{x - at}C" if x - at > 1 else "\x1b[C")
        else:
            out.append(f"\x1b[{line + 1};{x + 1}H" if x else f"\x1b[{line + 1}H")
        self._place = line, x

    def _draw(self, cell: Cell, out: list[str]) -> None:
        pen = cell.pen
        if cell.text == " " and self._pen is not None and not pen.attributes:
            pen = Pen(self._pen.ink, pen.ground)  # a blank shows no ink
        self._take_pen(pen, out)
        out.append(cell.text)

    def _take_pen(self, pen: Pen, out: list[str]) -> None:
        if self._pen is None:
            out.append("\x1b[m")
            self._pen = PLAIN
        if pen != self._pen:
            out.append(change(self._pen, pen))
            self._pen = pen


@lru_cache(maxsize=4096)
def _cell(text: str, pen: Pen) -> Cell:
    return Cell(text, pen)


def _same(one: Cell, other: Cell) -> bool:
    """Whether both look the same: blanks show no ink."""
    if one is other or one == other:
        return True
    blank = one.text == other.text == " "
    return blank and one.pen.ground == other.pen.ground and not one.pen.attributes and not other.pen.attributes
