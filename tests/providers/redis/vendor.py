"""Redis as it is: a real server with a fresh user; what only other servers say is said by a scripted one."""

import contextlib
import re
import socket
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, ClassVar, Self

from jackfield.net.network import Network
from providers.contract import World
from support.servers.stores import Redis
from support.serving import HOST, Place, serves

METHOD = "username-and-password"
NEEDED = ("+acl|setuser", "+acl|deluser", "+acl|save", "+multi", "+exec", "+discard", "+ping")
SELF_READING = ("+acl|getuser", "+acl|dryrun", "+acl|whoami")
NO_HELLO = b"-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n"

# Failure → what a server sends at once, or in answer to HELLO and AUTH.
SCRIPTS: dict[str, dict[str, bytes]] = {
    "no-password-set": {"HELLO": NO_HELLO, "AUTH": b"-ERR Client sent AUTH, but no password is set\r\n"},
    "no-users": {"HELLO": NO_HELLO},
    "protected-mode": {"": b"-DENIED Redis is running in protected mode because protected mode is enabled\r\n"},
    "loading": {"HELLO": b"-LOADING Redis is loading the dataset in memory\r\n"},
    "master-down": {"HELLO": b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n"},
    "too-many-clients": {"": b"-ERR max number of clients reached\r\n"},
    "not-redis": {"HELLO": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
}


class RedisWorld(World):
    """A user who holds exactly what the uses need, and cannot read its own rules."""

    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {"secret-rotation/acl-users": {"persist": "aclfile"}, "dynamic-secret/acl-users": {}}
    private_allowed = True
    shared = True
    rules: ClassVar = NEEDED

    def __init__(self, server: Redis) -> None:
        self.server = server
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.login = self._open.enter_context(self.server.account(*self.rules))
        self.offers = {"users": ({}, [self.login.user])}  # type: ignore[misc]  # the name is fresh in each world
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def network(self) -> Network:
        return Network()

    def fields(self, method: str) -> dict[str, Any]:
        return {
            "host": HOST, "port": self.server.tls_port, "username": self.login.user, "password": self.login.password,
            "sslCertificate": self.server.ca_pem,
        }  # fmt: skip

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "pw-of-nobody"}

    def allow_pickers(self) -> None:
        self.server.execute("ACL", "SETUSER", self.login.user, "+acl|users")

    def remove(self, method: str, use: str, permission: str) -> None:
        self.server.execute("ACL", "SETUSER", self.login.user, permission.replace("+", "-"))

    def revoke(self, method: str) -> None:
        """Redis ends the connections of a user that is deleted."""
        self.server.execute("ACL", "DELUSER", self.login.user)

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission == "+config|rewrite"

    def add_excess(self, method: str) -> str:
        return ""  # the rules of this user cannot be listed

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        fields = self.fields(method)
        match failure:
            case "bad-password":
                return self.wrong_fields(method)
            case "no-credentials":
                return {**fields, "username": "default", "password": ""}
            case "plain-text":
                return {**fields, "sslEnabled": "false"}
        place = self._open.enter_context(scripted(SCRIPTS[failure]))
        username = fields["username"] if failure == "no-users" else "default"
        return {**fields, "port": place.port, "username": username, "sslEnabled": "false"}


class SelfReadingRedisWorld(RedisWorld):
    """The same user, who may also read its own rules."""

    rules: ClassVar = (*NEEDED, *SELF_READING)

    def add_excess(self, method: str) -> str:
        self.server.execute("ACL", "SETUSER", self.login.user, "+get")
        return "+get"


def scripted(script: dict[str, bytes]) -> AbstractContextManager[Place]:
    """A server that answers each command as `script` says; what stands there under "" is sent unasked."""

    def conversation(client: socket.socket, place: Place) -> None:
        if "" in script:
            client.sendall(script[""])
            return
        with contextlib.closing(client.makefile("rb")) as lines:
            for line in lines:
                command = re.fullmatch(rb"(HELLO|AUTH|PING|ACL)\r\n", line)
                if command:
                    client.sendall(script.get(command[1].decode(), b"-ERR unknown command\r\n"))

    return serves(conversation)
