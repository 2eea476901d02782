"""Miniature vendors: small, strict HTTP servers on loopback that answer as a vendor's documentation says.

with MiniatureVendor() as vendor:

    @vendor.get("/api/v1/{team}/members")
    def members(request):
        return [{"email": "ada@example.com"}] if request.bearer == "good" else Answer(401)

    network = vendor.network("api.netlify.com")  # https://api.netlify.com now reaches this vendor, with true TLS
"""

import contextlib
import json as jsonlib
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import h11

from jackfield.net.network import Network
from support.certificates import Authority, authority
from support.serving import Place, serves


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked. `params` are the placeholders of the route; a repeated query name keeps its last value."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # lower-case names
    body: bytes
    params: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return jsonlib.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body as application/x-www-form-urlencoded."""
        return {name: values[-1] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    @property
    def bearer(self) -> str:
        """The token of an `Authorization: Bearer` header; empty without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor answers: `json` (any value but None) or `body`, with the content type that belongs to it."""

    status: int = 200
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str = b""
    content_type: str = ""

    def encoded(self) -> tuple[list[tuple[str, str]], bytes]:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        content_type = self.content_type or ("text/plain; charset=utf-8" if body else "")
        if self.json is not None:
            body, content_type = jsonlib.dumps(self.json).encode(), self.content_type or "application/json"
        given = {name.lower() for name in self.headers}
        headers = list(self.headers.items())
        if content_type and "content-type" not in given:
            headers.append(("content-type", content_type))
        headers.append(("content-length", str(len(body))))
        return headers, body


Handler = Callable[[Request], Any]  # an Answer, or a value that is answered as JSON with status 200


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler


class MiniatureVendor:
    """An HTTP/1.1 server in threads of its own, with TLS unless told otherwise.

    Requests without a route answer 404 and are kept in `undeclared`. The route declared last wins, so that a test can
    change one answer. An error inside a handler answers 500 and fails the test when the vendor closes.
    """

    def __init__(self, *, tls: bool = True, signed_by: Authority | None = None, context: ssl.SSLContext | None = None):
        self.authority = signed_by or authority()
        self.requests: list[Request] = []
        self.undeclared: list[Request] = []
        self.connections = 0
        self._context = (context or self.authority.any_name_context()) if tls else None
        self._routes: list[_Route] = []
        self._errors: list[Exception] = []
        self._open = contextlib.ExitStack()
        self.port = 0

    # Declaring what the vendor answers.

    def route(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Answer `method` on `path`; `{name}` in it matches one segment, `{name:path}` the rest."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        pattern = re.sub(r"\\\{(\w+):path\\\}", r"(?P<\1>.+)", pattern)

        def declare(handler: Handler) -> Handler:
            self._routes.insert(0, _Route(method, re.compile(pattern), handler))
            return handler

        return declare

    def get(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("GET", path)

    def post(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("POST", path)

    def put(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("PUT", path)

    def patch(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("PATCH", path)

    def delete(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("DELETE", path)

    def head(self, path: str) -> Callable[[Handler], Handler]:
        return self.route("HEAD", path)

    def answers(self, method: str, path: str, answer: Any) -> None:
        """Answer always the same: an Answer, or a value for JSON."""
        self.route(method, path)(lambda _: answer)

    # Reaching it.

    def network(self, host: str, *more: str, port: int = 443, **options: Any) -> Network:
        """A Network where the given hosts are this vendor and no other name exists."""
        return Network(
            resolver=_no_such_host,
            roots=self.authority.ca_pem,
            redirect={(name, port): ("127.0.0.1", self.port) for name in (host, *more)},
            **options,
        )

    @property
    def url(self) -> str:
        """Its address on loopback, without a trailing slash."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.port = self._open.enter_context(serves(self._converse, tls=self._context)).port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        if self._errors and error is None:
            raise self._errors[0]

    def _converse(self, client: socket.socket, place: Place) -> None:
        self.connections += 1
        connection = h11.Connection(h11.SERVER)
        with contextlib.suppress(h11.RemoteProtocolError):  # the client left in the middle
            while (request := _receive(connection, client)) is not None:
                answer = self._handle(request)
                headers, body = answer.encoded()
                data = connection.send(h11.Response(status_code=answer.status, headers=headers)) or b""
                if request.method != "HEAD":
                    data += connection.send(h11.Data(data=body)) or b""
                client.sendall(data + (connection.send(h11.EndOfMessage()) or b""))
                if connection.our_state is h11.MUST_CLOSE:
                    return
                connection.start_next_cycle()

    def _handle(self, request: Request) -> Answer:
        for route in self._routes:
            match = route.pattern.fullmatch(request.path) if route.method == request.method else None
            if match is not None:
                request.params.update({name: unquote(value) for name, value in match.groupdict().items()})
                self.requests.append(request)
                try:
                    answer = route.handler(request)
                    return answer if isinstance(answer, Answer) else Answer(json=answer)
                except Exception as error:
                    self._errors.append(error)
                    return Answer(500, body="the handler of this vendor failed")
        self.requests.append(request)
        self.undeclared.append(request)
        return Answer(404, body="no such route")


def _receive(connection: h11.Connection, client: socket.socket) -> Request | None:
    """The next request; None where the client has gone."""
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(client.recv(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, body)
        else:
            return None


def _request(head: h11.Request, body: bytes) -> Request:
    parts = urlsplit(head.target.decode("ascii"))
    return Request(
        method=head.method.decode("ascii"),
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name.decode("ascii"): value.decode("latin-1") for name, value in head.headers},
        body=body,
    )


async def _no_such_host(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{host} is not part of this test")
