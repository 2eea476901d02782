"""When a connection is tested next by itself."""

import random
from datetime import datetime, timedelta
from typing import Final

from jackfield.model.check import STOPS_AUTOMATIC_TESTS, CheckResult, Outcome
from jackfield.model.errors import InvalidField

BACK_OFF_FIRST: Final = timedelta(minutes=1)
BACK_OFF_MOST: Final = timedelta(hours=6)
JITTER: Final = 0.1  # of the interval, either way, so that tests do not gather
DEFAULT_MINUTES: Final = 60
SHORTEST_MINUTES: Final = 5
LONGEST_MINUTES: Final = 525_600  # a year


def read_minutes(text: str) -> int | None:
    """Minutes between two tests as typed; None for `off`. Raises InvalidField."""
    typed = text.strip().lower()
    if typed == "off":
        return None
    minutes = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        allowed = f"{SHORTEST_MINUTES} to {LONGEST_MINUTES:,} minutes, or off"
        raise InvalidField("every", f"Tests are scheduled every {allowed}.", "Such as 60.")
    return minutes


def first_test_at(now: datetime, every_minutes: int | None) -> datetime | None:
    """A connection just saved is due after one interval; None: it is never tested by itself."""
    return None if every_minutes is None else now + timedelta(minutes=every_minutes)


def next_test_at(
    now: datetime, every_minutes: int | None, result: CheckResult, failures_in_row: int, *, jitter: float | None = None
) -> datetime | None:
    """After a result: the interval again; after a failure a back-off of 1 min, 2, 4, … up to 6 h, never sooner than
    the vendor asked. None when nothing is scheduled or a human has to act first. `jitter` lies in -1..1."""
    if every_minutes is None or stops_automatic_tests(result):
        return None
    spread = random.uniform(-1, 1) if jitter is None else jitter  # noqa: S311 - it spreads load, it guards nothing
    interval = timedelta(minutes=every_minutes)
    if result.outcome is Outcome.FAILED:
        interval = min(interval, BACK_OFF_MOST, BACK_OFF_FIRST * 2 ** min(failures_in_row, 20))
        if result.failure is not None and result.failure.retry_after:
            interval = max(interval, timedelta(seconds=result.failure.retry_after))
    return now + interval * (1 + JITTER * abs(spread) if result.outcome is Outcome.FAILED else 1 + JITTER * spread)


def stops_automatic_tests(result: CheckResult) -> str:
    """Why no automatic test may follow; empty when one may. A refused login is never repeated by itself."""
    if result.failure is not None and result.failure.kind in STOPS_AUTOMATIC_TESTS:
        return f"{result.failure.kind.value}: edit the connection or test it by hand"
    return ""
