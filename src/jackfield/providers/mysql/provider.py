"""MySQL and MariaDB: one login through asyncmy, and read-only questions over it."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jackfield.model.check import FailureKind
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure, explain
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.sql import SqlRefusal, Values, ask, find_route, in_session, log_in, plain_row
from jackfield.providers.mysql.grants import Grants, everywhere, read_grants
from jackfield.providers.mysql.login import judged_connection

DEFAULT_PORT: Final = 3306
_WHO: Final = """
SELECT CURRENT_USER() AS account, USER() AS login, DATABASE() AS `database`, @@version AS version,
       @@version_comment AS edition, @@read_only AS read_only
"""
_CLIENT_ERRORS: Final = range(2000, 3000)  # the driver's own; the server's are outside
_KILLED: Final = ("1053", "1927", "3169")  # shutdown; killed, as MariaDB and as MySQL number it
_UNKNOWN_PLUGIN: Final = 2059
_REPLACE_SINCE: Final = 80013


async def session(call: Call) -> Mapping[str, object]:
    """Who the login is and where. `error` is empty, the server's number, or a word for what answered instead."""
    try:
        opened = await log_in(call, _open)
        who = await opened.who()
        (status,) = await opened.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'", {})
    except SqlRefusal as refusal:
        return {"error": refusal.code}
    user, _, host = str(who["account"]).rpartition("@")
    return {"error": "", **who, "user": user, "host": host, "cipher": str(status["Value"])}


async def query(call: Call) -> Mapping[str, object]:
    """The rows of one SELECT of the provider file."""
    return await ask(call, _open)


async def grants(call: Call) -> Mapping[str, object]:
    """What the account may do: server-wide by itself (`own`) and with its active roles (`in_force`), and all names.

    With the arguments `database` and `rights`, `missing` says which of the rights cannot be passed on there.
    """
    try:
        found = await _read_grants(await log_in(call, _open))
    except SqlRefusal as refusal:
        return {"error": refusal.code}
    rights, database = call.arguments.get("rights", []), call.arguments.get("database", "")
    assert isinstance(rights, list)
    return {
        "error": "",
        "own": everywhere(found.own),
        "in_force": everywhere(found.in_force),
        "names": found.names,
        "missing": found.missing(map(str, rights), str(database)) if rights else [],
    }


async def change_password(call: Call, new: Secret) -> None:
    """Set the account's own password, in the way that needs no right for it."""
    opened = await log_in(call, _open)
    who = await opened.who()
    try:
        if who["mariadb"]:
            await opened.run("SET PASSWORD = PASSWORD(%(new)s)", {"new": new.reveal()})
        elif int(str(who["number"])) >= _REPLACE_SINCE:
            values = {"new": new.reveal(), "old": call.text("password")}
            await opened.run("ALTER USER USER() IDENTIFIED BY %(new)s REPLACE %(old)s", values)
        else:
            await opened.run("ALTER USER USER() IDENTIFIED BY %(new)s", {"new": new.reveal()})
    except SqlRefusal as refusal:
        message = f"The server did not change the password (error {refusal.code})."
        raise NetFailure(FailureKind.FORBIDDEN, message, "Test the connection, then try again.") from None


async def _read_grants(opened: "_Session") -> Grants:
    """What the session has as it is: roles that are not active at login count for nothing.

    MariaDB adds the active role's rights by itself, MySQL where it is told the roles.
    """
    found = read_grants(await opened.lines("SHOW GRANTS FOR CURRENT_USER()"))
    who = await opened.who()
    if who["mariadb"]:
        return read_grants(await opened.lines("SHOW GRANTS"))
    if not found.roles:
        return found
    (active,) = await opened.rows("SELECT CURRENT_ROLE() AS roles", {})
    if active["roles"] == "NONE":
        return found
    with_roles = read_grants(await opened.lines(f"SHOW GRANTS FOR CURRENT_USER() USING {active['roles']}"))
    return Grants(found.own, with_roles.own, found.roles)


class _Session:
    """A login through asyncmy. Its statements run one after the other."""

    def __init__(self, connection: Any, route: Route) -> None:
        self._connection = connection
        self._route = route
        self._lock = asyncio.Lock()
        self._who: Mapping[str, object] = {}

    async def who(self) -> Mapping[str, object]:
        """The account and the server. `number` is 80016 for version 8.0.16."""
        if not self._who:
            (found,) = await self.rows(_WHO, {})
            version = str(found["version"])
            release = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)", version)
            parts = [int(part) for part in release.groups()] if release else [0, 0, 0]
            mariadb = "mariadb" in f"{version} {found['edition']}".lower()
            number = parts[0] * 10_000 + parts[1] * 100 + parts[2]
            self._who = {**plain_row(found), "mariadb": mariadb, "number": number}
        return self._who

    async def rows(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        return await self.run(statement, values)

    async def lines(self, statement: str) -> list[str]:
        """The first column of what a statement shows."""
        return [str(next(iter(row.values()))) for row in await self.rows(statement, {})]

    async def run(self, statement: str, values: Values) -> Sequence[Mapping[str, object]]:
        from asyncmy.cursors import DictCursor
        from asyncmy.errors import MySQLError

        async with self._lock:
            with in_session(self._route.host, *_KILLED):
                try:
                    async with self._connection.cursor(DictCursor) as cursor:
                        await cursor.execute(statement, values or None)
                        return list(await cursor.fetchall() or ())
                except MySQLError as error:
                    raise _meaning(error, self._route) from None


async def _open(call: Call) -> _Session:
    """Log in once. Raises SqlRefusal with what the server said, and NetFailure."""
    from asyncmy.errors import MySQLError

    route = await find_route(call, DEFAULT_PORT)
    connection = judged_connection(call, route, await route.open_socket())
    call.cleanup.callback(connection.hang_up)
    try:
        async with asyncio.timeout_at(route.deadline.connect_ends()):
            await connection.connect()
    except MySQLError as error:
        raise _meaning(error, route) from None
    except (OSError, EOFError) as error:
        raise explain(error, route.host, route.port) from None
    return _Session(connection, route)


def _meaning(error: Exception, route: Route) -> SqlRefusal | NetFailure:
    """The server's number, or what happened to the connection."""
    number = error.args[0] if error.args else None
    if number == _UNKNOWN_PLUGIN:
        return SqlRefusal("unknown-plugin")
    if isinstance(number, int) and number not in _CLIENT_ERRORS and number:
        return SqlRefusal(str(number))
    if error.__cause__ is not None:
        return explain(error.__cause__, route.host, route.port)
    return explain(EOFError(), route.host, route.port)
