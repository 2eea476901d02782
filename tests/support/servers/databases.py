"""PostgreSQL and MariaDB."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from support.servers.certificates import Certificates
from support.servers.room import HOST, Login, ServerRoom, program, run, unique

# Members of these roles are let in, or not, in their own way; everyone else needs a password.
_HBA = """\
host    all +trusted   127.0.0.1/32 trust
host    all +rejected  127.0.0.1/32 reject
hostssl all +certified 127.0.0.1/32 cert
hostssl all +tls_only  127.0.0.1/32 scram-sha-256
host    all +tls_only  127.0.0.1/32 reject
host    all all        127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server with TLS. `user` is a superuser."""

    port: int
    user: str
    password: str
    ca_pem: str
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "Postgres":
        initdb, postgres, pg_isready = (program(name, "postgresql") for name in ("initdb", "postgres", "pg_isready"))
        certificates = room.get(Certificates)
        folder, port = room.new_folder("postgres", owner="postgres"), room.free_port()
        server = cls(port, "admin", "admin-pw", certificates.ca_pem)
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        data, secret = folder / "data", folder / "password"
        secret.write_text(server.password)
        secret.chmod(0o644)
        run(
            *become,
            initdb,
            "-D",
            data,
            "-U",
            server.user,
            f"--pwfile={secret}",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        install = ["install", *(["-o", "postgres"] if become else [])]
        run(*install, "-m", "600", certificates.server_key_file, data / "server.key")
        run(*install, "-m", "644", certificates.server_file, data / "server.crt")
        run(*install, "-m", "644", certificates.ca_file, data / "root.crt")
        (data / "pg_hba.conf").write_text(_HBA)
        settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": folder,
            "fsync": "off",
            "max_connections": "60",
            "ssl": "on",
            "ssl_ca_file": "root.crt",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        room.start(
            [*become, postgres, "-D", data, "-p", str(port), *options],
            folder=folder,
            port=port,
            ready=lambda: subprocess.run([pg_isready, "-q", "-h", HOST, "-p", str(port)]).returncode == 0,
            end_with=signal.SIGINT,
        )
        for role in ("trusted", "rejected", "certified", "tls_only"):
            server.execute(f"create role {role}")
        return server

    def execute(self, statement: str, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, in a transaction of its own, and return its rows."""
        import psycopg

        with psycopg.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def database(self, owner: str | None = None) -> Iterator[str]:
        """A fresh empty database, dropped afterwards."""
        name = unique("db_")
        self.execute(f"create database {name} owner {owner or self.user}")
        try:
            yield name
        finally:
            self.execute(f"drop database {name} with (force)")

    @contextlib.contextmanager
    def role(self, *options: str) -> Iterator[Login]:
        """A fresh login role with a password, dropped afterwards with what it owns outside fresh databases.

        `options` are SQL, such as `createrole`, `connection limit 0`, `valid until '2020-01-01'`, or `in role` with
        one of trusted, rejected, certified and tls_only.
        """
        login = Login(unique("role_"), unique("pw-"))
        self.execute(f"create role {login.user} login password '{login.password}' {' '.join(options)}")
        try:
            yield login
        finally:
            self.execute(f"drop owned by {login.user} cascade")
            self.execute(f"drop role {login.user}")


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A MariaDB server with TLS. `user` holds every privilege."""

    port: int
    user: str
    password: str
    ca_pem: str
    socket: str
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "MariaDB":
        daemon, install = program("mariadbd", "mariadb-server"), program("mariadb-install-db", "mariadb-server")
        certificates = room.get(Certificates)
        folder, port = room.new_folder("mariadb"), room.free_port()
        server = cls(port, "admin", "admin-pw", certificates.ca_pem, str(folder / "socket"))
        account = ["--user=root"] if os.getuid() == 0 else []
        run(
            install,
            "--no-defaults",
            *account,
            f"--datadir={folder / 'data'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        room.start(
            [
                daemon,
                "--no-defaults",
                *account,
                f"--datadir={folder / 'data'}",
                f"--socket={server.socket}",
                f"--pid-file={folder / 'pid'}",
                f"--bind-address={HOST}",
                f"--port={port}",
                "--skip-name-resolve",
                f"--ssl-ca={certificates.ca_file}",
                f"--ssl-cert={certificates.server_file}",
                f"--ssl-key={certificates.server_key_file}",
                "--innodb-flush-log-at-trx-commit=0",
            ],
            folder=folder,
            port=port,
        )
        server.execute(
            f"create user {server.user}@'{HOST}' identified by '{server.password}';"
            f"grant all on *.* to {server.user}@'{HOST}' with grant option"
        )
        return server

    def execute(self, statements: str, *, database: str = "mysql") -> list[tuple[str, ...]]:
        """Run statements as root over the socket and return their rows, as text."""
        client = program("mariadb", "mariadb-client")
        printed = run(client, "--no-defaults", "-S", self.socket, "-uroot", "-N", "-B", database, text=statements)
        return [tuple(line.split("\t")) for line in printed.splitlines()]

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """A fresh empty database, dropped afterwards."""
        name = unique("db_")
        self.execute(f"create database {name}")
        try:
            yield name
        finally:
            self.execute(f"drop database {name}")

    @contextlib.contextmanager
    def account(self, *options: str, grants: str = "") -> Iterator[Login]:
        """A fresh account with a password, dropped afterwards.

        `options` are SQL, such as `require ssl`, `account lock` or `password expire`; `grants` is what stands
        between GRANT and TO, such as `select on db_1.*`.
        """
        login = Login(unique("user_"), unique("pw-"))
        self.execute(f"create user {login.user}@'{HOST}' identified by '{login.password}' {' '.join(options)}")
        if grants:
            self.execute(f"grant {grants} to {login.user}@'{HOST}'")
        try:
            yield login
        finally:
            self.execute(f"drop user {login.user}@'{HOST}'")
