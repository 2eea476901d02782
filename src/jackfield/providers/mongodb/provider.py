"""MongoDB with pymongo over streams of ours: one login to one server, then commands that only read."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jackfield.model.check import FailureKind
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.text import cleaned

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient

_SRV: Final = "mongodb+srv://"
_SELECTION_MS: Final = 4000
_MEMBERS: Final = 5

# Built-in roles that administer users: of their own database, or of every database when they are held on admin.
_OF_DATABASE: Final = frozenset({"userAdmin", "dbOwner"})
_OF_ALL: Final = frozenset({"userAdminAnyDatabase", "root", "__system"})
_OTHER_BUILT_IN: Final = frozenset({
    "read", "readWrite", "dbAdmin", "clusterAdmin", "clusterManager", "clusterMonitor", "hostManager", "backup",
    "restore", "readAnyDatabase", "readWriteAnyDatabase", "dbAdminAnyDatabase", "enableSharding",
    "directShardOperations",
})  # fmt: skip


class _Session:
    """The logged-in client, and what its server said of itself."""

    def __init__(self, client: "AsyncMongoClient[dict[str, Any]]", bridge: "_Bridge", source: str) -> None:
        self.client = client
        self.bridge = bridge
        self.source = source
        self.hello: dict[str, Any] = {}
        self.status: dict[str, Any] = {}


class _Bridge:
    """A socket in a private folder for a library that connects by itself; what passes goes over judged streams."""

    def __init__(self, route: Route, *, tls: bool) -> None:
        self._tls = tls
        self._route = route
        self._first: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="jackfield-"))
        self._server: asyncio.Server | None = None
        self._talks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.path = self._folder / "mongodb.sock"

    async def open(self, call: Call) -> None:
        """Reach the server once, so that what fails on the way fails here, then wait for the library."""
        call.cleanup.callback(shutil.rmtree, self._folder)
        self._first = await self._route.open_stream(tls=self._tls)
        self._writers.append(self._first[1])
        call.cleanup.push_async_callback(self._close)
        self._server = await asyncio.start_unix_server(self._accept, self.path)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._talks.append(asyncio.create_task(self._talk(reader, writer)))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, self._first = self._first, None
        try:
            there, back = first or await self._route.open_stream(tls=self._tls)
        except NetFailure:
            writer.close()
            return
        self._writers.append(back)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what comes, and the end of it."""
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


# --- connecting --------------------------------------------------------------------------------------------------


async def _session(call: Call) -> _Session:
    return await call.once("session", lambda: _open(call))


async def _open(call: Call) -> _Session:
    """The client of the server that takes changes, or of the one server named; it has not logged in yet."""
    host = call.text("host").removeprefix("mongodb://")
    if not host.startswith(_SRV):
        return await _member(call, host, call.number("port", 27017), call.text("database"))
    return await _primary(call, await look_up_members(host.removeprefix(_SRV)))


async def _primary(call: Call, members: list[tuple[str, int]]) -> _Session:
    """The member that takes changes, else the last that answered. Raises what went wrong with the last one."""
    from pymongo.errors import PyMongoError

    reached: _Session | None = None
    failure: Exception | None = None
    for member in members[:_MEMBERS]:
        try:
            reached = await _member(call, *member, "admin")
        except (NetFailure, PyMongoError) as error:
            failure = error
            continue
        if reached.hello.get("isWritablePrimary"):
            break
    if reached is None:
        assert failure is not None
        raise failure
    return reached


async def look_up_members(host: str) -> list[tuple[str, int]]:
    """The servers behind a mongodb+srv name, all of its own domain. Raises NetFailure."""
    from dns.asyncresolver import resolve
    from dns.exception import DNSException

    try:
        answer = await resolve(f"_mongodb._tcp.{host}", "SRV")
    except DNSException:
        message = f"There are no servers listed for {host}."
        raise NetFailure(FailureKind.NAME, message, "Check how the host name is spelled.") from None
    members = [(str(record.target).rstrip("."), int(record.port)) for record in answer]
    domain = "." + (host.partition(".")[2] if host.count(".") > 1 else host)
    if not members or any(not name.casefold().endswith(domain.casefold()) for name, _ in members):
        message = f"The servers listed for {host} belong to another domain."
        raise NetFailure(FailureKind.NAME, message, "Check the host, and who runs its name servers.")
    return sorted(members)


async def _member(call: Call, host: str, port: int, source: str) -> _Session:
    """A client of one server, and what that says of itself without a login."""
    route = call.network.route(
        host, port, deadline=call.deadline, trace=call.trace, private_allowed=call.private_allowed, tls=call.tls
    )
    if call.tls is None and not await route.is_near():
        message = f"{host} is a public host, and without TLS the login would cross the internet unencrypted."
        raise NetFailure(FailureKind.TLS, message, "Switch TLS on for this connection.")
    bridge = _Bridge(route, tls=call.tls is not None)
    await bridge.open(call)
    session = _Session(_new_client(call, bridge, source), bridge, source)
    call.cleanup.push_async_callback(session.client.close)
    stranger = _new_client(call, bridge, "")
    try:
        session.hello = await stranger.admin.command("hello")
    finally:
        await stranger.close()
    return session


def _new_client(call: Call, bridge: _Bridge, source: str) -> "AsyncMongoClient[dict[str, Any]]":
    """A client that connects to one server, logs in once, and tries nothing twice; a stranger without `source`."""
    from pymongo import AsyncMongoClient

    login: dict[str, Any] = {"username": call.text("username"), "password": call.text("password"), "authSource": source}
    place = "mongodb://" + quote(str(bridge.path), safe="")
    return AsyncMongoClient(
        place, directConnection=True, maxPoolSize=1, retryReads=False, retryWrites=False,
        serverMonitoringMode="poll", serverSelectionTimeoutMS=_SELECTION_MS,
        connectTimeoutMS=round(call.deadline.connect * 1000), **(login if source else {}),
    )  # fmt: skip


# --- facts -------------------------------------------------------------------------------------------------------


async def log_in(call: Call) -> Mapping[str, object]:
    """The one login, judged by connectionStatus: `error` (the server's code, or a word), and who that is."""
    from pymongo.errors import OperationFailure, PyMongoError

    try:
        session = await _session(call)
        command = {"connectionStatus": 1, "showPrivileges": True}
        session.status = (await session.client[session.source].command(command))["authInfo"]
    except OperationFailure as error:
        return {"error": str(error.code or "unknown")}
    except (PyMongoError, KeyError, TypeError):
        return {"error": "no-answer"}
    users = [(str(user.get("user")), str(user.get("db"))) for user in session.status.get("authenticatedUsers", [])]
    user, source = next(iter(users), ("", ""))
    hello = session.hello
    return {
        "error": "",
        "user": cleaned(user, limit=200),
        "source": cleaned(source, limit=200),
        "expected": session.source,
        "roles": sorted(_named_roles(session)),
        "custom": sorted(name for name in _named_roles(session) if not _is_built_in(name)),
        "set": cleaned(str(hello.get("setName", "")), limit=100),
        "primary": hello.get("isWritablePrimary", hello.get("ismaster")) is True,
        "version": int(hello.get("maxWireVersion", 0)),
    }


def _roles(session: _Session) -> list[tuple[str, str]]:
    return [(str(role.get("role")), str(role.get("db"))) for role in session.status.get("authenticatedUserRoles", [])]


def _named_roles(session: _Session) -> set[str]:
    return {cleaned(f"{role}@{database}", limit=200) for role, database in _roles(session)}


def _is_built_in(name: str) -> bool:
    return name.partition("@")[0] in _OF_DATABASE | _OF_ALL | _OTHER_BUILT_IN


async def read_rights(call: Call) -> Mapping[str, object]:
    """`may`: each of `actions` → whether it is held on every one of `databases`; absent where that cannot be told.

    `exact` tells whether it is the role userAdmin of the database that gives them.
    """
    session = await _session(call)
    databases = [str(name) for name in _list(call.arguments["databases"])]
    actions = [str(name) for name in _list(call.arguments["actions"])]
    roles = _roles(session)
    exact = all(("userAdmin", database) in roles for database in databases)
    may: dict[str, bool] = {}
    for action in actions:
        verdicts = {_holds(session, roles, action, database) for database in databases}
        if None not in verdicts:
            may[action] = all(verdicts)
    return {"may": may, "exact": exact}


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else []


def _holds(session: _Session, roles: list[tuple[str, str]], action: str, database: str) -> bool | None:
    """By privileges as the server lists them, else by its built-in roles; None when neither can tell."""
    privileges = session.status.get("authenticatedUserPrivileges") or []
    if any(_covers(one.get("resource", {}), database) and action in one.get("actions", ()) for one in privileges):
        return True
    if any((role in _OF_DATABASE and db == database) or (role in _OF_ALL and db == "admin") for role, db in roles):
        return True
    if privileges or not roles:
        return False
    return False if all(_is_built_in(role) for role, _ in roles) else None


def _covers(resource: Mapping[str, Any], database: str) -> bool:
    """Whether a privilege's resource holds the whole database; an empty name stands for every one of users."""
    if resource.get("anyResource"):
        return True
    name, collection = resource.get("db"), resource.get("collection")
    return collection == "" and (name == database or (name == "" and database not in {"local", "config"}))


async def ask_as_stranger(call: Call) -> Mapping[str, object]:
    """`open`: whether somebody without any login may list databases, so that access control is off."""
    from pymongo.errors import OperationFailure, PyMongoError

    session = await _session(call)
    stranger = _new_client(call, session.bridge, "")
    try:
        await stranger.admin.command({"listDatabases": 1, "nameOnly": True})
    except OperationFailure:
        return {"open": False}
    except PyMongoError:
        return {"undecided": True}
    finally:
        await stranger.close()
    return {"open": True}


async def change_password(call: Call, new: Secret) -> None:
    """Set the user's own password, and wait until most members have it. Raises NetFailure."""
    from pymongo.errors import PyMongoError

    session = await _session(call)
    if call.tls is None:
        message = "Without TLS the new password would cross the network in plain text."
        raise NetFailure(FailureKind.TLS, message, "Switch TLS on for this connection.")
    command = {
        "updateUser": call.text("username"),
        "pwd": new.reveal(),
        "writeConcern": {"w": "majority", "wtimeout": _SELECTION_MS},
    }
    try:
        await session.client[session.source].command(command)
    except PyMongoError:
        message = "MongoDB did not change the password."
        raise NetFailure(
            FailureKind.FORBIDDEN, message, "Test the connection; the user needs changePassword."
        ) from None


async def list_names(call: Call) -> Mapping[str, object]:
    """`names` of databases this user may see, or of users of its database; absent where that is refused."""
    from pymongo.errors import PyMongoError

    session = await _session(call)
    try:
        if call.arguments["of"] == "databases":
            command = {"listDatabases": 1, "nameOnly": True, "authorizedDatabases": True}
            found = [one["name"] for one in (await session.client.admin.command(command))["databases"]]
        else:
            answer = await session.client[call.text("database")].command({"usersInfo": 1})
            found = [one["user"] for one in answer["users"]]
    except (PyMongoError, LookupError, TypeError):
        return {"undecided": True}
    return {"names": sorted(cleaned(str(name), limit=200) for name in found)}
