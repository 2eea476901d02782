"""The HTTP client of a check: bounded, without redirects, retries, cookies, proxies or logs.

httpx gives the requests, the answers and the authentications; what its own client would do beside that is not wanted.
"""

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import Final, NoReturn, Self

import h11
import httpx

from jackfield import __version__
from jackfield.net.connection import BoundedBody
from jackfield.net.deadline import Deadline, within
from jackfield.net.failure import NetFailure, explain, no_answer_in_time, no_connection_in_time, url_refused
from jackfield.net.handover import Handover
from jackfield.net.network import Network
from jackfield.net.tls import TlsOptions
from jackfield.net.trace import Trace
from jackfield.net.transport import BODY, Transport
from jackfield.text import TooDeep, clean_json, cleaned
from jackfield.text.cleaning import Json

TEXT_LIMIT: Final = 64 * 1024  # characters kept of an answer that is not JSON
_HEADER_VALUE_LIMIT: Final = 8 * 1024
QueryValue = str | int | bool

_HEADERS: Final = {"accept-encoding": "gzip, deflate", "user-agent": f"jackfield/{__version__}"}
_NO_AUTH: Final = httpx.Auth()


class Shape(StrEnum):
    """What an answer's body turned out to be."""

    JSON = "json"
    HTML = "html"
    TEXT = "text"
    EMPTY = "empty"
    UNREAD = "unread"  # on purpose: the answer may hold secrets
    BROKEN = "broken"  # not what its headers say
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, cleaned. `body` is set only for JSON, `text` only for HTML and other text; no repr shows them."""

    method: str
    target: str  # the URL asked, without query values
    status: int
    content_type: str  # media type alone, lower-case
    shape: Shape
    elapsed_ms: float
    redirect_to: str = ""  # host of a redirect that was not followed
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # lower-case names
    body: Json = field(default=None, repr=False)
    text: str = field(default="", repr=False)

    @property
    def retry_after(self) -> float | None:
        """Seconds the vendor asks to wait; None where it does not say."""
        value = self.headers.get("retry-after", "")
        if value.isdecimal():
            return float(value)
        try:
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            return None


class HttpClient:
    """Requests of one check. Cheap to make; connections live as long as it does.

    With the `handover` of its turn, a check begins on a connection that one of the same host left and leaves its own;
    one whose authentication is more than a header keeps to its own.
    `request` raises NetFailure, and CancelledError at once when cancelled.
    """

    def __init__(
        self,
        network: Network,
        *,
        deadline: Deadline,
        trace: Trace,
        private_allowed: bool = False,
        tls: TlsOptions | None = None,
        handover: Handover | None = None,
    ) -> None:
        self._deadline = deadline
        self._transport = Transport(
            partial(network.route, deadline=deadline, trace=trace, private_allowed=private_allowed, tls=tls), handover
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, QueryValue | Sequence[QueryValue]] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        auth: httpx.Auth | None = None,
        accept: str = "application/json",
        discard: bool = False,
    ) -> Reply:
        """Ask once. With `discard` the connection is closed with the body unread: for answers that hold secrets."""
        host, port = "", 443
        if auth is not None and not isinstance(auth, httpx.BasicAuth):
            self._transport.keep_to_itself()
        try:
            asked = httpx.URL(url)
            request = httpx.Request(
                method,
                asked.copy_merge_params(query) if query else asked,
                headers={"accept": accept, **_HEADERS, **(headers or {})},
                json=json,
                data=form,
                content=content,
            )
            host, port = (
                request.url.raw_host.decode("ascii"),
                request.url.port or (80 if request.url.scheme == "http" else 443),
            )
            async with within(self._deadline) as limit:
                return await self._ask(request, auth, discard=discard)
        except httpx.InvalidURL:
            failure = url_refused("The URL is not valid.", "Enter it in full, such as https://example.com.")
        except TimeoutError as error:
            failure = self._too_slow(host, port) if limit.expired() else explain(error, host, port)
        except (NetFailure, OSError, EOFError, UnicodeError, h11.ProtocolError) as error:
            failure = explain(error, host, port)
        raise failure  # out here, so that it carries no cause: a library's error may quote a header's value

    def _too_slow(self, host: str, port: int) -> NetFailure:
        total = self._deadline.total
        return no_answer_in_time(host, total) if self._transport.connected else no_connection_in_time(host, port, total)

    async def _ask(self, request: httpx.Request, auth: httpx.Auth | None, *, discard: bool) -> Reply:
        started = time.perf_counter()
        response = await self._send(request, auth or _NO_AUTH)
        try:
            data = b"" if discard else await response.aread()
        finally:
            await response.aclose()
        content_type = cleaned(response.headers.get("content-type", ""), limit=200).partition(";")[0].strip().lower()
        bounded: BoundedBody = response.extensions[BODY]
        shape, body, text = (Shape.UNREAD, None, "") if discard else _read(bounded, data, content_type)
        return Reply(
            method=request.method,
            target=shown_url(request.url),
            status=response.status_code,
            content_type=content_type,
            shape=shape,
            elapsed_ms=(time.perf_counter() - started) * 1000,
            redirect_to=_redirect_host(response, request.url),
            headers={
                cleaned(name, limit=200, lines=False).lower(): cleaned(value, limit=_HEADER_VALUE_LIMIT, lines=False)
                for name, value in response.headers.items()
            },
            body=body,
            text=text,
        )

    async def _send(self, request: httpx.Request, auth: httpx.Auth) -> httpx.Response:
        """Send what an authentication makes of a request: one, or several of which each follows from an answer."""
        flow = auth.async_auth_flow(request)
        async with contextlib.aclosing(flow):
            following = await anext(flow)
            while True:
                response = await self._transport.handle_async_request(following)
                response.request = following
                try:
                    following = await flow.asend(response)
                    await response.aread()
                except StopAsyncIteration:
                    return response
                except BaseException:
                    await response.aclose()
                    raise


def shown_url(url: httpx.URL) -> str:
    """A URL as evidence keeps it: the names of its query parameters, never their values."""
    shown = f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}"
    names = "&".join(f"{name}=…" for name in url.params)
    return cleaned(f"{shown}?{names}" if names else shown, limit=500, lines=False)


def _read(bounded: BoundedBody, data: bytes, content_type: str) -> tuple[Shape, Json, str]:
    if bounded.too_large:
        return Shape.TOO_LARGE, None, ""
    if bounded.broken:
        return Shape.BROKEN, None, ""
    if not data.strip():
        return Shape.EMPTY, None, ""
    if content_type.endswith(("/json", "+json")):
        return _read_json(data)
    text = cleaned(data.decode("utf-8", "replace"), limit=TEXT_LIMIT)
    return (Shape.HTML if content_type in ("text/html", "application/xhtml+xml") else Shape.TEXT), None, text


def _read_json(data: bytes) -> tuple[Shape, Json, str]:
    try:
        return Shape.JSON, clean_json(json.loads(data, parse_constant=_refuse_constant)), ""
    except (RecursionError, TooDeep):
        return Shape.TOO_DEEP, None, ""
    except ValueError:
        return Shape.BROKEN, None, ""


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _redirect_host(response: httpx.Response, asked: httpx.URL) -> str:
    if not response.has_redirect_location:
        return ""
    try:
        return cleaned(asked.join(response.headers["location"]).raw_host.decode("ascii"), limit=253, lines=False)
    except (httpx.InvalidURL, ValueError):
        return "an address that is not valid"
