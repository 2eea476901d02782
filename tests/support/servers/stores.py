"""Redis, with and without passwords, and a look-alike of MongoDB."""

import contextlib
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.servers.certificates import Certificates
from support.servers.room import HOST, Login, ServerRoom, end_process, program, unique


@dataclass(frozen=True, slots=True)
class Redis:
    """A Redis server with an ACL file: the default user is off, `user` may do everything."""

    port: int
    tls_port: int
    user: str
    password: str
    ca_pem: str
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "Redis":
        server = cls(room.free_port(), room.free_port(), "admin", "admin-pw", room.get(Certificates).ca_pem)
        folder = room.new_folder("redis")
        users = folder / "users.acl"
        users.write_text(f"user default off\nuser {server.user} on >{server.password} ~* &* +@all\n")
        _start_redis(room, folder, server.port, server.tls_port, "--aclfile", str(users))
        return server

    def execute(self, *command: str | int) -> Any:
        """Run one command as the administrator and return its answer."""
        import redis

        with redis.Redis(
            self.host, self.port, username=self.user, password=self.password, decode_responses=True
        ) as client:
            return client.execute_command(*command)

    @contextlib.contextmanager
    def account(self, *rules: str) -> Iterator[Login]:
        """A fresh ACL user with a password and these rules, such as `~app:*` and `+@read`, deleted afterwards."""
        login = Login(unique("user-"), unique("pw-"))
        self.execute("ACL", "SETUSER", login.user, "on", f">{login.password}", *rules)
        try:
            yield login
        finally:
            self.execute("ACL", "DELUSER", login.user)


@dataclass(frozen=True, slots=True)
class OpenRedis:
    """A Redis server as it comes: the default user needs no password."""

    port: int
    tls_port: int
    ca_pem: str
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "OpenRedis":
        server = cls(room.free_port(), room.free_port(), room.get(Certificates).ca_pem)
        _start_redis(room, room.new_folder("redis"), server.port, server.tls_port)
        return server


def _start_redis(room: ServerRoom, folder: Path, port: int, tls_port: int, *options: str) -> None:
    certificates = room.get(Certificates)
    room.start(
        [
            program("redis-server", "redis-server"),
            "--bind",
            HOST,
            "--port",
            str(port),
            "--tls-port",
            str(tls_port),
            "--tls-cert-file",
            certificates.server_file,
            "--tls-key-file",
            certificates.server_key_file,
            "--tls-ca-cert-file",
            certificates.ca_file,
            "--tls-auth-clients",
            "no",
            "--dir",
            folder,
            "--save",
            "",
            *options,
        ],
        folder=folder,
        port=port,
    )


@dataclass(frozen=True, slots=True)
class Mongo:
    """SecantusDB, which speaks MongoDB's protocol: SCRAM-SHA-256, roles, TLS only. `user` is root.

    Unlike mongod, it lists no privileges in `connectionStatus`. `ping` needs no login, as in mongod.
    """

    port: int
    user: str
    password: str
    ca_pem: str
    ca_file: str
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "Mongo":
        from pymongo import MongoClient

        daemon, certificates = program("secantusd-py", "SecantusDB of the Python index"), room.get(Certificates)
        folder = room.new_folder("mongo")
        server = cls(room.free_port(), "admin", "admin-pw", certificates.ca_pem, certificates.ca_file)
        argv: list[str | Path] = [
            daemon,
            "--host",
            HOST,
            "--port",
            str(server.port),
            "--storage-path",
            folder / "data",
            "--standalone",
            "--cache-size",
            "64M",
        ]
        started = room.start(argv, folder=folder, port=server.port)
        with MongoClient[dict[str, Any]](HOST, server.port, serverSelectionTimeoutMS=5000) as client:
            client.admin.command("createUser", server.user, pwd=server.password, roles=["root"])
        end_process(started, signal.SIGTERM)()
        secured = ["--auth", "--tls-cert-file", certificates.server_file]
        secured += ["--tls-key-file", certificates.server_key_file]
        room.start([*argv, *secured], folder=folder, port=server.port)
        return server

    def execute(self, command: str, value: object = 1, *, database: str = "admin", **more: Any) -> dict[str, Any]:
        """Run one command as root and return its answer."""
        from pymongo import MongoClient

        with MongoClient[dict[str, Any]](
            self.host,
            self.port,
            username=self.user,
            password=self.password,
            tls=True,
            tlsCAFile=self.ca_file,
            serverSelectionTimeoutMS=5000,
        ) as client:
            return client[database].command(command, value, **more)

    @contextlib.contextmanager
    def account(self, *roles: Mapping[str, str] | str) -> Iterator[Login]:
        """A fresh user of the admin database with these roles, dropped afterwards."""
        login = Login(unique("user-"), unique("pw-"))
        self.execute("createUser", login.user, pwd=login.password, roles=list(roles))
        try:
            yield login
        finally:
            self.execute("dropUser", login.user)
