"""How long a check may take, as one absolute point in time that every phase shares."""

import asyncio
from typing import Final

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 15.0


class Deadline:
    """The end of a check. It starts when it is made, inside a running loop, and reads that loop's clock.

    `connect` limits each phase of a connection (look-up, TCP, TLS), `total` the whole check; both are seconds.
    """

    __slots__ = ("_clock", "connect", "ends", "total")

    def __init__(self, connect: float = CONNECT_SECONDS, total: float = TOTAL_SECONDS) -> None:
        self._clock = asyncio.get_running_loop().time
        self.connect = connect
        self.total = total
        self.ends = self._clock() + total

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.ends - self._clock())

    def connect_ends(self) -> float:
        """When a phase of connecting that begins now must be over, on the loop's clock."""
        return min(self.ends, self._clock() + self.connect)


def within(deadline: Deadline) -> asyncio.Timeout:
    """An async context that raises TimeoutError when the deadline passes inside it."""
    return asyncio.timeout_at(deadline.ends)
