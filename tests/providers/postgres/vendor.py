"""A PostgreSQL server with one credential in it, made by the very snippet that the provider shows."""

from contextlib import ExitStack
from types import TracebackType
from typing import Any, ClassVar, Self

from jackfield.model.connection import IntendedUse
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, World
from support.servers.databases import Postgres
from support.servers.room import HOST, unique

METHOD = "username-and-password"
ROTATION, GROUP, TABLES = "secret-rotation/login-roles", "dynamic-secret/group-role", "dynamic-secret/table-grants"


class PostgresWorld(World):
    """`chosen` limits the snippet to some of the uses. `elsewhere` are ports where other things listen."""

    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {ROTATION: {}, GROUP: {}, TABLES: {}}
    private_allowed = True
    shared = True

    def __init__(
        self, server: Postgres, *, chosen: tuple[str, ...] = (ROTATION, GROUP, TABLES), **elsewhere: int
    ) -> None:
        self.server = server
        self.elsewhere = elsewhere
        self.user, self.password = unique("Robot "), unique("pw '\\ %s ")
        self.targets, self.group, self.schema = (unique("a b "), unique('c"d ')), unique("group"), unique("Schema ")
        every = {
            ROTATION: {"roles": ", ".join(self.targets)},
            GROUP: {"group_role": self.group},
            TABLES: {"schema": self.schema},
        }
        self.uses = {use: every[use] for use in chosen}  # type: ignore[misc]  # the names are fresh in each world
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        self.database = self._undo.enter_context(self.server.database())
        self.offers = {  # type: ignore[misc]  # the names are fresh in each world
            "databases": ({}, [self.database]),
            "login_roles": ({}, sorted([*self.targets, self.user], key=str.casefold)),
            "group_roles": ({}, [self.group]),
            "schemas": ({}, [self.schema]),
        }
        for role in self.targets:
            self.admin(f"create role {quoted(role)} login")
            self._undo.callback(self._drop, role)
        self.admin(f"create role {quoted(self.group)}")
        self._undo.callback(self._drop, self.group)
        schema = quoted(self.schema)
        self.admin(f"create schema {schema}; create table {schema}.one (id int); create view {schema}.two as select 1")
        self._undo.callback(self._drop, self.user)
        self.admin(self.snippet())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def snippet(self) -> str:
        uses = [IntendedUse(use, targets) for use, targets in self.uses.items()]
        return merged_snippet(REGISTRY.get("postgres"), uses, self.fields(METHOD))

    def admin(self, statement: str) -> list[tuple[Any, ...]]:
        """Run something as the superuser, in this world's database."""
        return self.server.execute(statement, database=self.database)

    def _drop(self, role: str) -> None:
        for database in (self.database, "postgres"):
            if self.server.execute("select 1 from pg_roles where rolname = %s", role):
                self.server.execute(f"drop owned by {quoted(role)} cascade", database=database)
        self.server.execute(f"drop role if exists {quoted(role)}")

    def network(self) -> Network:
        return Network()

    def fields(self, method: str) -> dict[str, Any]:
        tls = bool(self.server.ca_pem)
        return {
            "host": HOST, "port": self.server.port, "database": self.database, "username": self.user,
            "password": self.password, "sslEnabled": tls, "sslCertificate": self.server.ca_pem,
        }  # fmt: skip

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "of nobody at all"}

    def remove(self, method: str, use: str, permission: str) -> None:
        user, schema = quoted(self.user), quoted(self.schema)
        if permission == "CREATEROLE":
            self.admin(f"alter role {user} nocreaterole")
        elif permission.startswith("ADMIN OPTION on the group"):
            self.admin(f"revoke admin option for {quoted(self.group)} from {user}")
        elif permission.startswith("ADMIN OPTION"):
            self.admin(f"revoke admin option for {quoted(self.targets[1])} from {user}")
        elif permission.startswith("USAGE"):
            self.admin(f"revoke usage on schema {schema} from {user}")
        else:
            self.admin(f"revoke grant option for update on {schema}.two from {user}")

    def revoke(self, method: str) -> None:
        """No new login, and the sessions that are open are ended; the server is waited for."""
        self.admin(f"alter role {quoted(self.user)} nologin")
        self.server.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = %s", self.user
        )

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission == "SUPERUSER"

    def add_excess(self, method: str) -> str:
        self.admin(f"alter role {quoted(self.user)} createdb")
        return "CREATEDB"

    def methods_for_failure(self, failure: str) -> list[str]:
        needs = {"no-tls": "without_tls", "not-ready": "starting", "not-postgres": "other", "no-login-rule": "tls"}
        has = {*self.elsewhere, *(["tls"] if self.server.ca_pem else [])}
        return [METHOD] if needs.get(failure, "tls") in has or failure not in needs else []

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        user, fields = quoted(self.user), self.fields(method)
        match failure:
            case "bad-password":
                return self.wrong_fields(method)
            case "tls-demanded":
                self.admin(f"grant rejected to {user}")
                return {**fields, "sslEnabled": False}
            case "no-login-rule":
                self.admin(f"grant rejected to {user}")
            case "no-login":
                self.admin(f"alter role {user} nologin")
            case "no-database":
                return {**fields, "database": self.database.upper()}
            case "no-connect":
                self.admin(f"revoke connect on database {self.database} from public, {user}")
            case "no-slot":
                self.admin(f"alter role {user} connection limit 0")
            case "not-ready":
                return {**fields, "port": self.elsewhere["starting"], "sslEnabled": False}
            case "no-tls":
                return {**fields, "port": self.elsewhere["without_tls"]}
            case "not-postgres":
                return {**fields, "port": self.elsewhere["other"]}
            case "refused":
                self.server.execute(f"alter database {self.database} allow_connections false")
                self._undo.callback(self.server.execute, f"alter database {self.database} allow_connections true")
        return None


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
