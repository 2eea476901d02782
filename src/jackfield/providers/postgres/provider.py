"""PostgreSQL: one login through psycopg, and read-only questions over it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from jackfield.model.check import FailureKind
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure, SessionEnded, explain
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.sql import (
    STATEMENT_SECONDS,
    SqlRefusal,
    Values,
    ask,
    find_route,
    log_in,
    plain_row,
)
from jackfield.providers.postgres.relay import Login, reach, relay

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.sql import Composed

DEFAULT_PORT: Final = 5432
_LIMIT_TIME: Final = f"SELECT set_config('statement_timeout', '{STATEMENT_SECONDS}s', true)"
_WHO: Final = """
SELECT current_user::text AS role, session_user::text AS login, current_database()::text AS database,
       current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_number,
       pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') = 'on' AS read_only,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted
"""

Found = TypeVar("Found")


async def session(call: Call) -> Mapping[str, object]:
    """Who the login is and where. `error` is empty, the server's SQLSTATE, or a word for what answered instead."""
    try:
        opened = await log_in(call, _open)
        (found,) = await opened.rows(_WHO, {})
    except SqlRefusal as refusal:
        return {"error": refusal.code, "place": refusal.place}
    return {"error": "", "place": "", "used_password": opened.used_password, **plain_row(found)}


async def query(call: Call) -> Mapping[str, object]:
    """The rows of one SELECT of the provider file."""
    return await ask(call, _open)


async def change_password(call: Call, new: Secret) -> None:
    """Set the login's own password. The server is given a verifier, so the password itself stands in no log of it."""
    try:
        opened = await log_in(call, _open)
        await opened.change_password(new)
    except SqlRefusal as refusal:
        message = f"PostgreSQL did not change the password (code {refusal.code})."
        raise NetFailure(FailureKind.FORBIDDEN, message, "Test the connection, then try again.") from None


class _Session:
    """A login through psycopg. Statements run one after the other, in one read-only transaction."""

    def __init__(self, connection: "AsyncConnection[dict[str, Any]]", login: Login, route: Route) -> None:
        self._connection = connection
        self._login = login
        self._route = route
        self._lock = asyncio.Lock()
        self._begun = False

    @property
    def used_password(self) -> bool:
        """Whether the server asked for the password; where it did not, any other would have done as well."""
        return bool(self._connection.pgconn.used_password)

    async def rows(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        return await self._run(partial(self._ask, statement, values))

    async def change_password(self, new: Secret) -> None:
        await self._run(partial(self._change_password, new))

    async def _ask(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        if not self._begun:
            await self._connection.execute(_LIMIT_TIME)
            self._begun = True
        cursor = await self._connection.execute(statement.encode(), values or None)
        return await cursor.fetchall()

    async def _change_password(self, new: Secret) -> None:
        connection = self._connection
        await connection.rollback()
        await connection.set_read_only(False)
        await connection.execute(_alter(connection, new))
        await connection.commit()

    async def _run(self, work: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        """Do `work` alone. Cancelled, it hangs up at once: psycopg itself would wait for the statement to end."""
        import psycopg

        async with self._lock:
            running = asyncio.create_task(work())
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                self._login.hang_up()
                await asyncio.gather(running, return_exceptions=True)
                raise
            except psycopg.Error as error:
                if self._connection.closed or not error.sqlstate:
                    raise SessionEnded(self._route.host) from None
                self._begun = False
                await self._connection.rollback()
                raise SqlRefusal(error.sqlstate) from None


def _alter(connection: "AsyncConnection[dict[str, Any]]", new: Secret) -> "Composed":
    from psycopg import sql

    user = connection.info.user.encode()
    verifier = connection.pgconn.encrypt_password(new.reveal().encode(), user, b"scram-sha-256")
    return sql.SQL("ALTER ROLE SESSION_USER PASSWORD {}").format(sql.Literal(verifier.decode()))


async def _open(call: Call) -> _Session:
    """Log in once. Raises SqlRefusal with what the server said, and NetFailure."""
    import psycopg
    from psycopg.rows import dict_row

    route = await find_route(call, DEFAULT_PORT)
    streams = await reach(route, tls=call.tls is not None)
    async with AsyncExitStack() as undo:
        login = await undo.enter_async_context(relay(streams))
        try:
            connection = await psycopg.AsyncConnection.connect(
                **_parameters(call, login), row_factory=dict_row, prepare_threshold=None
            )
        except psycopg.OperationalError:
            if login.lost and login.refusal is None:
                raise explain(EOFError(), route.host, route.port) from None
            raise (login.refusal or SqlRefusal("unrecognised")) from None
        undo.push_async_callback(connection.close)
        await connection.set_read_only(True)
        await call.cleanup.enter_async_context(undo.pop_all())
    return _Session(connection, login, route)


def _parameters(call: Call, login: Login) -> dict[str, Any]:
    """Everything libpq would else take from the environment and change the way or the session by is given here."""
    return {
        "host": login.folder,
        "hostaddr": "",
        "port": DEFAULT_PORT,
        "user": call.text("username"),
        "password": call.text("password"),
        "dbname": call.text("database"),
        "application_name": "jackfield",
        "client_encoding": "UTF8",
        "connect_timeout": round(call.deadline.total),
        "options": "",
        "passfile": "",
        "require_auth": "none,password,md5,scram-sha-256",
        "sslmode": "disable",
        "gssencmode": "disable",
        "channel_binding": "disable",
        "target_session_attrs": "any",
    }
