"""One judged and verified connection to a PostgreSQL server, lent to libpq through a private socket.

libpq takes no socket of ours, has its own trust store and hides the code of a failed login. Behind the relay it needs
none of that: addresses, TLS and deadlines stay those of every other check, and the server's codes are read in passing.
"""

import asyncio
import contextlib
import socket
import struct
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from jackfield.net.network import Route
from jackfield.providers.contract.sql import SqlRefusal, in_connect_time
from jackfield.text import cleaned

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
_CHUNK: Final = 65536
_SOCKET_NAME: Final = ".s.PGSQL.5432"  # what libpq looks for in the folder it is given as host
_HEAD: Final = 5  # bytes before a message's body: its kind, and its length without the kind
_AUTHENTICATION, _ERROR, _READY = b"REZ"
_LOGIN_MESSAGES: Final = frozenset(b"RSKNEZv")  # everything a server may say until it is ready for queries
_LONGEST_LOGIN_MESSAGE: Final = 65536
_SASL: Final = struct.pack("!I", 10)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def reach(route: Route, *, tls: bool) -> Streams:
    """A connection to the server, encrypted as the protocol does it: the server is asked first, then TLS begins.

    Raises SqlRefusal `no-tls` where the server offers none, `not-postgres` where it is another kind of server.
    """
    connection = await route.open_socket()
    try:
        if not tls:
            return await asyncio.open_connection(sock=connection)
        answer = await in_connect_time(route, _ask_for_tls(connection))
        if answer == b"S":
            return await route.secure(connection)
    except BaseException:
        connection.close()
        raise
    connection.close()
    raise SqlRefusal("no-tls" if answer == b"N" else "not-postgres")


async def _ask_for_tls(connection: socket.socket) -> bytes:
    """One byte is read and no more, so that nothing sent ahead of TLS can be taken for its contents."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, _SSL_REQUEST)
    answer = await loop.sock_recv(connection, 1)
    if not answer:
        raise EOFError
    return answer


class Login:
    """One client of the relay. `folder` is libpq's `host`; `refusal` is why the server ended the login, if it did."""

    def __init__(self, folder: str, streams: Streams) -> None:
        self.folder = folder
        self.refusal: SqlRefusal | None = None
        self._reader, self._writer = streams
        self._unread = bytearray()
        self._logged_in = False
        self._tasks: list[asyncio.Task[None]] = []

    def lend(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Join the first client with the server; any other one is turned away."""
        if self._tasks:
            to_client.transport.abort()
            return
        self._tasks = [
            asyncio.create_task(_pass_on(from_client, self._writer)),
            asyncio.create_task(_pass_on(self._reader, to_client, self._read_login)),
        ]

    @property
    def lost(self) -> bool:
        """Whether the server ended the connection."""
        return self._reader.at_eof() or self._reader.exception() is not None

    def hang_up(self) -> None:
        """End the connection at once; libpq then finds it lost."""
        self._writer.transport.abort()

    async def close(self) -> None:
        self.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _read_login(self, data: bytes) -> bytes:
        """What libpq is to be told of the server's words: until it is ready for queries, whole messages only."""
        self._unread += data
        told = bytearray()
        while not self._logged_in and len(self._unread) >= _HEAD:
            kind, size = self._unread[0], int.from_bytes(self._unread[1:_HEAD], "big")
            if kind not in _LOGIN_MESSAGES or not _HEAD - 1 <= size <= _LONGEST_LOGIN_MESSAGE:
                self.refusal = SqlRefusal("not-postgres")
                break
            if len(self._unread) <= size:
                return bytes(told)
            body = bytes(self._unread[_HEAD : size + 1])
            del self._unread[: size + 1]
            if kind == _ERROR:
                self.refusal = _refusal(body)
            told += _message(kind, _without_channel_binding(body) if kind == _AUTHENTICATION else body)
            self._logged_in = kind == _READY
        if self._logged_in or self.refusal is not None:
            told += self._unread
            self._unread.clear()
        return bytes(told)


@contextlib.asynccontextmanager
async def relay(streams: Streams) -> AsyncIterator[Login]:
    """Lend a connection through a socket in a folder that only this user can enter."""
    with tempfile.TemporaryDirectory(prefix="jackfield-") as folder:
        login = Login(folder, streams)
        server = await asyncio.start_unix_server(login.lend, Path(folder) / _SOCKET_NAME)
        try:
            yield login
        finally:
            server.close()
            await login.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes] = bytes
) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(change(data))
            await writer.drain()
    except OSError:
        pass  # one side left, and the other learns of it now
    finally:
        writer.close()


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BI", kind, len(body) + 4) + body


def _without_channel_binding(body: bytes) -> bytes:
    """A request for a SASL login without the mechanisms that bind it to TLS: libpq here has no TLS to bind it to."""
    if not body.startswith(_SASL):
        return body
    names = body[len(_SASL) :].rstrip(b"\0").split(b"\0")
    return _SASL + b"".join(name + b"\0" for name in names if not name.endswith(b"-PLUS")) + b"\0"


def _refusal(body: bytes) -> SqlRefusal:
    """The code and the server routine of an ErrorResponse; both are the same in every language of the server."""
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    return SqlRefusal(cleaned(fields.get(b"C", ""), limit=5) or "unrecognised", fields.get(b"R", ""))
