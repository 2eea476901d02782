"""httpx over judged connections: HTTP/1.1 by h11 on a check's routes, with bodies that stop at a cap.

It also bounds what `httpx.Auth` flows read by themselves, for they get their answers from here.
"""

import asyncio
import contextlib
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Final

import h11
import httpx

from jackfield.net.failure import headers_too_large, url_refused
from jackfield.net.network import Route

HEADER_LIMIT: Final = 64 * 1024  # bytes
BODY_LIMIT: Final = 1024 * 1024  # bytes, decoded
BODY: Final = "jackfield_body"  # the response extension that holds its BoundedBody
_READ_BYTES: Final = 16 * 1024
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Transport(httpx.AsyncBaseTransport):
    """One check's transport. Its connections are kept alive within the check and shared with no other one.

    `find_route` makes the route to a host and port; it is asked once for each. `connected` says whether any
    connection stood yet.
    """

    def __init__(self, find_route: Callable[[str, int], Route]) -> None:
        self.connected = False
        self._find_route = find_route
        self._routes: dict[tuple[str, int], Route] = {}
        self._idle: defaultdict[tuple[Route, bool], list[Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        route, secure = await self._admit(request.url)
        connection = self._take_idle(route, secure=secure)
        if connection is None:
            connection = Connection(*await route.open_stream(tls=secure))
            self.connected = True
        try:
            head = await connection.ask(request)
            _require_short(head, route.host)
        except BaseException:
            connection.close()
            raise

        def finish() -> None:
            if connection.can_be_reused():
                self._idle[route, secure].append(connection)
            else:
                connection.close()

        headers = httpx.Headers(list(head.headers))
        body = BoundedBody(connection, headers.pop("content-encoding", ""), finish)
        return httpx.Response(head.status_code, headers=headers, stream=body, extensions={BODY: body})

    async def aclose(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _take_idle(self, route: Route, *, secure: bool) -> "Connection | None":
        """A connection that waits for its next request; those that the server ended meanwhile are closed."""
        waiting = self._idle[route, secure]
        while waiting:
            connection = waiting.pop()
            if not connection.is_lost():
                return connection
            connection.close()
        return None

    async def _admit(self, url: httpx.URL) -> tuple[Route, bool]:
        """The route to a URL, and whether TLS is used. Raises NetFailure where a credential must not be sent to it."""
        if url.userinfo:
            raise url_refused("The URL holds a user name or password.", "Enter them in their own fields.")
        if url.scheme not in ("https", "http") or not url.host:
            raise url_refused("The URL does not start with https:// and a host name.", "Enter it in full.")
        secure = url.scheme == "https"
        place = url.raw_host.decode("ascii"), url.port or (443 if secure else 80)
        route = self._routes.get(place)
        if route is None:
            route = self._routes[place] = self._find_route(*place)
        if not secure and not await route.is_near():
            raise url_refused(
                f"{route.host} is a public host, and http:// would send the credential there unencrypted.",
                "Use https://.",
            )
        return route, secure


def _require_short(head: h11.Response, host: str) -> None:
    if sum(len(name) + len(value) for name, value in head.headers) > HEADER_LIMIT:
        raise headers_too_large(host)


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
        """Whether the server ended the connection while it was idle."""
        return self._reader.at_eof() or self._writer.is_closing()

    def can_be_reused(self) -> bool:
        """Make ready for the next request, if question and answer are both complete and neither side closes."""
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
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
