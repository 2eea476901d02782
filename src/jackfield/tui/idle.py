"""How long nobody has touched a key."""

import time
from collections.abc import Callable


def boot_seconds() -> float:
    """Seconds since the machine started, those in which it slept included where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Idle:
    """Counts from the last touch."""

    def __init__(self, clock: Callable[[], float] = boot_seconds) -> None:
        self._clock = clock
        self._touched = clock()

    @property
    def seconds(self) -> float:
        """How long ago the last touch was."""
        return self._clock() - self._touched

    def touch(self) -> None:
        """Somebody is there."""
        self._touched = self._clock()
