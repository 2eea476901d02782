"""httpx over judged connections: which connection of a check's routes a request is sent on.

It also bounds what `httpx.Auth` flows read by themselves, for they get their answers from here.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import h11
import httpx

from jackfield.net.connection import HEADER_LIMIT, BoundedBody, Connection
from jackfield.net.failure import headers_too_large, url_refused
from jackfield.net.handover import Handover
from jackfield.net.network import Route

BODY: Final = "jackfield_body"  # the response extension that holds its BoundedBody


class Transport(httpx.AsyncBaseTransport):
    """One check's transport. Its connections are kept alive within the check.

    `find_route` makes the route to a host and port; it is asked once for each. `connected` says whether any
    connection stood yet. With a `handover`, a check begins with a connection that another one left, and leaves its own.
    """

    def __init__(self, find_route: Callable[[str, int], Route], handover: Handover | None = None) -> None:
        self.connected = False
        self._find_route = find_route
        self._handover = handover
        self._routes: dict[tuple[str, int], Route] = {}
        self._idle: defaultdict[tuple[Route, bool], list[Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        route, secure = self._route_to(request.url)
        connection, head = await self._ask_left(request, route, secure=secure) or await self._ask(
            request, route, secure=secure
        )

        def finish() -> None:
            if connection.can_be_reused():
                self._idle[route, secure].append(connection)
            else:
                connection.close()

        headers = httpx.Headers(list(head.headers))
        body = BoundedBody(connection, headers.pop("content-encoding", ""), finish)
        return httpx.Response(head.status_code, headers=headers, stream=body, extensions={BODY: body})

    def keep_to_itself(self) -> None:
        """Use no connection of another check and leave none: for credentials that a connection may remember."""
        self._handover = None

    async def aclose(self) -> None:
        for (route, secure), connections in self._idle.items():
            for connection in connections:
                if not self._leave(connection, route, secure=secure):
                    connection.close()
        self._idle.clear()

    def _leave(self, connection: Connection, route: Route, *, secure: bool) -> bool:
        """Whether an idle connection now waits for another check."""
        way = route.way()
        if self._handover is None or way is None or connection.is_lost():
            return False
        return self._handover.leave(route.place(secure=secure), connection, way)

    async def _ask_left(
        self, request: httpx.Request, route: Route, *, secure: bool
    ) -> tuple[Connection, h11.Response] | None:
        """Ask on a connection that another check left; None where there is none, or it ended before it answered.

        The question may then have arrived, so only such are asked here as may arrive twice.
        """
        if self._handover is None or self._idle[route, secure] or request.method not in ("GET", "HEAD"):
            return None
        left = self._handover.take(route.place(secure=secure))
        if left is None:
            return None
        try:
            answered = await _ask(request, left.connection, route.host)
        except (ConnectionError, EOFError):
            return None
        self.connected = True
        if route.is_new():
            route.follow(left.way)
        return answered

    async def _ask(self, request: httpx.Request, route: Route, *, secure: bool) -> tuple[Connection, h11.Response]:
        """Ask on a connection of this check, an idle one or a new one."""
        if not secure and not await route.is_near():
            raise url_refused(
                f"{route.host} is a public host, and http:// would send the credential there unencrypted.",
                "Use https://.",
            )
        connection = self._take_idle(route, secure=secure)
        if connection is None:
            connection = Connection(*await route.open_stream(tls=secure))
            self.connected = True
        return await _ask(request, connection, route.host)

    def _take_idle(self, route: Route, *, secure: bool) -> Connection | None:
        """A connection that waits for its next request; those that the server ended meanwhile are closed."""
        waiting = self._idle[route, secure]
        while waiting:
            connection = waiting.pop()
            if not connection.is_lost():
                return connection
            connection.close()
        return None

    def _route_to(self, url: httpx.URL) -> tuple[Route, bool]:
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
        return route, secure


async def _ask(request: httpx.Request, connection: Connection, host: str) -> tuple[Connection, h11.Response]:
    try:
        head = await connection.ask(request)
        _require_short(head, host)
    except BaseException:
        connection.close()
        raise
    return connection, head


def _require_short(head: h11.Response, host: str) -> None:
    if sum(len(name) + len(value) for name, value in head.headers) > HEADER_LIMIT:
        raise headers_too_large(host)
