"""The way to an Oracle listener, lent to the driver: it takes no socket of ours and goes wherever a listener sends it.

The driver connects to a port of this machine, and what arrives there is passed on to the one judged address. TLS stays
the driver's own, because a server may ask for a second handshake, but with our trust and the name that was entered.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from jackfield.net.failure import NetFailure
from jackfield.net.network import Route

LOOPBACK: Final = "127.0.0.1"
_CHUNK: Final = 65536
_HEAD: Final = 8  # bytes of a packet's header; its kind stands in the fifth
_ACCEPT, _REFUSE, _REDIRECT, _RESEND = 2, 4, 5, 11
_FIRST_WORDS: Final = frozenset({_ACCEPT, _REFUSE, _REDIRECT, _RESEND})  # what a listener answers a connect with
_TLS_ALERT: Final = b"\x15\x03"  # how a server of TLS answers who speaks plainly


class Relay:
    """The driver's side: `port` on this machine.

    `reason` is a word for what was not followed, `failure` why the server could not be reached.
    """

    def __init__(self, route: Route, *, tls: bool) -> None:
        self.port = 0
        self.reason = ""
        self.failure: NetFailure | None = None
        self._route = route
        self._tls = tls
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def lend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join one connection of the driver with the server, or end it and keep why."""
        self._writers.append(writer)
        try:
            await self._join(reader, writer)
        except NetFailure as failure:
            self.failure = failure
            self.hang_up()
        except (OSError, EOFError):
            self.hang_up()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """With TLS the driver first says where it wants to go: it takes the relay for a proxy."""
        if self._tls:
            line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].decode("latin-1")
            if line.split(" ")[1:2] != [f"{self._route.host}:{self._route.port}"]:
                self._stop("redirected")
                return
        from_server, to_server = await self._route.open_stream(tls=False)
        self._writers.append(to_server)
        if self._tls:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        watch = bytes if self._tls else _FirstWords(self._stop)
        self._tasks += [
            asyncio.create_task(_pass_on(reader, to_server, bytes)),
            asyncio.create_task(_pass_on(from_server, writer, watch)),
        ]

    def hang_up(self) -> None:
        """End every connection at once; the driver then finds its own lost."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        self.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _stop(self, reason: str) -> None:
        self.reason = self.reason or reason
        self.hang_up()


@contextlib.asynccontextmanager
async def relay(route: Route, *, tls: bool) -> AsyncIterator[Relay]:
    """A relay for as long as the login lasts."""
    lending = Relay(route, tls=tls)
    server = await asyncio.start_server(lending.lend, LOOPBACK, 0)
    lending.port = server.sockets[0].getsockname()[1]
    try:
        yield lending
    finally:
        server.close()
        await lending.close()


class _FirstWords:
    """Looks at what a listener says until it accepts, and stops what must not be followed."""

    def __init__(self, stop: Callable[[str], None]) -> None:
        self._stop = stop
        self._unread = b""
        self._accepted = False

    def __call__(self, data: bytes) -> bytes:
        self._unread = b"" if self._accepted else self._unread + data
        while len(self._unread) >= _HEAD and not self._accepted:
            size, kind = int.from_bytes(self._unread[:2], "big"), self._unread[4]
            if self._unread.startswith(_TLS_ALERT):
                self._stop("tls-demanded")
            elif kind not in _FIRST_WORDS or size < _HEAD:
                self._stop("not-oracle")
            elif kind == _REDIRECT:
                self._stop("redirected")
            elif len(self._unread) < size:
                return data
            else:
                self._accepted = kind == _ACCEPT
                self._unread = self._unread[size:]
                continue
            return b""
        return data


class OurTls(ssl.SSLContext):
    """A context that the driver may change as it likes: each connection is made by `verifying`, for `host`.

    The driver switches name checks off and compares names by itself; here the name is part of the handshake.
    """

    verifying: ssl.SSLContext
    host: str

    @classmethod
    def of(cls, verifying: ssl.SSLContext, host: str) -> "OurTls":
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.verifying, context.host = verifying, host
        return context

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_: Any, **__: Any) -> ssl.SSLObject:
        return self.verifying.wrap_bio(incoming, outgoing, server_hostname=self.host)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: Callable[[bytes], bytes]) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(watch(data))
            await writer.drain()
    except OSError:
        pass  # one side left, and the other learns of it now
    finally:
        writer.close()
