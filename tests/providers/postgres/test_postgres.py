"""PostgreSQL keeps the contract on real servers of three versions."""

from collections.abc import Iterator

import pytest

from jackfield.model.check import GrantState
from jackfield.providers.contract.spec import Provider
from providers.contract import ProviderContract, World, check, rows
from providers.postgres.servers import ColdStandby, Postgres16, Postgres18
from providers.postgres.vendor import PostgresWorld
from support.servers.databases import MariaDB, Postgres
from support.servers.room import ServerRoom

pytest.importorskip("psycopg")


class TestPostgres15(ProviderContract):
    """With TLS. Here CREATEROLE alone is enough, so that the loss of ADMIN OPTION changes nothing that counts."""

    slug = "postgres"
    world = PostgresWorld

    @pytest.fixture
    def vendor(self, postgres: Postgres, mariadb: MariaDB, server_room: ServerRoom) -> Iterator[PostgresWorld]:
        without_tls, starting = server_room.get(Postgres16).port, server_room.get(ColdStandby).port
        with PostgresWorld(postgres, without_tls=without_tls, starting=starting, other=mariadb.port) as world:
            yield world

    async def test_removed_permission_turns_exactly_its_row(
        self, provider: Provider, vendor: World, permission_case: tuple[str, str, str]
    ) -> None:
        """As everywhere, but that CREATEROLE stands in for a lost ADMIN OPTION."""
        method, use, permission = permission_case
        if not permission.startswith("ADMIN OPTION"):
            await super().test_removed_permission_turns_exactly_its_row(provider, vendor, permission_case)
            return
        vendor.remove(method, use, permission)

        result = await check(vendor, provider, method)

        (state,) = [state for row, state in rows(result).items() if row[0] == use and row[1].startswith("ADMIN OPTION")]
        assert state is GrantState.IMPLIED


class TestPostgres16(ProviderContract):
    slug = "postgres"
    world = PostgresWorld
    server: type[Postgres] = Postgres16

    @pytest.fixture
    def vendor(self, server_room: ServerRoom) -> Iterator[PostgresWorld]:
        with PostgresWorld(server_room.get(self.server)) as world:
            yield world


class TestPostgres18(TestPostgres16):
    server = Postgres18
