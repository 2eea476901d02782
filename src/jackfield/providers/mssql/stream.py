"""A judged connection to SQL Server that the driver takes for a plain socket.

The driver knows TLS only with another TLS library and a file of certificates. So the pre-login, in which both sides
agree on encryption, and TLS itself happen here; the driver is handed the answer of a server that wants none.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final

from jackfield.net.network import Route
from jackfield.providers.contract.sql import SqlRefusal, in_connect_time

PRELOGIN, REPLY = 0x12, 0x04  # kinds of packets
_HEAD: Final = 8  # bytes: kind, status, length of the whole (big-endian), session, number, window
_LAST: Final = 1  # status of the last packet of a message
_VERSION, _ENCRYPTION, _INSTANCE, _THREAD, _MARS, _END = 0, 1, 2, 3, 4, 0xFF
ENCRYPT_ON, ENCRYPT_UNKNOWN, ENCRYPT_REQUIRED = 1, 2, 3
_ENCRYPT_AT: Final = struct.Struct(">BHH")  # option, offset, length
_CHUNK: Final = 4000  # bytes of TLS in one packet; a packet has 4096 at most before the login


class Stream:
    """What the driver calls its socket. It is used in a thread; the connection belongs to the loop.

    `answer` is the reply to the driver's own pre-login, which goes no further.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._asked = False
        self._loop = asyncio.get_running_loop()

    def sendall(self, data: bytes, flags: int = 0) -> None:
        del flags
        if not self._asked:
            self._asked = True
            return
        asyncio.run_coroutine_threadsafe(self._write(bytes(data)), self._loop).result()

    def recv(self, size: int) -> bytes:
        if self._answer:
            part, self._answer = self._answer[:size], self._answer[size:]
            return part
        return asyncio.run_coroutine_threadsafe(self._reader.read(size), self._loop).result()

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0, flags: int = 0) -> int:
        del flags
        part = self.recv(size or len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def gettimeout(self) -> float | None:
        return None

    def settimeout(self, timeout: float | None) -> None:
        """The check's deadline holds instead."""

    def close(self) -> None:
        """The check hangs up when it ends."""

    def hang_up(self) -> None:
        """End the connection at once; a thread that waits for an answer gets none."""
        self._writer.transport.abort()

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


async def open_stream(route: Route, cleanup: contextlib.AsyncExitStack, *, tls: bool) -> Stream:
    """Connect and agree on encryption.

    Raises SqlRefusal `no-tls` or `tls-demanded` where the server wants it otherwise, and `not-mssql`.
    """
    connection = await route.open_socket()
    cleanup.callback(connection.close)
    wanted = ENCRYPT_ON if tls else ENCRYPT_UNKNOWN
    offered = _encryption(await in_connect_time(route, _pre_login(connection, wanted)))
    if not tls:
        if offered != ENCRYPT_UNKNOWN:
            raise SqlRefusal("tls-demanded")
        reader, writer = await asyncio.open_connection(sock=connection)
    elif offered not in {ENCRYPT_ON, ENCRYPT_REQUIRED}:
        raise SqlRefusal("no-tls")
    else:
        reader, writer = await _secure(route, connection, cleanup)
    stream = Stream(reader, writer, _packet(REPLY, _options(ENCRYPT_UNKNOWN)))
    cleanup.callback(stream.hang_up)
    return stream


async def _pre_login(connection: socket.socket, encryption: int) -> bytes:
    """Say which encryption is wanted; the body of the server's answer."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, _packet(PRELOGIN, _options(encryption)))
    head = await _receive(connection, _HEAD)
    kind, _, size = struct.unpack(">BBH", head[:4])
    if kind != REPLY or not _HEAD < size <= _CHUNK:
        raise SqlRefusal("not-mssql")
    return await _receive(connection, size - _HEAD)


async def _receive(connection: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        part = await loop.sock_recv(connection, size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _packet(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBHHBB", kind, _LAST, len(body) + _HEAD, 0, 1, 0) + body


def _options(encryption: int) -> bytes:
    """The body of a pre-login: a table of options, then their values."""
    values = {_VERSION: bytes(6), _ENCRYPTION: bytes([encryption]), _INSTANCE: b"\0", _THREAD: bytes(4), _MARS: b"\0"}
    place = _ENCRYPT_AT.size * len(values) + 1
    table = b""
    for option, value in values.items():
        table += _ENCRYPT_AT.pack(option, place, len(value))
        place += len(value)
    return table + bytes([_END]) + b"".join(values.values())


def _encryption(body: bytes) -> int:
    """What the server says of encryption. Raises SqlRefusal where the body is no pre-login."""
    place = 0
    while place + _ENCRYPT_AT.size <= len(body) and body[place] != _END:
        option, offset, size = _ENCRYPT_AT.unpack_from(body, place)
        if option == _ENCRYPTION and size == 1 and offset < len(body):
            return int(body[offset])
        place += _ENCRYPT_AT.size
    raise SqlRefusal("not-mssql")


async def _secure(
    route: Route, connection: socket.socket, cleanup: contextlib.AsyncExitStack
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """TLS whose handshake travels inside pre-login packets, and all that follows as it is.

    TLS runs over one end of a pair of sockets; between the other end and the server, packets are put on and taken off.
    SQL Server speaks TLS 1.2 here, so when the handshake has ended all of it has been sent.
    """
    near, far = socket.socketpair()
    for one in (near, far):
        one.setblocking(False)
    cleanup.callback(far.close)
    shaking_hands = True

    def put_on(data: bytes) -> bytes:
        return _packet(PRELOGIN, data) if shaking_hands else data

    passing = [
        asyncio.create_task(_pass_on(far, connection, put_on)),
        asyncio.create_task(_pass_on(connection, far, _PacketsOff())),
    ]
    cleanup.push_async_callback(_cancel, passing)
    try:
        return await route.secure(near)
    finally:
        shaking_hands = False


class _PacketsOff:
    """Takes the packets off that a server puts on its side of the handshake; TLS records come bare afterwards."""

    def __init__(self) -> None:
        self._unread = b""
        self._inside = 0  # bytes of the current packet that are still to come

    def __call__(self, data: bytes) -> bytes:
        self._unread += data
        bare = b""
        while self._unread:
            if self._inside:
                part, self._unread = self._unread[: self._inside], self._unread[self._inside :]
                self._inside -= len(part)
                bare += part
            elif self._unread[0] not in {PRELOGIN, REPLY}:
                bare, self._unread = bare + self._unread, b""
            elif len(self._unread) < _HEAD:
                break
            else:
                self._inside = max(0, int.from_bytes(self._unread[2:4], "big") - _HEAD)
                self._unread = self._unread[_HEAD:]
        return bare


async def _pass_on(source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes]) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while data := await loop.sock_recv(source, _CHUNK):
            await loop.sock_sendall(sink, change(data))
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
