"""Oracle Database: one login through python-oracledb without an Oracle client, and read-only questions over it."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final, TypeVar

from jackfield.model.check import FailureKind
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure, explain
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.sql import (
    STATEMENT_SECONDS,
    SqlRefusal,
    Values,
    ask,
    find_route,
    in_session,
    log_in,
    plain_row,
)
from jackfield.providers.oracledb.relay import LOOPBACK, OurTls, Relay, relay

DEFAULT_PORT: Final = 1521
_WHO: Final = """
SELECT SYS_CONTEXT('USERENV', 'SESSION_USER') AS account, SYS_CONTEXT('USERENV', 'PROXY_USER') AS proxy,
       SYS_CONTEXT('USERENV', 'CON_NAME') AS container, SYS_CONTEXT('USERENV', 'SERVICE_NAME') AS service,
       SYS_CONTEXT('USERENV', 'NETWORK_PROTOCOL') AS protocol, SYS_CONTEXT('USERENV', 'DATABASE_ROLE') AS database_role
FROM DUAL
"""
_UNKNOWN_SERVICE: Final = frozenset({"DPY-6001", "ORA-12514"})
_NO_CONNECTION: Final = "DPY-6005"  # says nothing by itself; a line below it names the cause
_LOST: Final = frozenset({_NO_CONNECTION, "DPY-4011", "DPY-1001"})
_KILLED: Final = ("ORA-00028", "ORA-01012", "ORA-02396", "ORA-03113", "ORA-03135")
_LISTENER_REFUSED: Final = "DPY-6000"
_CODE: Final = re.compile(r"^((?:ORA|DPY|TNS)-\d{4,5})", re.MULTILINE)

Found = TypeVar("Found")


async def session(call: Call) -> Mapping[str, object]:
    """Who the login is and where. `error` is empty, an ORA or DPY code, or a word for what answered instead."""
    try:
        opened = await log_in(call, _open)
        (found,) = await opened.rows(_WHO, {})
    except SqlRefusal as refusal:
        return {"error": refusal.code}
    return {"error": "", **plain_row(found), "version": opened.version}


async def query(call: Call) -> Mapping[str, object]:
    """The rows of one SELECT of the provider file."""
    return await ask(call, _open)


async def change_password(call: Call, new: Secret) -> None:
    """Set the user's own password, by the protocol's own message for it: no statement holds it."""
    try:
        opened = await log_in(call, _open)
        await opened.change_password(call.text("password"), new.reveal())
    except SqlRefusal as refusal:
        message = f"Oracle did not change the password ({refusal.code})."
        raise NetFailure(FailureKind.FORBIDDEN, message, "Test the connection, then try again.") from None


class _Session:
    """A login through python-oracledb. Its statements run one after the other."""

    def __init__(self, connection: Any, lent: Relay, route: Route) -> None:
        self._connection = connection
        self._lent = lent
        self._route = route
        self._lock = asyncio.Lock()

    @property
    def version(self) -> str:
        return str(self._connection.version)

    async def rows(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        async with self._lock:
            with in_session(self._route.host, *_KILLED):
                return await _ended_by(partial(self._ask, statement, values), self._lent, self._route)

    async def change_password(self, old: str, new: str) -> None:
        async with self._lock:
            await _ended_by(partial(self._connection.changepassword, old, new), self._lent, self._route)

    async def _ask(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        with self._connection.cursor() as cursor:
            await cursor.execute(statement, dict(values))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


async def _open(call: Call) -> _Session:
    """Log in once. Raises SqlRefusal with the code of the listener or the database, and NetFailure.

    The name of the database is tried as a service, then as a SID; a listener refuses an unknown one before any login.
    """
    route = await find_route(call, DEFAULT_PORT)
    if call.tls is not None:
        await _prove_tls(route)
    async with AsyncExitStack() as undo:
        lent = await undo.enter_async_context(relay(route, tls=call.tls is not None))
        try:
            connection = await _ended_by(partial(_log_in, call, route, lent, "service_name"), lent, route)
        except SqlRefusal as refusal:
            if refusal.code not in _UNKNOWN_SERVICE:
                raise
            connection = await _ended_by(partial(_log_in, call, route, lent, "sid"), lent, route)
        undo.push_async_callback(_close, connection)
        connection.call_timeout = STATEMENT_SECONDS * 1000
        await _ended_by(partial(connection.execute, "SET TRANSACTION READ ONLY"), lent, route)
        await call.cleanup.enter_async_context(undo.pop_all())
    return _Session(connection, lent, route)


async def _prove_tls(route: Route) -> None:
    """Verify the certificate once by ourselves, for its evidence and for failures that say what is wrong."""
    _, writer = await route.open_stream(tls=True)
    writer.transport.abort()


async def _log_in(call: Call, route: Route, lent: Relay, kind: str) -> Any:
    import oracledb

    way: dict[str, Any] = {"protocol": "tcp", "host": LOOPBACK, "port": lent.port}
    if call.tls is not None:
        way = {
            "protocol": "tcps", "host": route.host, "port": route.port,
            "https_proxy": LOOPBACK, "https_proxy_port": lent.port,
            "ssl_context": OurTls.of(await route.tls_context(), route.host), "ssl_server_dn_match": False,
        }  # fmt: skip
    return await oracledb.connect_async(
        user=call.text("username"), password=call.text("password"), **{kind: call.text("database")}, **way,
        tcp_connect_timeout=call.deadline.connect, retry_count=0, program="jackfield",
    )  # fmt: skip


async def _close(connection: Any) -> None:
    """Log out; a connection that is lost already needs no farewell."""
    import oracledb

    try:
        await connection.close()
    except (oracledb.Error, OSError):
        return


async def _ended_by(work: Callable[[], Coroutine[Any, Any, Found]], lent: Relay, route: Route) -> Found:
    """Do `work`. Cancelled, it hangs up at once: the driver itself would wait for the statement to end."""
    import oracledb

    running = asyncio.create_task(work())
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        lent.hang_up()
        await asyncio.gather(running, return_exceptions=True)
        raise
    except oracledb.Error as error:
        raise _meaning(error, lent, route) from None


def _meaning(error: Exception, lent: Relay, route: Route) -> SqlRefusal | NetFailure:
    """What forbade the way, else the last code the driver names, else what happened to the connection."""
    if lent.failure is not None:
        return lent.failure
    if lent.reason:
        return SqlRefusal(lent.reason)
    codes = [code for code in _CODE.findall(str(error)) if code != _NO_CONNECTION]
    if codes and codes[-1] not in _LOST:
        listeners_own = re.search(r"Similar to (ORA-\d{5})", str(error)) if codes[-1] == _LISTENER_REFUSED else None
        return SqlRefusal(listeners_own[1] if listeners_own else codes[-1])
    cause = error.__cause__
    if isinstance(cause, OSError):
        return explain(cause, route.host, route.port)
    return SqlRefusal(codes[-1]) if codes else explain(EOFError(), route.host, route.port)
