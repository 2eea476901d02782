"""Oracle in two halves: a listener on a real socket that refuses, and recorded logins and rows behind the driver.

The wire of a login is the vendor's own and undocumented, so what comes after the listener is played at the driver's
interface, with the driver's own errors.
"""

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, ClassVar, Self
from unittest.mock import patch

import oracledb
from oracledb import errors

from jackfield.net.network import Network
from providers.contract import World
from support.certificates import authority
from support.wire import Wire, WireServer

METHOD = "username-and-password"
ROTATION, ROLE, CONNECT = "secret-rotation/users", "dynamic-secret/role", "dynamic-secret/connect"
HOST = "db.example.com"
REFUSE, REDIRECT = 4, 5


class Listener:
    """What a listener answers a connect with. `says` is a whole packet, `refuses` the number of an error."""

    def __init__(self) -> None:
        self.tls = True
        self.refuses = 0
        self.says = b""
        self.connects: list[str] = []
        self.closed = threading.Event()

    def converse(self, wire: Wire) -> None:
        if self.tls:
            wire.secure(authority().server_context(HOST))
        body = read_packet(wire)
        text = body[int.from_bytes(body[18:20], "big") - 8 :] or read_packet(wire)  # a long one comes by itself
        self.connects.append(text.decode("latin-1"))
        if self.says:
            wire.write(self.says)
        elif self.refuses:
            wire.write(refusal(self.refuses))
        wire.read(1)


def read_packet(wire: Wire) -> bytes:
    return wire.read(int.from_bytes(wire.read(8)[:2], "big") - 8)


def packet(kind: int, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(2, "big") + b"\0\0" + bytes([kind, 0]) + b"\0\0" + body


def refusal(number: int) -> bytes:
    text = f"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR={number})(ERROR_STACK=(ERROR=(CODE={number})(EMFI=4))))".encode()
    return packet(REFUSE, bytes([0x22, 0]) + len(text).to_bytes(2, "big") + text)


def redirection(host: str) -> bytes:
    text = f"(ADDRESS=(PROTOCOL=tcp)(HOST={host})(PORT=1521))".encode()
    return packet(REDIRECT, len(text).to_bytes(2, "big") + text)


class Database:
    """A user's rights, and the answers to what is asked of them."""

    def __init__(self) -> None:
        self.password = "Right-pass"
        self.own = {"CREATE SESSION": True, "ALTER USER": False, "CREATE USER": False, "DROP USER": False}
        self.own["ALTER SYSTEM"] = False
        self.roles = {"APP_READER": True, "CONNECT": True}
        self.through_roles: set[str] = set()
        self.not_in_force: set[str] = set()
        self.users = ["APP_A", "APP_B", "ROBOT"]
        self.context = {
            "account": "ROBOT", "proxy": None, "container": "FREEPDB1", "service": "freepdb1", "protocol": "tcps",
            "database_role": "PRIMARY",
        }  # fmt: skip
        self.status, self.ends = "OPEN", "2999-01-01T00:00:00Z"
        self.refuses = ""
        self.killed = False
        self.asked: list[str] = []

    def rows(self, statement: str, values: dict[str, object]) -> list[dict[str, object]]:
        self.asked.append(statement)
        if self.killed:
            raise oracle_error("ORA-00028: your session has been killed")
        for start, answer in self._answers():
            if statement.startswith(start):
                return answer(values)
        raise oracle_error("ORA-00942: table or view does not exist")

    def _answers(self) -> list[tuple[str, Callable[[dict[str, object]], list[dict[str, object]]]]]:
        yes = {True: "YES", False: "NO"}
        return [
            ("SET TRANSACTION READ ONLY", lambda _: []),
            ("SELECT SYS_CONTEXT", lambda _: [dict(self.context)]),
            ("SELECT privilege AS name FROM session_privs",
             lambda _: [{"NAME": name} for name in sorted({*self.own, *self.through_roles} - self.not_in_force)]),
            ("SELECT privilege AS name, admin_option FROM user_sys_privs",
             lambda _: [{"NAME": name, "ADMIN_OPTION": yes[admin]} for name, admin in self.own.items()]),
            ("SELECT granted_role AS name, admin_option FROM user_role_privs",
             lambda _: [{"NAME": name, "ADMIN_OPTION": yes[admin]} for name, admin in self.roles.items()]),
            ("SELECT username AS name FROM all_users WHERE ','",
             lambda values: [{"NAME": name} for name in str(values["names"]).split(",") if name in self.users]),
            ("SELECT account_status", lambda _: [{"STATUS": self.status, "ENDS": self.ends}]),
            ("SELECT username AS name FROM all_users WHERE oracle_maintained",
             lambda _: [{"NAME": name} for name in self.users]),
        ]  # fmt: skip


class Cursor:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: list[dict[str, object]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    async def execute(self, statement: str, values: dict[str, object] | None = None) -> None:
        self._rows = self._database.rows(" ".join(statement.split()), values or {})

    @property
    def description(self) -> Sequence[tuple[str, ...]]:
        return [(name,) for name in (self._rows[0] if self._rows else ())]

    async def fetchall(self) -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in self._rows]


class Connection:
    """The part of the driver's connection that a check uses."""

    version = "23.6.0.24.10"
    call_timeout = 0

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursor(self) -> Cursor:
        return Cursor(self._database)

    async def execute(self, statement: str) -> None:
        await self.cursor().execute(statement)

    async def changepassword(self, old: str, new: str) -> None:
        if old != self._database.password:
            raise oracle_error("ORA-01017: invalid username/password; logon denied")
        self._database.password = new

    async def close(self) -> None:
        pass


def oracle_error(message: str) -> oracledb.DatabaseError:
    """An error as the driver raises it."""
    return oracledb.DatabaseError(errors._Error(message=message))


class OracleWorld(World):
    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {
        ROTATION: {"users": "APP_A, APP_B"},
        ROLE: {"role": "APP_READER", "kill_sessions": "yes"},
        CONNECT: {"kill_sessions": "yes"},
    }
    offers: ClassVar = {"user_names": ({}, ["APP_A", "APP_B", "ROBOT"])}
    logs_in = True  # False: the listener is met for real

    def __init__(self) -> None:
        self.listener = Listener()
        self.database = Database()
        self.logins: list[dict[str, Any]] = []
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        self.server = self._undo.enter_context(WireServer(self.listener.converse))
        self._real = oracledb.connect_async
        self._undo.enter_context(patch.object(oracledb, "connect_async", self._connect))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.__exit__(kind, error, trace)

    async def _connect(self, **given: Any) -> Any:
        self.logins.append(given)
        if not self.logs_in:
            return await self._real(**given)
        if self.database.refuses:
            raise oracle_error(self.database.refuses)
        if given["password"] != self.database.password:
            raise oracle_error("ORA-01017: invalid username/password; logon denied")
        return Connection(self.database)

    def network(self) -> Network:
        return Network(redirect={(HOST, 2484): ("127.0.0.1", self.server.port)}, roots=authority().ca_pem)

    def fields(self, method: str) -> dict[str, Any]:
        return {"host": HOST, "port": 2484, "database": "freepdb1", "username": "ROBOT", "password": "Right-pass"}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "of nobody"}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission == "CREATE SESSION WITH ADMIN OPTION":
            self.database.own["CREATE SESSION"] = False
        elif found := re.fullmatch(r"role (.*) WITH ADMIN OPTION", permission):
            self.database.roles["CONNECT" if found[1] == "CONNECT" else "APP_READER"] = False
        elif permission == "CREATE SESSION":
            self.database.not_in_force.add(permission)
        else:
            del self.database.own[permission]

    def revoke(self, method: str) -> None:
        """As after ALTER USER … ACCOUNT LOCK and ALTER SYSTEM KILL SESSION."""
        self.database.killed, self.database.refuses = True, "ORA-28000: The account is locked."

    def add_excess(self, method: str) -> str:
        self.database.roles["DBA"] = False
        return "role DBA"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        recorded = {
            "locked": "ORA-28000: The account is locked.",
            "password-expired": "ORA-28001: The password has expired.",
            "no-session-right": "ORA-01045: user ROBOT lacks CREATE SESSION privilege; logon denied",
            "old-verifier": "DPY-3015: password verifier type 0x939 is not supported by python-oracledb in thin mode",
            "network-encryption": "DPY-3001: Native Network Encryption is only supported in thick mode",
            "too-old": "DPY-3010: connections to this database server version are not supported in thin mode",
            "not-open": "ORA-01033: ORACLE initialization or shutdown in progress",
            "closed": "DPY-4011: the database or network closed the connection",
            "refused": "ORA-00604: error occurred at recursive SQL level 1\nORA-20001: not today",
        }
        if failure == "bad-password":
            return self.wrong_fields(method)
        if failure in recorded:
            self.database.refuses = recorded[failure]
            return None
        self.logs_in = False
        plain = {**self.fields(method), "sslEnabled": False}
        match failure:
            case "no-service":
                self.listener.refuses = 12514
                return None
            case "no-slot":
                self.listener.refuses = 12516
                return None
            case "redirected":
                self.listener.says = redirection("10.9.9.9")
            case "tls-demanded":
                self.listener.says = b"\x15\x03\x01\x00\x02\x02\x46\x00"
            case "not-oracle":
                self.listener.says = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        self.listener.tls = False
        return plain
