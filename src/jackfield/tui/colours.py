"""Colour changes, and nothing more: what is drawn, in fewer bytes.

Drawing gives every piece of text its whole style and a reset after it. Over a slow line most of that is repetition, so
only the difference between one piece and the next is sent. SGR sequences are the only ones touched.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

_SGR: Final = re.compile("\x1b\\[([0-9;]*)m")
_MOVES: Final = re.compile("(?:\r\n|\x1b\\[[0-9]+;[0-9]+H)+")
_EXTENDED: Final = {"5": 3, "2": 5}  # parameters of an indexed and of a direct colour, the introducing one included
_ATTRIBUTES: Final = frozenset({"1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53"})


class Pen(NamedTuple):
    """How the terminal would draw now; empty colours are the terminal's own."""

    ink: str = ""
    ground: str = ""
    attributes: frozenset[str] = frozenset()


PLAIN: Final = Pen()


class ColourChanges:
    """Rewrites a stream of text; it remembers the pen between calls."""

    def __init__(self) -> None:
        self._pen = PLAIN
        self._wanted = PLAIN

    def slim(self, text: str) -> str:
        """The same drawing. A colour that no text follows yet waits for the text."""
        out: list[str] = []
        for number, piece in enumerate(_SGR.split(text)):
            if number % 2:
                self._wanted = pen_after(self._wanted, piece)
            elif piece:
                if not self._suits(piece):
                    out.append(change(self._pen, self._wanted))
                    self._pen = self._wanted
                out.append(piece)
        return "".join(out)

    def _suits(self, piece: str) -> bool:
        """Whether `piece` looks right as the pen is: blanks show no ink, and moving the cursor shows nothing."""
        if self._wanted == self._pen or _MOVES.fullmatch(piece):
            return True
        same = self._wanted.ground == self._pen.ground and self._wanted.attributes == self._pen.attributes
        return same and not self._pen.attributes and not piece.strip(" ")


@lru_cache(maxsize=1024)
def pen_after(pen: Pen, parameters: str) -> Pen:
    """The pen after one SGR sequence; what is not known here is ignored, as terminals do."""
    ink, ground, attributes = pen
    codes = parameters.split(";")
    at = 0
    while at < len(codes):
        code, taken = codes[at], 1
        if code in {"", "0"}:
            ink, ground, attributes = PLAIN
        elif code in {"38", "48"}:
            taken = _EXTENDED.get(codes[at + 1] if at + 1 < len(codes) else "", 1)
            colour = ";".join(codes[at : at + taken])
            ink, ground = (colour, ground) if code == "38" else (ink, colour)
        elif code in _ATTRIBUTES:
            attributes |= {code}
        elif len(code) >= 2 and code[:-1] in {"3", "9"}:
            ink = "" if code == "39" else code
        elif len(code) >= 2 and code[:-1] in {"4", "10"}:
            ground = "" if code == "49" else code
        at += taken
    return Pen(ink, ground, attributes)


@lru_cache(maxsize=1024)
def change(before: Pen, after: Pen) -> str:
    """The shortest sequence that turns one pen into the other."""
    whole = ["", *sorted(after.attributes), *filter(None, (after.ink, after.ground))]
    if before.attributes - after.attributes:
        return f"\x1b[{';'.join(whole)}m"
    steps = sorted(after.attributes - before.attributes)
    if after.ink != before.ink:
        steps.append(after.ink or "39")
    if after.ground != before.ground:
        steps.append(after.ground or "49")
    return min(f"\x1b[{';'.join(steps)}m", f"\x1b[{';'.join(whole)}m", key=len)
