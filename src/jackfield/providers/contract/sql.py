"""What providers of SQL databases share: the way to the server, and read-only questions over one login.

A provider opens one `Session` a check. Its facts are `SELECT`s written in provider.yaml, whose rows become plain data.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure, SessionEnded, explain
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.text import cleaned

STATEMENT_SECONDS: Final = 5
TEXT_LIMIT: Final = 4096  # characters of one value

Values = Mapping[str, object]
Row = dict[str, object]


class SqlRefusal(Exception):
    """The server refused a login or a statement. `code` is its own error code; `place` where it arose, if it says."""

    def __init__(self, code: str, place: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.place = place


class Session(Protocol):
    """One login to a server, for questions that change nothing."""

    async def rows(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        """The rows of one SELECT, by column name. Raises SqlRefusal and NetFailure."""
        ...


AnySession = TypeVar("AnySession", bound=Session)


async def find_route(call: Call, default_port: int) -> Route:
    """The way to the server in the fields `host` and `port`, before anything is sent.

    Raises NetFailure where the address is not allowed, where TLS as the fields want it may not be used, and where the
    login would cross the internet without TLS.
    """
    host = call.text("host")
    route = call.network.route(
        host, call.number("port", default_port), deadline=call.deadline, trace=call.trace,
        private_allowed=call.private_allowed, tls=call.tls,
    )  # fmt: skip
    if call.tls is not None:
        await route.tls_context()
    elif not await route.is_near():
        message = f"{host} is a public host, and without TLS the login would cross the internet unencrypted."
        raise NetFailure(FailureKind.TLS, message, "Switch TLS on for this connection.")
    return route


async def in_connect_time(route: Route, step: Awaitable[bytes]) -> bytes:
    """What the server says before the login, within the connect limit. Raises NetFailure."""
    try:
        async with asyncio.timeout_at(route.deadline.connect_ends()):
            return await step
    except (OSError, EOFError) as error:
        raise explain(error, route.host, route.port) from None


async def log_in(call: Call, open_session: Callable[[Call], Awaitable[AnySession]]) -> AnySession:
    """The check's one session. A login that failed is not tried again. Raises SqlRefusal and NetFailure."""

    async def attempt() -> AnySession | SqlRefusal | NetFailure:
        try:
            return await open_session(call)
        except (SqlRefusal, NetFailure) as failure:
            return failure

    outcome = await call.once("login", attempt)
    if isinstance(outcome, (SqlRefusal, NetFailure)):
        raise outcome
    return outcome


@contextlib.contextmanager
def in_session(host: str, *killed: str) -> Iterator[None]:
    """Around a statement of a session that is logged in.

    Raises SessionEnded where the line breaks, and where the server names one of the codes `killed`.
    """
    try:
        yield
    except NetFailure as failure:
        raise (SessionEnded(host) if failure.kind is FailureKind.UNREACHABLE else failure) from None
    except SqlRefusal as refusal:
        raise (SessionEnded(host) if refusal.code in killed else refusal) from None


async def ask(call: Call, open_session: Callable[[Call], Awaitable[Session]]) -> dict[str, object]:
    """The fact of one statement: `{"rows": […]}`, or `{"error": code}` as the server refused it.

    The statement is the fact's argument `sql`, its parameters are `values`.
    """
    values = call.arguments.get("values", {})
    assert isinstance(values, Mapping)
    try:
        session = await log_in(call, open_session)
        found = await session.rows(str(call.arguments["sql"]), values)
    except SqlRefusal as refusal:
        return {"error": refusal.code}
    return {"rows": [plain_row(row) for row in found]}


def plain_row(row: Mapping[str, object]) -> Row:
    """A row as rules read it: column names in lower case, values as null, booleans, numbers, texts and lists."""
    return {name.lower(): _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime() | date():
            return value.isoformat()
        case bytes() | bytearray():
            return cleaned(bytes(value).decode("utf-8", "replace"), limit=TEXT_LIMIT)
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return cleaned(str(value), limit=TEXT_LIMIT)
