"""SQL Server in miniature: two principals' worth of rights behind a TDS conversation.

What it answers is written from the documentation of HAS_PERMS_BY_NAME and the catalog views.
"""

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self

from jackfield.net.network import Network
from providers.contract import World
from providers.mssql.tds import ON, REQUIRED, Conversation, Refused, Row, server_context
from support.certificates import authority
from support.wire import Wire, WireServer

METHOD = "username-and-password"
ROTATION = "secret-rotation/logins"
ROLE, SCHEMA = "dynamic-secret/database-role", "dynamic-secret/schema-rights"
HOST = "sql.example.com"
_TEXT = r"N'((?:[^']|'')*)'"


@dataclass
class SqlServer:
    """A server with one login, `robot`, and its user in the database `app`."""

    password: str = "G00d'Pass"
    server: set[str] = field(default_factory=lambda: {"CONNECT SQL", "ALTER ANY LOGIN"})
    database: set[str] = field(default_factory=lambda: {"CONNECT", "ALTER ANY USER"})
    on_role: set[str] = field(default_factory=lambda: {"readers"})  # roles the user may alter
    on_schema: set[str] = field(default_factory=lambda: {"SELECT", "INSERT", "UPDATE", "DELETE"})  # WITH GRANT OPTION
    controls: bool = False  # CONTROL on the schema dbo
    roles: set[str] = field(default_factory=set)  # server roles
    logins: tuple[str, ...] = ("app_a", "app_b")
    db_user: str = "robot"
    db_name: str = "app"
    edition: int = 3
    updateability: str = "READ_WRITE"
    authentication: int = 1
    checks_expiration: bool = False
    ends: str | None = None
    refuses: tuple[int, ...] = ()
    elsewhere: tuple[str, int] | None = None
    encryption: int = ON
    has_certificate: bool = True
    banner: bytes = b""
    killed: bool = False  # KILL was run for the session: its next statement ends it
    silent: bool = False  # takes statements and never answers
    asked: list[str] = field(default_factory=list)
    leaving: threading.Event = field(default_factory=threading.Event)

    def converse(self, wire: Wire) -> None:
        if self.banner:
            wire.write(self.banner)
            wire.read(1)
            return
        context = server_context(authority().server_context(HOST)) if self.has_certificate else None
        talk = Conversation(wire, context, encryption=self.encryption)
        if not talk.pre_login():
            return
        login = talk.login()
        if self.refuses:
            talk.refuse(Refused(self.refuses))
        elif self.elsewhere:
            talk.route_elsewhere(*self.elsewhere)
        elif (login.user, login.password) != ("robot", self.password):
            talk.refuse(Refused((18456,)))
        elif login.database.lower() not in {"app", "master"}:
            talk.refuse(Refused((4060, 18456)))
        else:
            talk.accept(login.database)
            talk.serve(self.answer)

    def answer(self, statement: str) -> Sequence[Row]:
        self.asked.append(statement)
        if self.killed:
            raise Refused((596,), last=True)
        if self.silent:
            self.leaving.wait(20)
            raise EOFError
        for pattern, reply in self._replies():
            if found := re.fullmatch(pattern, statement):
                return reply(*found.groups())
        raise Refused((102,))

    def _replies(self) -> list[tuple[str, Callable[..., Sequence[Row]]]]:
        return [
            (r"SELECT SUSER_SNAME\(\) AS login,.*", self._who),
            (r"SELECT HAS_PERMS_BY_NAME\(NULL, NULL, 'ALTER ANY LOGIN'\).*", self._server_rights),
            (r"SELECT HAS_PERMS_BY_NAME\(DB_NAME\(\), 'DATABASE', 'ALTER ANY USER'\) AS alter_any_user",
             lambda: [{"alter_any_user": int("ALTER ANY USER" in self.database)}]),
            (r"SELECT t.name, HAS_PERMS_BY_NAME\(.*\) AS may_alter FROM \(VALUES (.*)\) AS t \(name\)", self._logins),
            (rf"SELECT HAS_PERMS_BY_NAME\(QUOTENAME\({_TEXT}\), 'ROLE', 'ALTER'\) AS may_alter",
             lambda role: [{"may_alter": int(role in self.on_role) if role == "readers" else None}]),
            (rf"SELECT HAS_PERMS_BY_NAME\(QUOTENAME\({_TEXT}\), 'SCHEMA', 'CONTROL'\) AS control",
             lambda schema: [{"control": int(self.controls) if schema == "dbo" else None}]),
            (rf"SELECT permission_name AS name FROM sys.database_permissions WHERE .*SCHEMA_ID\({_TEXT}\).*",
             lambda schema: [{"name": right} for right in sorted(self.on_schema)]),
            (r"SELECT permission_name COLLATE DATABASE_DEFAULT AS name FROM sys.server_permissions.*", self._held),
            (r"SELECT CAST\(is_expiration_checked AS int\) AS checked.*",
             lambda: [{"checked": int(self.checks_expiration), "ends": self.ends}]),
            (r"SELECT name FROM sys.databases.*", lambda: [{"name": "app"}, {"name": "master"}]),
            (r"SELECT name FROM sys.server_principals.*", lambda: [{"name": name} for name in self.logins]),
            (r"SELECT name FROM sys.database_principals.*", lambda: [{"name": "readers"}]),
            (r"SELECT name FROM sys.schemas.*", lambda: [{"name": "dbo"}]),
            (rf"ALTER (?:LOGIN|USER) \[robot\] WITH PASSWORD = {_TEXT} OLD_PASSWORD = {_TEXT}", self._change),
        ]  # fmt: skip

    def _who(self) -> Sequence[Row]:
        return [
            {
                "login": "robot", "original": "robot", "db_user": self.db_user, "db_name": self.db_name,
                "version": "16.0.4085.2", "edition": self.edition, "updateability": self.updateability,
                "authentication": self.authentication,
            }
        ]  # fmt: skip

    def _server_rights(self) -> Sequence[Row]:
        """Effective rights; in an Azure database no name of a right on the server means anything."""
        names = ("ALTER ANY LOGIN", "CONTROL SERVER", "CONNECT SQL")
        every = "sysadmin" in self.roles
        return [
            {
                name.lower().replace(" ", "_"): None if self.edition == 5 else int(every or name in self.server)
                for name in names
            }
        ]

    def _logins(self, values: str) -> Sequence[Row]:
        named = [name.replace("''", "'") for name in re.findall(_TEXT, values)]
        may = int("ALTER ANY LOGIN" in self.server)
        return [{"name": name, "may_alter": may if name in self.logins else None} for name in named]

    def _held(self) -> Sequence[Row]:
        if self.edition == 5:
            raise Refused((208,))
        names = {*self.server, *(f"server role {role}" for role in self.roles)}
        names |= {f"{right} (database)" for right in self.database}
        names |= {f"ALTER on role {role}" for role in self.on_role} | {f"{one} on schema dbo" for one in self.on_schema}
        return [{"name": name} for name in sorted(names)]

    def _change(self, new: str, old: str) -> Sequence[Row]:
        if old.replace("''", "'") != self.password:
            raise Refused((15151,))
        self.password = new.replace("''", "'")
        return []


class MssqlWorld(World):
    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {
        ROTATION: {"logins": "app_a, app_b", "privileged": "yes"},
        ROLE: {"db_role": "readers"},
        SCHEMA: {},
    }
    offers: ClassVar = {
        "databases": ({}, ["app", "master"]),
        "login_names": ({}, ["app_a", "app_b"]),
        "db_roles": ({}, ["readers"]),
        "schemas": ({}, ["dbo"]),
    }

    def __init__(self, **changes: Any) -> None:
        self.sql = SqlServer(**changes)
        self.sql.server |= {"CONTROL SERVER"}  # for the use that says a target is privileged
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        self.server = self._undo.enter_context(WireServer(self.sql.converse))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sql.leaving.set()
        self._undo.__exit__(kind, error, trace)

    def network(self) -> Network:
        return Network(redirect={(HOST, 1433): ("127.0.0.1", self.server.port)}, roots=authority().ca_pem)

    def fields(self, method: str) -> dict[str, Any]:
        return {"host": HOST, "database": "App", "username": "robot", "password": "G00d'Pass"}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "of nobody"}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission in {"ALTER ANY LOGIN", "CONTROL SERVER", "CONNECT SQL"}:
            self.sql.server.discard(permission)
        elif permission.startswith("ALTER ANY USER"):
            self.sql.database.discard("ALTER ANY USER")
        elif permission.startswith("ALTER on the database role"):
            self.sql.on_role.clear()
        else:
            self.sql.on_schema.discard("DELETE")

    def revoke(self, method: str) -> None:
        """As after ALTER LOGIN … DISABLE and KILL."""
        self.sql.killed, self.sql.refuses = True, (18470,)

    def add_excess(self, method: str) -> str:
        self.sql.roles.add("dbcreator")
        return "server role dbcreator"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        numbers = {
            "no-database": (4060, 18456), "must-change": (18488,), "password-expired": (18487,), "disabled": (18470,),
            "locked": (18486,), "azure-firewall": (40615,), "azure-server-name": (40532,), "azure-paused": (40613,),
            "refused": (17809,),
        }  # fmt: skip
        match failure:
            case "bad-password":
                return self.wrong_fields(method)
            case "redirected":
                self.sql.elsewhere = ("tr1.example.net", 11042)
            case "tls-demanded":
                self.sql.encryption = REQUIRED
                return {**self.fields(method), "sslEnabled": False}
            case "no-tls":
                self.sql.has_certificate = False
            case "not-mssql":
                self.sql.banner = b"SSH-2.0-OpenSSH_9.2\r\n"
            case "other-database":
                self.sql.db_name = "master"
            case _:
                self.sql.refuses = numbers[failure]
        return None
