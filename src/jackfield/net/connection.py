"""HTTP/1.1 by h11 on one open stream, with bodies that stop at a cap."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import h11
import httpx

HEADER_LIMIT: Final = 64 * 1024  # bytes
BODY_LIMIT: Final = 1024 * 1024  # bytes, decoded
_READ_BYTES: Final = 16 * 1024
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Connection:
    """HTTP/1.1 on one open stream, one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_LIMIT)

    async def ask(self, request: httpx.Request) -> h11.Response:
        """Send a request and read the head of its answer. Raises OSError, EOFError or h11's ProtocolError."""
        self._send(h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw))
        assert isinstance(request.stream, httpx.AsyncByteStream)  # an AsyncClient builds no other
        async for chunk in request.stream:
            self._send(h11.Data(data=chunk))
        self._send(h11.EndOfMessage())
        # A server may refuse early and close; its answer is then still there to be read.
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Response):
                return event

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body, still encoded, as it arrives."""
        while isinstance(event := await self._next_event(), h11.Data):
            yield bytes(event.data)

    def is_lost(self) -> bool:
        """Whether the server ended the connection, or said something unasked, while it was idle.

        What comes before a question must not be read as its answer.
        """
        peek = self._reader.read(1)
        try:
            peek.send(None)  # ends at once where there is something to read, be it the end
        except (StopIteration, OSError):
            return True
        peek.close()
        return self._writer.is_closing()

    def can_be_reused(self) -> bool:
        """Make ready for the next request, if question and answer are both complete and neither side closes."""
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
            return False
        if self._protocol.trailing_data[0]:  # said unasked: it must not be read as the next answer
            return False
        self._protocol.start_next_cycle()
        return True

    def close(self) -> None:
        """Close at once: an HTTP answer says where it ends, so a farewell would add nothing."""
        self._writer.transport.abort()

    def _send(self, event: h11.Event) -> None:
        data = self._protocol.send(event)
        if data:
            self._writer.write(data)

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(_READ_BYTES)
            if not data and self._protocol.their_state is h11.SEND_RESPONSE:
                if self._protocol.trailing_data[0]:
                    raise h11.RemoteProtocolError("what was sent is no head of an answer")
                raise EOFError
            self._protocol.receive_data(data)
        return event  # type: ignore[return-value]  # NEED_DATA is ruled out above, which the type cannot say


class BoundedBody(httpx.AsyncByteStream):
    """An answer's body, decompressed as it arrives and never beyond the cap.

    `too_large` and `broken` say afterwards whether it was cut at the cap, or not encoded as its header said.
    `finish` is called once, when it is closed.
    """

    def __init__(self, connection: Connection, encoding: str, finish: Callable[[], None]) -> None:
        self.too_large = False
        self.broken = False
        self._connection = connection
        self._encoding = encoding.strip().lower()
        self._finish: Callable[[], None] | None = finish

    async def __aiter__(self) -> AsyncIterator[bytes]:
        inflater = None
        if self._encoding not in ("", "identity"):
            bits = _WINDOW_BITS.get(self._encoding)
            if bits is None:
                self.broken = True
                return
            inflater = zlib.decompressobj(bits)
        room = BODY_LIMIT
        async for chunk in self._connection.body():
            try:
                decoded = chunk if inflater is None else inflater.decompress(chunk, room + 1)
            except zlib.error:
                self.broken = True
                return
            if len(decoded) > room:
                self.too_large = True
                yield decoded[:room]
                return
            room -= len(decoded)
            yield decoded
        self.broken = inflater is not None and not inflater.eof and room < BODY_LIMIT

    async def aclose(self) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            finish()
