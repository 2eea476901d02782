"""What may stay of a text from outside: letters, newlines and tabs; nothing that steers a terminal or hides.

Removed are C0 (but newline and tab), DEL, C1, bidirectional controls, tag characters, every other invisible format
character and lone surrogates. Line and paragraph separators and carriage returns before a newline become newlines.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

DETAIL_LIMIT: Final = 4096  # characters
JSON_TEXT_LIMIT: Final = 1 << 20
JSON_DEPTH: Final = 50

# Written as ranges, for a pattern built from the Unicode tables would cost a tenth of a second at every start.
_HIDDEN: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # soft hyphen, joiners, fillers, marks
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # zero width, bidirectional and other format controls
    "\ufe00-\ufe0f\ufff0-\ufffb\ud800-\udfff"  # variation selectors, annotations, lone surrogates
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # layout controls of old scripts and music
    "\U000e0000-\U000e0fff"  # tag characters and the rest of their block
    "]+"
)
_BREAK: Final = re.compile("\r\n|[\u2028\u2029]")
_SPACING: Final = re.compile("[\n\t]")

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`removed` counts the characters taken out; `cut` says that the text was longer than the limit."""

    text: str
    removed: int
    cut: bool


@dataclass(slots=True)
class Tally:
    """How many characters were taken out of all the texts that were cleaned meanwhile."""

    removed: int = 0


_TALLY: Final[ContextVar[Tally | None]] = ContextVar("tally", default=None)


@contextmanager
def tallied() -> Iterator[Tally]:
    """Count what is removed inside, in the tasks and threads that are started there too."""
    token = _TALLY.set(tally := Tally())
    try:
        yield tally
    finally:
        _TALLY.reset(token)


class TooDeep(ValueError):
    """Nested data is deeper than a reader may have to go."""


def clean(text: str, *, limit: int = DETAIL_LIMIT, lines: bool = True) -> Cleaned:
    """What may be shown of `text`, at most `limit` characters; with `lines=False`, all of it on one line."""
    removed = 0
    if not _is_plain(text):
        broken = _BREAK.sub("\n", text)
        text = _HIDDEN.sub("", broken)
        removed = len(broken) - len(text)
        if removed and (tally := _TALLY.get()) is not None:
            tally.removed += removed
        if not lines:
            text = _SPACING.sub(" ", text)
    return Cleaned(text[:limit], removed, len(text) > limit)


def cleaned(text: str, *, limit: int = DETAIL_LIMIT, lines: bool = True) -> str:
    """The text alone, for where nothing is told about what was removed."""
    return text[:limit] if _is_plain(text) else clean(text, limit=limit, lines=lines).text


def clean_json(value: object, *, depth: int = JSON_DEPTH, limit: int = JSON_TEXT_LIMIT) -> Json:
    """A copy of parsed JSON with every key and string cleaned. Raises TooDeep below `depth` nested containers."""
    match value:
        case str():
            return cleaned(value, limit=limit)
        case None | bool() | int() | float():
            return value
        case list() | dict() if depth == 0:
            raise TooDeep("the data is nested too deeply")
        case list():
            return [clean_json(item, depth=depth - 1, limit=limit) for item in value]
        case dict():
            return {
                cleaned(str(key), limit=limit): clean_json(item, depth=depth - 1, limit=limit)
                for key, item in value.items()
            }
    msg = f"{type(value).__name__} is not JSON"
    raise TypeError(msg)


def _is_plain(text: str) -> bool:
    """Whether nothing can need cleaning: most texts are printable ASCII, and this is the cheapest way to know."""
    return text.isascii() and text.isprintable()
