"""State, as a word, a symbol and a tone: never by colour alone.

A symbol is one terminal cell wide and has an ASCII form, which the terminal layer puts in its place where the locale
or the console cannot show the symbol; widgets always draw the symbol itself.
"""

from dataclasses import dataclass
from typing import Final

from jackfield.model.check import FailureKind, GrantState, Outcome, StepOutcome
from jackfield.model.connection import State


@dataclass(frozen=True, slots=True)
class Mark:
    """How one state is shown. `tone` names a text colour of the theme (see `widgets.lines.TONES`)."""

    word: str
    symbol: str
    ascii: str
    tone: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.word}"


_PASSED: Final = ("✔", "+", "passed")
_LIMITED: Final = ("▲", "!", "limited")
_UNPROVEN: Final = ("?", "?", "unproven")
_FAILED: Final = ("✖", "x", "failed")
_UNTESTED: Final = ("○", "o", "untested")
_PARTLY: Final = ("◐", "~", "limited")
_RUNNING: Final = ("●", "*", "accent")
_BROKEN: Final = ("◆", "#", "failed")

RUNNING: Final = Mark("running", *_RUNNING)
PARTLY: Final = Mark("passed", *_PARTLY)  # passed, and some of what is needed could not be verified

STATES: Final[dict[State, Mark]] = {
    State.PASSED: Mark("passed", *_PASSED),
    State.LIMITED: Mark("limited", *_LIMITED),
    State.UNPROVEN: Mark("unproven", *_UNPROVEN),
    State.FAILED: Mark("failed", *_FAILED),
    State.UNTESTED: Mark("untested", *_UNTESTED),
    State.UNREADABLE: Mark("unreadable", *_BROKEN),
}
OUTCOMES: Final[dict[Outcome, Mark]] = {outcome: STATES[State(outcome.value)] for outcome in Outcome}
STEPS: Final[dict[StepOutcome, Mark]] = {
    StepOutcome.PASSED: Mark("passed", *_PASSED),
    StepOutcome.FAILED: Mark("failed", *_FAILED),
    StepOutcome.UNPROVEN: Mark("unproven", *_UNPROVEN),
    StepOutcome.UNKNOWN: Mark("unknown", *_UNPROVEN),
    StepOutcome.SKIPPED: Mark("skipped", *_UNTESTED),
}
GRANTS: Final[dict[GrantState, Mark]] = {
    GrantState.GRANTED: Mark("granted", *_PASSED),
    GrantState.IMPLIED: Mark("implied", *_PASSED),
    GrantState.MISSING: Mark("MISSING", *_FAILED),
    GrantState.EXCESS: Mark("excess", *_LIMITED),
    GrantState.UNKNOWN: Mark("unknown", *_UNPROVEN),
    GrantState.UNREADABLE: Mark("unreadable", *_UNPROVEN),
}

# What else the screens draw, with its ASCII form: lines, arrows, bullets, ellipsis; one cell for one cell.
_DRAWING: Final = {
    **dict.fromkeys("─━═╌┄▔▁▀▄", "-"),
    **dict.fromkeys("│┃║▌▐▎▏▕▊┊", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝", "+"),
    "…": ".",
    "›": ">",
    "‹": "<",
    "→": ">",
    "←": "<",
    "►": ">",
    "↑": "^",
    "↓": "v",
    "↵": "<",
    "•": "*",
    "·": ".",
    "–": "-",
    "—": "-",
    "▂": ".",
    "▃": ":",
    "▅": "=",
    "▆": "%",
    "█": "#",
    "▇": "#",
    "▓": "#",
    "▒": "#",
    "░": ":",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "⚠": "!",
    "①": "1",
    "②": "2",
    "③": "3",
    "④": "4",
    "\u00a0": " ",
}
ASCII_FORMS: Final[dict[int, str]] = {
    **{ord(symbol): form for symbol, form in _DRAWING.items()},
    **{ord(mark.symbol): mark.ascii for marks in (STATES, STEPS, GRANTS) for mark in marks.values()},
    ord(RUNNING.symbol): RUNNING.ascii,
    ord(PARTLY.symbol): PARTLY.ascii,
}


def state_mark(state: State, failure: FailureKind | None = None, unverified: int = 0) -> Mark:
    """The mark of a connection; a failed one is named by its kind of failure when that is known.

    A pass in which `unverified` needed permissions could not be read is not all green.
    """
    mark = STATES[state]
    if state is State.PASSED and unverified:
        return PARTLY
    if state is State.FAILED and failure is not None:
        return Mark(failure.value, mark.symbol, mark.ascii, mark.tone)
    return mark
