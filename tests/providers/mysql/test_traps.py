"""What makes a MySQL login look better or worse than it is."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from jackfield.providers.mysql.grants import read_grants
from providers.contract import REGISTRY, check, rows, told
from providers.mysql.mysql8 import MySql8
from providers.mysql.servers import OpenMariaDB
from providers.mysql.vendor import DYNAMIC, METHOD, ROTATION, MySqlWorld, name, text
from support.calls import opened_call
from support.certificates import authority
from support.servers.databases import MariaDB
from support.servers.room import HOST, ServerRoom, program, unique

pytest.importorskip("asyncmy")

MYSQL = REGISTRY.get("mysql")


@pytest.fixture
def world(mariadb: MariaDB) -> Iterator[MySqlWorld]:
    with MySqlWorld(mariadb) as world:
        yield world


async def check_mysql8(vendor: MySql8, uses: dict[str, dict[str, str]] | None = None, **fields: Any) -> CheckResult:
    """Run a check against the scripted server."""
    world = MySqlWorld(MariaDB(0, "", "", authority().ca_pem, ""))
    with vendor.server() as server:
        given = {**world.fields(METHOD), "port": server.port, "username": "robot", "password": "right", **fields}
        return await check(world, MYSQL, METHOD, uses=uses or {}, fields={**given, "database": "app"})


class TestProof:
    async def test_server_without_grant_tables_proves_nothing(self, server_room: ServerRoom) -> None:
        """With skip-grant-tables everyone is let in; the read-only state is told too."""
        server = server_room.get(OpenMariaDB)
        world = MySqlWorld(server)
        fields = {**world.fields(METHOD), "database": "information_schema"}

        result = await check(world, MYSQL, METHOD, uses={}, fields=fields)

        assert result.outcome is Outcome.UNPROVEN
        assert any("read-only" in warning for warning in result.warnings)

    async def test_anonymous_account_proves_nothing(self, world: MySqlWorld) -> None:
        """A name that no account has matches the anonymous one, which anybody may use."""
        world.server.execute("create user ''@'127.0.0.1' identified by 'anonymous'")
        try:
            fields = {**world.fields(METHOD), "username": unique("nobody"), "password": "anonymous"}
            result = await check(world, MYSQL, METHOD, uses={}, fields={**fields, "database": "information_schema"})
        finally:
            world.server.execute("drop user ''@'127.0.0.1'")

        assert result.outcome is Outcome.UNPROVEN

    async def test_anonymous_account_that_hides_the_right_one_is_named(self, world: MySqlWorld) -> None:
        """A nearer anonymous account makes the right password look wrong; the next step says so."""
        world.server.execute("create user ''@'127.0.0.1' identified by 'anonymous'")
        world.server.execute(f"rename user {world.account} to {text(world.user)}@'127.%'")
        try:
            result = await check(world, MYSQL, METHOD, uses={})
        finally:
            world.server.execute(f"drop user ''@'127.0.0.1'; rename user {text(world.user)}@'127.%' to {world.account}")

        assert result.failure is not None
        assert result.failure.rule == "bad-password"
        assert "anonymous" in result.failure.next_step

    async def test_password_hash_is_never_told(self, world: MySqlWorld) -> None:
        """MariaDB's list of rights holds the account's password hash; no part of a result does."""
        (listed,) = [row[0] for row in world.server.execute(f"show grants for {world.account}") if "PASSWORD" in row[0]]
        digest = listed.split("PASSWORD '")[1].split("'")[0]

        result = await check(world, MYSQL, METHOD)

        assert len(digest) == 41
        assert digest not in told(result)

    async def test_expired_password_after_the_login_is_told(self) -> None:
        """MySQL 8 may let an expired password in and refuse every statement."""

        class Expired(MySql8):
            def _answer(self, wire: Any, asked: str) -> None:
                super()._answer(wire, "refused")

        vendor = Expired()
        result = await check_mysql8(vendor)

        assert result.failure is not None
        assert result.failure.rule == "refused"
        assert "1227" in result.failure.next_step

    async def test_password_is_proven_over_tls(self) -> None:
        """caching_sha2_password works from its cache and with the password itself; a wrong one is refused."""
        right = await check_mysql8(MySql8())
        wrong = await check_mysql8(MySql8(), password="wrong")

        assert right.identity["account"] == "robot@%"
        assert wrong.failure is not None
        assert wrong.failure.rule == "bad-password"

    async def test_locked_account_of_mysql_is_told(self) -> None:
        result = await check_mysql8(MySql8(refuses_with=3118))

        assert result.failure is not None
        assert result.failure.rule == "locked"


class TestPermissions:
    @pytest.mark.parametrize("chosen", [(ROTATION,), (DYNAMIC,), (ROTATION, DYNAMIC)], ids=str)
    async def test_snippet_gives_just_what_is_needed(self, mariadb: MariaDB, chosen: tuple[str, ...]) -> None:
        """An account made by the pasted snippet passes: no row missing, none in excess."""
        with MySqlWorld(mariadb, chosen=chosen) as world:
            database = world.database if DYNAMIC in chosen else "information_schema"

            result = await check(world, MYSQL, METHOD, fields={**world.fields(METHOD), "database": database})

        assert result.outcome is Outcome.PASSED
        assert set(rows(result).values()) == {GrantState.GRANTED}

    def test_what_is_granted_is_enough_for_the_features(self, world: MySqlWorld) -> None:
        """With the snippet's rights alone, every statement that the features run is accepted."""
        short_lived = f"{text(unique('v'))}@'%'"
        refused = as_robot(
            world,
            f"CREATE USER {short_lived} IDENTIFIED BY 'pw';"
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name(world.database)}.* TO {short_lived};"
            f"ALTER USER {short_lived} IDENTIFIED BY 'new';"
            f"DROP USER {short_lived}",
        )

        assert refused == ""

    async def test_role_counts_when_it_is_active_at_login(self, world: MySqlWorld) -> None:
        """A right that only a role holds is implied while the role is a default one, and else not there."""
        role = unique("role_")
        world.server.execute(f"revoke create user on *.* from {world.account}; create role {role}")
        try:
            world.server.execute(f"grant create user on *.* to {role}; grant {role} to {world.account}")
            inactive = rows(await check(world, MYSQL, METHOD))
            world.server.execute(f"set default role {role} for {world.account}")
            active = rows(await check(world, MYSQL, METHOD))
        finally:
            world.server.execute(f"drop role {role}")

        assert inactive[ROTATION, "CREATE USER ON *.*"] is GrantState.MISSING
        assert active[ROTATION, "CREATE USER ON *.*"] is GrantState.IMPLIED
        assert active["", f"role {role}"] is GrantState.EXCESS

    async def test_all_rights_on_the_server_imply_and_exceed(self, world: MySqlWorld) -> None:
        world.server.execute(f"grant all on *.* to {world.account} with grant option")

        result = await check(world, MYSQL, METHOD)

        assert rows(result)[ROTATION, "CREATE USER ON *.*"] is GrantState.IMPLIED
        worst = next(grant for grant in result.grants if grant.state is GrantState.EXCESS)
        assert worst.permission == "ALL PRIVILEGES ON *.*"

    async def test_rights_without_grant_option_cannot_be_passed_on(self, world: MySqlWorld) -> None:
        world.server.execute(f"revoke grant option on {name(world.database)}.* from {world.account}")

        result = await check(world, MYSQL, METHOD)

        (row,) = [grant for grant in result.grants if "WITH GRANT OPTION" in grant.permission]
        assert row.state is GrantState.MISSING
        assert row.detail.endswith("lacking now: GRANT OPTION")

    async def test_roles_of_mysql_8_are_asked_for(self) -> None:
        """MySQL tells the rights of active roles only when it is asked with their names."""
        vendor = MySql8(
            grants=["GRANT USAGE ON *.* TO `robot`@`%`", "GRANT `ops`@`%` TO `robot`@`%`"],
            with_roles=["GRANT CREATE USER ON *.* TO `robot`@`%`", "GRANT `ops`@`%` TO `robot`@`%`"],
            active_roles="`ops`@`%`",
        )

        found = rows(await check_mysql8(vendor, {ROTATION: {}}))

        assert found[ROTATION, "CREATE USER ON *.*"] is GrantState.IMPLIED
        assert found["", "role ops@%"] is GrantState.EXCESS

    @pytest.mark.parametrize("holds", [True, False])
    async def test_system_user_is_asked_for_where_a_target_holds_it(self, holds: bool) -> None:
        grants = ["GRANT CREATE USER ON *.* TO `robot`@`%`"]
        dynamic = ["GRANT SYSTEM_USER ON *.* TO `robot`@`%`"] if holds else []

        result = await check_mysql8(MySql8(grants=grants + dynamic), {ROTATION: {"system_accounts": "yes"}})

        assert rows(result) == {
            (ROTATION, "CREATE USER ON *.*"): GrantState.GRANTED,
            (ROTATION, "SYSTEM_USER"): GrantState.GRANTED if holds else GrantState.MISSING,
        }

    @pytest.mark.parametrize(
        ("lines", "missing"),
        [
            (["GRANT SELECT ON `app%`.* TO `u`@`%` WITH GRANT OPTION"], []),
            (["GRANT SELECT ON `app\\_db`.* TO `u`@`%` WITH GRANT OPTION"], []),
            (["GRANT SELECT ON `app\\_`.* TO `u`@`%` WITH GRANT OPTION"], ["SELECT", "GRANT OPTION"]),
            (["GRANT SELECT ON `app_db`.`t` TO `u`@`%` WITH GRANT OPTION"], ["SELECT", "GRANT OPTION"]),
            (["GRANT SELECT (`id`) ON `app_db`.* TO `u`@`%` WITH GRANT OPTION"], ["SELECT", "GRANT OPTION"]),
            (["GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"], ["GRANT OPTION"]),
            (["GRANT SELECT ON *.* TO `u`@`%`", "GRANT INSERT ON `app_db`.* TO `u`@`%` WITH GRANT OPTION"], []),
            (
                ["GRANT SELECT ON *.* TO `u`@`%` WITH GRANT OPTION", "REVOKE SELECT ON `app_db`.* FROM `u`@`%`"],
                ["SELECT"],
            ),
        ],
    )
    def test_scopes_are_patterns(self, lines: list[str], missing: list[str]) -> None:
        """The database in a grant is a LIKE pattern; rights on single tables or columns do not reach all of it."""
        assert read_grants(lines).missing(["select"], "app_db") == missing

    def test_snippet_without_values_shows_what_to_fill_in(self) -> None:
        shown = merged_snippet(MYSQL, [IntendedUse(ROTATION)], {})

        assert "CREATE USER '<username>'@'%' IDENTIFIED BY '<password>' REQUIRE SSL;" in shown


class TestTls:
    async def test_certificate_is_told(self, world: MySqlWorld) -> None:
        result = await check(world, MYSQL, METHOD, uses={})

        assert result.certificate_issuer
        assert [step.name for step in result.steps][:4] == ["resolve", "connect", "tls", "authenticate"]

    async def test_unknown_authority_is_refused(self, world: MySqlWorld) -> None:
        result = await check(world, MYSQL, METHOD, fields={**world.fields(METHOD), "sslCertificate": ""})

        assert result.failure is not None
        assert result.failure.kind is FailureKind.TLS

    async def test_wrong_name_is_refused(self, world: MySqlWorld) -> None:
        fields = {**world.fields(METHOD), "host": "db.example.com"}
        network = Network(redirect={("db.example.com", world.server.port): (HOST, world.server.port)})

        result = await check(world, MYSQL, METHOD, fields=fields, network=network)

        assert result.failure is not None
        assert "another name" in result.failure.message

    async def test_unchecked_certificate_and_plain_text_are_for_private_addresses(self, world: MySqlWorld) -> None:
        """Both work at a private address; with a public one nothing is even connected to."""
        world.server.execute(f"alter user {world.account} require none")

        async def resolve(host: str, port: int) -> list[str]:
            return ["93.184.215.14"]

        for lax in ({"sslRejectUnauthorized": False}, {"sslEnabled": False}):
            fields = {**world.fields(METHOD), "sslCertificate": "", **lax}
            near = await check(world, MYSQL, METHOD, fields=fields)
            public = await check(
                world, MYSQL, METHOD, fields={**fields, "host": "db.example.com"}, network=Network(resolver=resolve)
            )
            assert near.outcome is Outcome.PASSED
            assert public.failure is not None
            assert (public.failure.kind, public.reached) == (FailureKind.TLS, "")

    async def test_account_that_wants_tls_hides_it_behind_a_wrong_password(self, world: MySqlWorld) -> None:
        """Without TLS, REQUIRE SSL answers like a wrong password; the next step says so."""
        fields = {**world.fields(METHOD), "sslEnabled": False, "sslCertificate": ""}

        result = await check(world, MYSQL, METHOD, fields=fields)

        assert result.failure is not None
        assert "REQUIRE SSL" in result.failure.next_step


class TestTakeover:
    async def test_new_password_holds_and_the_old_one_does_not(self, world: MySqlWorld) -> None:
        """On MariaDB the account needs no right for it."""
        world.server.execute(f"revoke create user on *.* from {world.account}")
        async with opened_call(world, "mysql", METHOD) as call:
            await REGISTRY.function("mysql", "change_password")(call, Secret("NewPassword 'ü"))

        new = await check(world, MYSQL, METHOD, uses={}, fields={**world.fields(METHOD), "password": "NewPassword 'ü"})
        old = await check(world, MYSQL, METHOD, uses={})

        assert (new.outcome, old.outcome) == (Outcome.PASSED, Outcome.FAILED)

    async def test_mysql_is_told_the_old_password_too(self) -> None:
        """MySQL 8 may demand it (password_require_current)."""
        vendor = MySql8()
        world = MySqlWorld(MariaDB(0, "", "", authority().ca_pem, ""))
        with vendor.server() as server:
            fields = {**world.fields(METHOD), "port": server.port, "username": "robot", "password": "right"}
            async with opened_call(world, "mysql", METHOD, {**fields, "database": "app"}) as call:
                await REGISTRY.function("mysql", "change_password")(call, Secret("fresh"))

        assert vendor.password == "fresh"


def as_robot(world: MySqlWorld, statements: str) -> str:
    """Run statements as the account under test; what the server refused."""
    client = program("mariadb", "mariadb-client")
    done = subprocess.run(
        [client, "--no-defaults", "-h", HOST, "-P", str(world.server.port), "-u", world.user, "--ssl", world.database],
        input=statements, env={"MYSQL_PWD": world.password}, capture_output=True, text=True,
    )  # fmt: skip
    return done.stderr
