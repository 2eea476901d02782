"""Connections that a check leaves to the next one of the same host, so that many checks need few of them."""

import time
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from jackfield.model.check import Step
from jackfield.net.tls import TlsOptions

if TYPE_CHECKING:
    from jackfield.net.connection import Connection

_FRESH_SECONDS: Final = 2.0  # idle longer than this, a server may be about to end it


class Endpoint(NamedTuple):
    """An address that was judged, and its port: safe to connect to as it stands."""

    address: str
    port: int


class Place(NamedTuple):
    """What a connection was opened for. Whoever asks for anything else, with other consents too, gets another one."""

    host: str
    port: int
    secure: bool
    tls: TlsOptions
    private_allowed: bool


class Way(NamedTuple):
    """What was found out while a connection was opened; it stays true as long as that stands."""

    endpoints: tuple[Endpoint, ...]
    near: bool
    steps: tuple[Step, ...]
    reached: str
    protocol: str
    certificate_issuer: str
    certificate_ends: datetime | None


class Left(NamedTuple):
    """A connection without a user, and the way it goes."""

    connection: "Connection"
    way: Way
    since: float  # seconds of the monotonic clock


class Handover:
    """The connections left by the checks of one host while others wait for their turn; with nobody waiting, none is.

    `checks` counts those that are at work or wait, `at_work` the former.
    """

    def __init__(self) -> None:
        self.checks = 0
        self.at_work = 0
        self._left: defaultdict[Place, list[Left]] = defaultdict(list)

    def leave(self, place: Place, connection: "Connection", way: Way) -> bool:
        """Whether the connection was taken into keeping; otherwise the caller closes it."""
        waited_for = self.checks > self.at_work
        if waited_for:
            self._left[place].append(Left(connection, way, time.monotonic()))
        return waited_for

    def take(self, place: Place) -> Left | None:
        """A connection that stands, the last one left first."""
        while self._left[place]:
            left = self._left[place].pop()
            if time.monotonic() - left.since <= _FRESH_SECONDS and not left.connection.is_lost():
                return left
            left.connection.close()
        return None

    def close(self) -> None:
        """Close what nobody took."""
        for left in self._left.values():
            for each in left:
                each.connection.close()
        self._left.clear()
