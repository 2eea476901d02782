"""The fixtures that hand out servers, and the beginning and end of the room they live in."""

import signal
from pathlib import Path
from typing import Any

import pytest

from support.servers.certificates import Certificates
from support.servers.databases import MariaDB, Postgres
from support.servers.directories import ActiveDirectory, OpenLDAP
from support.servers.emulate import EmulatedEntra, EmulatedGitHub
from support.servers.hosts import OpenSSH, Smb
from support.servers.oauth import OpenId
from support.servers.room import ServerRoom
from support.servers.stores import Mongo, OpenRedis, Redis
from support.servers.web import Aws, Chef, OpenBao, Zabbix

_ROOM = pytest.StashKey[ServerRoom]()


def pytest_configure(config: pytest.Config) -> None:
    """A worker gets the room of the process that started it, which alone opens and closes it."""
    given = getattr(config, "workerinput", None)
    if given:
        config.stash[_ROOM] = ServerRoom(Path(given["server_room"]))
    else:
        config.stash[_ROOM] = ServerRoom.open()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop, it still ends its servers


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["server_room"] = str(node.config.stash[_ROOM].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _ROOM in config.stash and not hasattr(config, "workerinput"):
        config.stash[_ROOM].close()


@pytest.fixture(scope="session")
def server_room(pytestconfig: pytest.Config) -> ServerRoom:
    return pytestconfig.stash[_ROOM]


@pytest.fixture(scope="session")
def server_certificates(server_room: ServerRoom) -> Certificates:
    return server_room.get(Certificates)


@pytest.fixture(scope="session")
def postgres(server_room: ServerRoom) -> Postgres:
    return server_room.get(Postgres)


@pytest.fixture(scope="session")
def mariadb(server_room: ServerRoom) -> MariaDB:
    return server_room.get(MariaDB)


@pytest.fixture(scope="session")
def redis_server(server_room: ServerRoom) -> Redis:
    return server_room.get(Redis)


@pytest.fixture(scope="session")
def open_redis(server_room: ServerRoom) -> OpenRedis:
    return server_room.get(OpenRedis)


@pytest.fixture(scope="session")
def mongo(server_room: ServerRoom) -> Mongo:
    return server_room.get(Mongo)


@pytest.fixture(scope="session")
def openldap(server_room: ServerRoom) -> OpenLDAP:
    return server_room.get(OpenLDAP)


@pytest.fixture(scope="session")
def active_directory(server_room: ServerRoom) -> ActiveDirectory:
    return server_room.get(ActiveDirectory)


@pytest.fixture(scope="session")
def openssh(server_room: ServerRoom) -> OpenSSH:
    return server_room.get(OpenSSH)


@pytest.fixture(scope="session")
def smb(server_room: ServerRoom) -> Smb:
    return server_room.get(Smb)


@pytest.fixture(scope="session")
def openbao(server_room: ServerRoom) -> OpenBao:
    return server_room.get(OpenBao)


@pytest.fixture(scope="session")
def zabbix(server_room: ServerRoom) -> Zabbix:
    return server_room.get(Zabbix)


@pytest.fixture(scope="session")
def chef(server_room: ServerRoom) -> Chef:
    return server_room.get(Chef)


@pytest.fixture(scope="session")
def aws(server_room: ServerRoom) -> Aws:
    return server_room.get(Aws)


@pytest.fixture(scope="session")
def openid(server_room: ServerRoom) -> OpenId:
    return server_room.get(OpenId)


@pytest.fixture(scope="session")
def emulated_github(server_room: ServerRoom) -> EmulatedGitHub:
    return server_room.get(EmulatedGitHub)


@pytest.fixture(scope="session")
def emulated_entra(server_room: ServerRoom) -> EmulatedEntra:
    return server_room.get(EmulatedEntra)
