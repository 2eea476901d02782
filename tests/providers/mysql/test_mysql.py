"""MySQL keeps the contract on a real MariaDB server; states it cannot be brought into come from a scripted one."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from providers.contract import ProviderContract
from providers.mysql.mysql8 import MySql8
from providers.mysql.vendor import MySqlWorld
from support.servers.databases import MariaDB

pytest.importorskip("asyncmy")

SCRIPTED: dict[str, dict[str, Any]] = {
    "host-not-allowed": {"greets_with": 1130},
    "host-blocked": {"greets_with": 1129},
    "no-slot": {"greets_with": 1040},
    "tls-demanded": {"refuses_with": 3159},
    "unknown-plugin": {"plugin": "authentication_ldap_sasl_client"},
    "no-tls": {"tls": False},
    "not-mysql": {"banner": b"SSH-2.0-OpenSSH_9.2\r\n"},
    "refused": {"refuses_with": 1105},
}


class TestMySql(ProviderContract):
    slug = "mysql"
    world = MySqlWorld

    @pytest.fixture
    def vendor(self, mariadb: MariaDB) -> Iterator[MySqlWorld]:
        with ExitStack() as servers:

            def scripted(failure: str) -> int:
                return servers.enter_context(MySql8(**SCRIPTED[failure]).server()).port

            yield servers.enter_context(MySqlWorld(mariadb, scripted=scripted))
