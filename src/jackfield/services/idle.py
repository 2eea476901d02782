"""How long nobody has touched a key, and whether the machine slept meanwhile."""

import time
from collections.abc import Callable
from typing import Final

ASLEEP: Final = 2.0  # seconds; what the two clocks differ by on a machine that is awake is far less


def boot_seconds() -> float:
    """Seconds since the machine started, those in which it slept included where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Idle:
    """Counts from the last touch. `clock` goes on while the machine sleeps, `awake` stands still then."""

    def __init__(self, clock: Callable[[], float] = boot_seconds, awake: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._awake = awake
        self.touch()

    @property
    def seconds(self) -> float:
        """How long ago the last touch was."""
        return self._clock() - self._touched

    @property
    def slept(self) -> bool:
        """Whether the machine slept since the last touch; always False where the system does not count that."""
        return self._clock() - self._awake() - self._ahead > ASLEEP

    def touch(self) -> None:
        """Somebody is there."""
        self._touched = self._clock()
        self._ahead = self._touched - self._awake()
