"""Microsoft SQL Server: one login through python-tds in a thread, and questions over it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from jackfield.model.check import FailureKind
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure, explain
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.sql import SqlRefusal, Values, ask, find_route, in_session, log_in, plain_row
from jackfield.providers.mssql.stream import Stream, open_stream
from jackfield.text import cleaned

DEFAULT_PORT: Final = 1433
_WHO: Final = """
SELECT SUSER_SNAME() AS login, ORIGINAL_LOGIN() AS original, USER_NAME() AS db_user, DB_NAME() AS db_name,
       CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,
       CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition,
       CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS nvarchar(128)) AS updateability,
       (SELECT authentication_type FROM sys.database_principals WHERE principal_id = USER_ID()) AS authentication
"""
_IN_THE_DATABASE: Final = 2  # the authentication type of a contained user
_KILLED: Final = "596"  # the session is in the kill state
_INFORMATION: Final = 10  # the highest severity of a message that is no error

Found = TypeVar("Found")


async def session(call: Call) -> Mapping[str, object]:
    """Who the login is and where. `error` is empty, the server's number, or a word for what answered instead."""
    try:
        opened = await log_in(call, _open)
        (found,) = await opened.rows(_WHO, {})
    except SqlRefusal as refusal:
        return {"error": refusal.code, "place": refusal.place}
    return {"error": "", **plain_row(found)}


async def query(call: Call) -> Mapping[str, object]:
    """The rows of one SELECT of the provider file."""
    return await ask(call, _open)


async def change_password(call: Call, new: Secret) -> None:
    """Set the login's own password. Saying the old one makes any right unnecessary."""
    try:
        opened = await log_in(call, _open)
        (who,) = await opened.rows(_WHO, {})
        kind = "USER" if who["authentication"] == _IN_THE_DATABASE else "LOGIN"
        name = str(who["db_user"] if kind == "USER" else who["login"]).replace("]", "]]").replace("%", "%%")
        values = {"new": new.reveal(), "old": call.text("password")}
        await opened.run(f"ALTER {kind} [{name}] WITH PASSWORD = %(new)s OLD_PASSWORD = %(old)s", values)
    except SqlRefusal as refusal:
        message = f"SQL Server did not change the password (error {refusal.code})."
        raise NetFailure(FailureKind.FORBIDDEN, message, "Test the connection, then try again.") from None


class _Session:
    """A login through python-tds. Its statements run one after the other, in a thread."""

    def __init__(self, connection: Any, stream: Stream, route: Route) -> None:
        self._connection = connection
        self._stream = stream
        self._route = route
        self._lock = asyncio.Lock()

    async def rows(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        return await self.run(statement, values)

    async def run(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        text = statement % {name: literal(value) for name, value in values.items()} if values else statement
        async with self._lock:
            with in_session(self._route.host, _KILLED):
                return await _in_thread(partial(_execute, self._connection, text), self._stream, self._route)


def _execute(connection: Any, text: str) -> Sequence[Mapping[str, object]]:
    from pytds.tds_base import DatabaseError

    cursor = connection.cursor()
    try:
        cursor.execute(text)
        return list(cursor.fetchall()) if cursor.description else []
    except DatabaseError as error:
        raise SqlRefusal(str(error.number)) from None


async def _open(call: Call) -> _Session:
    """Log in once. Raises SqlRefusal with the server's number, and NetFailure."""
    route = await find_route(call, DEFAULT_PORT)
    stream = await open_stream(route, call.cleanup, tls=call.tls is not None)
    return _Session(await _in_thread(partial(_log_in, call, stream), stream, route), stream, route)


def _log_in(call: Call, stream: Stream) -> Any:
    """A python-tds connection over our stream.

    Its own `connect` would try a refused login again, hide which of two errors came first, and follow the server to any
    address it names; so the parts below are put together here.
    """
    from pytds.connection import NonMarsConnection
    from pytds.row_strategies import dict_row_strategy
    from pytds.tds_base import TDS_ODBC_ON, DatabaseError, PreLoginEnc, _TdsLogin
    from pytds.tds_socket import _TdsSocket

    login = _TdsLogin()
    login.server_name = call.text("host")
    login.user_name, login.password = call.text("username"), call.text("password")
    login.database = call.text("database")
    login.app_name = login.library = "jackfield"
    login.option_flag2 = TDS_ODBC_ON
    login.enc_flag = PreLoginEnc.ENCRYPT_NOT_SUP
    login.bytes_to_unicode = True
    server = _TdsSocket(sock=stream, login=login, row_strategy=dict_row_strategy, autocommit=True)
    try:
        elsewhere = server.login()
    except DatabaseError as error:
        errors = (message for message in server.main_session.messages if message["severity"] > _INFORMATION)
        raise SqlRefusal(str(next((message["msgno"] for message in errors), error.number))) from None
    if elsewhere is not None:
        raise SqlRefusal("redirected", cleaned(f"{elsewhere['server']} port {elsewhere['port']}", limit=200))
    return NonMarsConnection(pooling=False, key=None, tds_socket=server)


async def _in_thread(work: Callable[[], Found], stream: Stream, route: Route) -> Found:
    """Do `work` in a thread. Cancelled, it hangs up, which ends the thread's wait, and sees the thread end."""
    from pytds.tds_base import Error

    running = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stream.hang_up()
        await asyncio.gather(running, return_exceptions=True)
        raise
    except (OSError, EOFError) as error:
        raise explain(error, route.host, route.port) from None
    except Error:
        raise explain(EOFError(), route.host, route.port) from None


def literal(value: object) -> str:
    """A value as T-SQL writes it; a list as rows of one column, for VALUES."""
    if isinstance(value, list):
        return ", ".join(f"({literal(item)})" for item in value) or "(NULL)"
    return "N'" + str(value).replace("'", "''") + "'"
