"""SQL Server keeps the contract, against a miniature that speaks its protocol; and its traps are told apart."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from jackfield.model.check import ExpiryKnown, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.errors import InvalidField
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields
from providers.mssql.vendor import HOST, METHOD, ROLE, ROTATION, SCHEMA, MssqlWorld
from support.calls import opened_call

pytest.importorskip("pytds")

MSSQL = REGISTRY.get("mssql")


class TestMssql(ProviderContract):
    slug = "mssql"
    world = MssqlWorld


class TestProof:
    async def test_one_login_is_tried_once(self) -> None:
        """A refused login is not tried again: the server counts towards a lockout."""
        with MssqlWorld() as world:
            await check(world, MSSQL, METHOD, fields=world.wrong_fields(METHOD))

            assert world.server.connections == 1

    async def test_database_error_is_not_hidden_by_the_login_error_after_it(self) -> None:
        """The server sends 4060 and then 18456; only the first says that the password was right."""
        with MssqlWorld() as world:
            result = await check(world, MSSQL, METHOD, fields={**world.fields(METHOD), "database": "gone"})

        assert result.failure is not None
        assert result.failure.rule == "no-database"

    async def test_another_address_is_told_and_not_followed(self) -> None:
        """The login goes to no host that the connection does not name."""
        with MssqlWorld(elsewhere=("tr1.example.net", 11042)) as world:
            result = await check(world, MSSQL, METHOD)

        assert result.failure is not None
        assert "tr1.example.net port 11042" in result.failure.next_step

    @pytest.mark.parametrize(
        ("changes", "word"),
        [
            ({"db_user": "guest"}, "guest"),
            ({"db_user": "dbo"}, "dbo"),
            ({"updateability": "READ_ONLY"}, "read-only"),
            ({"authentication": 2}, "contained"),
        ],
    )
    async def test_doubtful_sessions_are_told(self, changes: dict[str, Any], word: str) -> None:
        with MssqlWorld(**changes) as world:
            result = await check(world, MSSQL, METHOD)

        assert any(word in warning for warning in result.warnings)

    async def test_cancelled_check_hangs_up_at_once(self) -> None:
        """A statement that is never answered does not hold a cancelled check back, nor its thread."""
        with MssqlWorld(silent=True) as world:
            waiting = asyncio.create_task(check(world, MSSQL, METHOD))
            while not world.sql.asked:
                await asyncio.sleep(0)
            waiting.cancel()
            async with asyncio.timeout(1):
                with suppress(asyncio.CancelledError):
                    await waiting

        assert waiting.cancelled()

    def test_windows_login_is_refused_in_the_form(self) -> None:
        with MssqlWorld() as world, pytest.raises(InvalidField, match="Kerberos"):
            typed_fields(MSSQL.method(METHOD), {**world.fields(METHOD), "username": "CORP\\ada"})

    async def test_text_in_a_target_stays_text(self) -> None:
        """A quote in a target value cannot end the literal it stands in."""
        with MssqlWorld() as world:
            result = await check(world, MSSQL, METHOD, uses={ROLE: {"db_role": "x'), 'ROLE', 'ALTER') --"}})

            assert any("N'x''), ''ROLE''" in statement for statement in world.sql.asked)
        assert rows(result)[ROLE, "ALTER on the database role x'), 'ROLE', 'ALTER') --"] is GrantState.UNKNOWN


class TestExpiry:
    async def test_end_of_the_password_is_read(self) -> None:
        with MssqlWorld(checks_expiration=True, ends="2999-01-01T00:00:00.0000000Z") as world:
            result = await check(world, MSSQL, METHOD, uses={})

        assert result.expires_at is not None
        assert result.expires_at.isoformat() == "2999-01-01T00:00:00+00:00"

    async def test_end_that_is_not_told_is_no_never(self) -> None:
        with MssqlWorld(checks_expiration=True) as world:
            result = await check(world, MSSQL, METHOD, uses={})

        assert result.expiry_known is ExpiryKnown.UNKNOWN


class TestPermissions:
    async def test_sysadmin_is_the_worst_excess(self) -> None:
        with MssqlWorld(roles={"sysadmin"}) as world:
            result = await check(world, MSSQL, METHOD, uses={ROTATION: {"logins": "app_a"}})

        worst = next(grant for grant in result.grants if grant.state is GrantState.EXCESS)
        assert worst.permission == "server role sysadmin"

    async def test_control_of_the_schema_is_enough_to_pass_rights_on(self) -> None:
        with MssqlWorld(controls=True, on_schema=set()) as world:
            found = rows(await check(world, MSSQL, METHOD, uses={SCHEMA: {}}))

        assert found[SCHEMA, "CONTROL on the schema dbo, or each right WITH GRANT OPTION"] is GrantState.GRANTED

    async def test_schema_that_is_not_there_decides_nothing(self) -> None:
        with MssqlWorld() as world:
            found = rows(await check(world, MSSQL, METHOD, uses={SCHEMA: {"schema": "gone"}}))

        assert found[SCHEMA, "CONTROL on the schema gone, or each right WITH GRANT OPTION"] is GrantState.UNKNOWN

    async def test_login_that_is_not_seen_is_not_reached(self) -> None:
        with MssqlWorld() as world:
            result = await check(world, MSSQL, METHOD, uses={ROTATION: {"logins": "app_a, gone"}})

        (reach,) = [step for step in result.steps if step.name == "reach"]
        assert "logins app_a, gone" in reach.detail
        assert reach.outcome == "unknown"

    async def test_azure_does_not_tell_rights_on_the_server(self) -> None:
        """In an Azure SQL database these rights have no answer: they are unreadable, neither green nor missing."""
        with MssqlWorld(edition=5) as world:
            result = await check(world, MSSQL, METHOD, uses={ROLE: {"db_role": "readers"}})

        assert rows(result)[ROLE, "ALTER ANY LOGIN"] is GrantState.UNREADABLE
        assert GrantState.EXCESS not in rows(result).values()

    def test_snippets_become_one_script(self) -> None:
        """Each line stands once, and what belongs to the database comes after it was entered."""
        uses = [IntendedUse(ROTATION), IntendedUse(ROLE, {"db_role": 'a"b'}), IntendedUse(SCHEMA)]

        lines = merged_snippet(MSSQL, uses, {"username": "robot", "database": "app"}).splitlines()

        assert lines == [
            "SET QUOTED_IDENTIFIER ON;",
            "USE master;",
            "CREATE LOGIN \"robot\" WITH PASSWORD = '<password>';",
            'GRANT ALTER ANY LOGIN TO "robot";',
            'USE "app";',
            'CREATE USER "robot" FOR LOGIN "robot";',
            'GRANT ALTER ANY USER TO "robot";',
            'GRANT ALTER ON ROLE::"a""b" TO "robot";',
            'GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::"dbo" TO "robot" WITH GRANT OPTION;',
        ]


class TestTls:
    async def test_certificate_is_told(self) -> None:
        with MssqlWorld() as world:
            result = await check(world, MSSQL, METHOD, uses={})

        assert result.certificate_issuer
        assert [step.name for step in result.steps][:4] == ["resolve", "connect", "tls", "authenticate"]

    async def test_unknown_authority_is_refused(self) -> None:
        with MssqlWorld() as world:
            network = Network(redirect={(HOST, 1433): ("127.0.0.1", world.server.port)})
            result = await check(world, MSSQL, METHOD, uses={}, network=network)

        assert result.failure is not None
        assert result.failure.kind is FailureKind.TLS

    @pytest.mark.parametrize("lax", [{"sslRejectUnauthorized": False}, {"sslEnabled": False}], ids=str)
    async def test_less_than_verified_tls_is_for_private_addresses(self, lax: dict[str, bool]) -> None:
        """It works at a private address; with a public one nothing is even connected to."""

        async def resolve(host: str, port: int) -> list[str]:
            return ["93.184.215.14"]

        with MssqlWorld() as world:
            fields = {**world.fields(METHOD), **lax}
            near = await check(world, MSSQL, METHOD, fields=fields)
            public = await check(world, MSSQL, METHOD, fields=fields, network=Network(resolver=resolve))

        assert near.outcome is Outcome.PASSED
        assert public.failure is not None
        assert (public.failure.kind, public.reached) == (FailureKind.TLS, "")


class TestTakeover:
    @pytest.mark.parametrize("authentication", [1, 2], ids=["login", "contained user"])
    async def test_new_password_holds_and_the_old_one_does_not(self, authentication: int) -> None:
        with MssqlWorld(authentication=authentication) as world:
            async with opened_call(world, "mssql", METHOD) as call:
                await REGISTRY.function("mssql", "change_password")(call, Secret("N3w'Pass"))
            fields = {**world.fields(METHOD), "password": "N3w'Pass"}
            new = await check(world, MSSQL, METHOD, uses={}, fields=fields)
            old = await check(world, MSSQL, METHOD, uses={})

        assert (new.outcome, old.outcome) == (Outcome.PASSED, Outcome.FAILED)
