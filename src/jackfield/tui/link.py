"""The line to the terminal: how long its round trip takes, and drawing less where that is long.

The terminal is asked where its cursor is, which every terminal answers and which changes nothing that is shown. The
answer comes among what is typed and is taken out there, however late. A terminal that never answers is asked once.
"""

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final

from jackfield.services.link import SLOW_MS, Link
from jackfield.tui.terminal import OwnSequence

if TYPE_CHECKING:
    from jackfield.tui.widgets.picker import Picker

QUESTION: Final = OwnSequence("\x1b[6n")
ASKED: Final = 3  # round trips, one after the other


class RoundTrips:
    """Measures a few round trips. The shortest counts: whatever else is late, a busy machine or a full line, adds."""

    def __init__(self, ask: Callable[[], None], told: Callable[[float], None]) -> None:
        """`told` is given the shortest round trip in milliseconds, once, when all are measured."""
        self._ask = ask
        self._told = told
        self._asked_at: float | None = None
        self._taken: list[float] = []

    def begin(self) -> None:
        """Ask for the first time."""
        self._asked_at = monotonic()
        self._ask()

    def answered(self, at: float) -> None:
        """The terminal answered at this time of the monotonic clock. What was not asked for is passed over."""
        if self._asked_at is None:
            return
        self._taken.append((at - self._asked_at) * 1000)
        self._asked_at = None
        if len(self._taken) < ASKED:
            self.begin()
        else:
            self._told(min(self._taken))


def in_words(link: Link, ms: float | None) -> str:
    """How the line is taken. `ms` is the round trip that was measured, if it was."""
    if link is not Link.AUTO:
        return f"taken for {link.value}"
    return "measured at the start" + (f": {ms:.0f} ms, {'slow' if ms > SLOW_MS else 'not slow'}" if ms else "")


def link_picker(now: Link, ms: float | None) -> "Picker":
    """The question how the line is to be taken."""
    from jackfield.tui.widgets.picker import Item, Picker

    measured = "not measured" if ms is None else f"{ms:.0f} ms now"
    items = (
        (Link.AUTO, "Measure it at the start", f"slow: over {SLOW_MS} ms; {measured}"),
        (Link.SLOW, "It is slow", "less is drawn, in sixteen colours"),
        (Link.FAST, "It is fast", "everything is drawn"),
    )
    drawn = [Item(link, title, note, "now" * (link is now)) for link, title, note in items]
    return Picker("The line to the terminal", drawn, chosen=now)
