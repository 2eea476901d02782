"""A MariaDB server with one account in it, made by the very snippet that the provider shows."""

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Self

from jackfield.model.connection import IntendedUse
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, World
from support.servers.databases import MariaDB
from support.servers.room import HOST, unique

METHOD = "username-and-password"
ROTATION, DYNAMIC = "secret-rotation/accounts", "dynamic-secret/accounts"


class MySqlWorld(World):
    """`chosen` limits the snippet to some of the uses. `scripted` makes a server that answers a login in one way."""

    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {ROTATION: {}, DYNAMIC: {}}
    private_allowed = True
    shared = True

    def __init__(
        self,
        server: MariaDB,
        *,
        chosen: tuple[str, ...] = (ROTATION, DYNAMIC),
        scripted: Callable[[str], int] | None = None,
    ) -> None:
        self.server = server
        self.scripted = scripted
        self.user, self.password, self.database = unique("Robot o'"), unique('pw " %s '), unique("my_`db_")
        self.offers = {  # type: ignore[misc]  # the names are fresh in each world
            "databases": ({}, [self.database]),
            "accounts": ({}, [f"{self.user}@127.0.0.%"]),
        }
        every = {ROTATION: {"accounts": "a@%, b@%"}, DYNAMIC: {}}
        self.uses = {use: {**every[use], "client_host": "127.0.0.%"} for use in chosen}  # type: ignore[misc]  # fresh

    def __enter__(self) -> Self:
        self.server.execute(f"create database {name(self.database)}; create table {name(self.database)}.t (id int)")
        self.server.execute(self.snippet().replace("'<password>'", text(self.password)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.execute(f"drop user {self.account}; drop database {name(self.database)}")

    def snippet(self) -> str:
        uses = [IntendedUse(use, targets) for use, targets in self.uses.items()]
        names = {key: value for key, value in self.fields(METHOD).items() if key != "password"}
        return merged_snippet(REGISTRY.get("mysql"), uses, names)

    @functools.cached_property
    def account(self) -> str:
        return f"{text(self.user)}@'127.0.0.%'"

    def network(self) -> Network:
        return Network()

    def fields(self, method: str) -> dict[str, Any]:
        return {
            "host": HOST, "port": self.server.port, "database": self.database, "username": self.user,
            "password": self.password, "sslCertificate": self.server.ca_pem,
        }  # fmt: skip

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "of nobody at all"}

    def allow_pickers(self) -> None:
        self.server.execute(f"grant select on mysql.* to {self.account}")

    def remove(self, method: str, use: str, permission: str) -> None:
        right = "create user on *.*" if permission == "CREATE USER ON *.*" else f"delete on {name(self.database)}.*"
        self.server.execute(f"revoke {right} from {self.account}")

    def revoke(self, method: str) -> None:
        """Lock the account and end its sessions; MariaDB lets those of an account go on that is locked or dropped."""
        self.server.execute(f"alter user {self.account} account lock; kill connection user {text(self.user)}")
        assert any(not self._sessions() for _ in range(500)), "a session goes on"

    def _sessions(self) -> list[tuple[str, ...]]:
        return self.server.execute(f"select id from information_schema.processlist where user = {text(self.user)}")

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission == "SYSTEM_USER"

    def add_excess(self, method: str) -> str:
        self.server.execute(f"grant process on *.* to {self.account}")
        return "PROCESS ON *.*"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        fields = self.fields(method)
        match failure:
            case "bad-password":
                return self.wrong_fields(method)
            case "no-database-right":
                return {**fields, "database": "mysql"}
            case "no-database":
                self.server.execute(f"grant select on *.* to {self.account}")
                return {**fields, "database": "not there"}
            case "password-expired":
                self.server.execute(f"alter user {self.account} password expire")
            case "locked":
                self.server.execute(f"alter user {self.account} account lock")
            case _:
                assert self.scripted is not None
                return {**fields, "port": self.scripted(failure), "sslEnabled": failure == "no-tls"}
        return None


def name(plain: str) -> str:
    return "`" + plain.replace("`", "``") + "`"


def text(plain: str) -> str:
    return "'" + plain.replace("'", "''") + "'"
