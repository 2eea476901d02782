"""Oracle keeps the contract as far as it can be played here, and its traps are told apart."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

pytest.importorskip("oracledb")

from jackfield.model.check import ExpiryKnown, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.errors import InvalidField
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields
from providers.oracledb.vendor import CONNECT, HOST, METHOD, ROLE, ROTATION, OracleWorld, refusal
from support.calls import opened_call

ORACLE = REGISTRY.get("oracledb")


class TestOracle(ProviderContract):
    slug = "oracledb"
    world = OracleWorld


@pytest.fixture
def world() -> Iterator[OracleWorld]:
    with OracleWorld() as world:
        yield world


class TestProof:
    async def test_one_login_is_tried_once(self, world: OracleWorld) -> None:
        """A refused login is not tried again, neither as another kind of name: ten wrong ones lock the account."""
        await check(world, ORACLE, METHOD, fields=world.wrong_fields(METHOD))

        assert len(world.logins) == 1

    async def test_unknown_service_is_tried_as_a_sid(self, world: OracleWorld) -> None:
        """The listener refuses an unknown name before any login, so the second try is no second login."""
        world.logs_in = False
        world.listener.refuses = 12514

        result = await check(world, ORACLE, METHOD, uses={})

        assert result.failure is not None
        assert result.failure.rule == "no-service"
        assert ["SERVICE_NAME=freepdb1" in said for said in world.listener.connects] == [True, False]
        assert "SID=freepdb1" in world.listener.connects[1]

    async def test_another_address_is_not_followed_over_tls_either(self, world: OracleWorld) -> None:
        """The driver takes the way of the check for a proxy, which knows one destination only."""
        from jackfield.net.deadline import Deadline
        from jackfield.net.trace import Trace
        from jackfield.providers.oracledb.relay import relay

        route = world.network().route(HOST, 2484, deadline=Deadline(), trace=Trace())
        async with relay(route, tls=True) as lent:
            reader, writer = await asyncio.open_connection("127.0.0.1", lent.port)
            writer.write(b"CONNECT 10.9.9.9:1521 HTTP/1.0\r\n\r\n")
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()

        assert lent.reason == "redirected"
        assert world.server.connections == 0

    async def test_driver_reaches_the_listener_through_our_tls(self, world: OracleWorld) -> None:
        """The driver's own handshake ends at the listener, and what it asks arrives there."""
        world.logs_in = False
        world.listener.refuses = 12516

        result = await check(world, ORACLE, METHOD, uses={})

        assert result.failure is not None
        assert result.failure.rule == "no-slot"
        assert len(world.listener.connects) == 1

    @pytest.mark.parametrize(
        ("changes", "word"),
        [
            ({"container": "CDB$ROOT"}, "root container"),
            ({"database_role": "PHYSICAL STANDBY"}, "standby"),
            ({"proxy": "GATE"}, "proxy"),
            ({"protocol": "tcp"}, "gateway"),
        ],
    )
    async def test_doubtful_sessions_are_told(self, world: OracleWorld, changes: dict[str, Any], word: str) -> None:
        world.database.context |= changes

        result = await check(world, ORACLE, METHOD)

        assert any(word in warning for warning in result.warnings)

    async def test_cancelled_login_hangs_up_at_once(self, world: OracleWorld) -> None:
        """A listener that says nothing does not hold a cancelled check back."""
        world.logs_in = False

        waiting = asyncio.create_task(check(world, ORACLE, METHOD))
        while not world.listener.connects:
            await asyncio.sleep(0)
        waiting.cancel()
        async with asyncio.timeout(1):
            with suppress(asyncio.CancelledError):
                await waiting

        assert waiting.cancelled()

    @pytest.mark.parametrize("field", [{"username": "ROBOT AS SYSDBA"}, {"password": 'with"quote'}], ids=str)
    def test_values_that_oracle_cannot_take_are_refused_in_the_form(
        self, world: OracleWorld, field: dict[str, str]
    ) -> None:
        with pytest.raises(InvalidField):
            typed_fields(ORACLE.method(METHOD), {**world.fields(METHOD), **field})


class TestExpiry:
    async def test_grace_time_is_a_date_and_a_warning(self, world: OracleWorld) -> None:
        world.database.status = "EXPIRED(GRACE)"

        result = await check(world, ORACLE, METHOD, uses={})

        assert result.outcome is Outcome.PASSED
        assert result.expires_at is not None
        assert any("grace" in warning for warning in result.warnings)

    async def test_no_date_is_no_end(self, world: OracleWorld) -> None:
        world.database.ends = None  # type: ignore[assignment]  # as the database says it

        result = await check(world, ORACLE, METHOD, uses={})

        assert result.expiry_known is ExpiryKnown.NEVER


class TestPermissions:
    async def test_wider_rights_imply(self, world: OracleWorld) -> None:
        """Rights of a role, and the two GRANT ANY rights, stand for what the uses need."""
        world.database.own = {"CREATE SESSION": False}
        world.database.roles = {"DBA": False}
        world.database.through_roles = {
            "ALTER USER", "CREATE USER", "DROP USER", "ALTER SYSTEM", "GRANT ANY ROLE", "GRANT ANY PRIVILEGE",
        }  # fmt: skip

        result = await check(world, ORACLE, METHOD)

        needed = {row: state for row, state in rows(result).items() if state is not GrantState.EXCESS}
        assert needed.pop((ROTATION, "CREATE SESSION")) is GrantState.GRANTED
        assert set(needed.values()) == {GrantState.IMPLIED}
        assert rows(result)["", "role DBA"] is GrantState.EXCESS

    async def test_user_that_is_not_there_is_not_reached(self, world: OracleWorld) -> None:
        result = await check(world, ORACLE, METHOD, uses={ROTATION: {"users": "APP_A, app_b"}})

        assert result.outcome is Outcome.LIMITED
        assert any("FREEPDB1" in step.detail for step in result.steps if step.name == "reach")

    def test_snippets_become_one_script(self) -> None:
        uses = [IntendedUse(ROTATION), IntendedUse(ROLE, {"role": "APP_READER"}), IntendedUse(CONNECT)]

        lines = merged_snippet(ORACLE, uses, {"username": "ROBOT"}).splitlines()

        assert lines == [
            'CREATE USER ROBOT IDENTIFIED BY "<password>";',
            "GRANT CREATE SESSION TO ROBOT;",
            "GRANT ALTER USER TO ROBOT;",
            "GRANT CREATE USER, DROP USER TO ROBOT;",
            "CREATE ROLE APP_READER;",
            "GRANT CREATE SESSION TO APP_READER;",
            "GRANT APP_READER TO ROBOT WITH ADMIN OPTION;",
            "GRANT CREATE SESSION, CONNECT TO ROBOT WITH ADMIN OPTION;",
        ]


class TestTls:
    async def test_certificate_is_told(self, world: OracleWorld) -> None:
        result = await check(world, ORACLE, METHOD, uses={})

        assert result.certificate_issuer
        assert [step.name for step in result.steps][:4] == ["resolve", "connect", "tls", "authenticate"]

    async def test_unknown_authority_is_refused_before_any_login(self, world: OracleWorld) -> None:
        network = Network(redirect={(HOST, 2484): ("127.0.0.1", world.server.port)})

        result = await check(world, ORACLE, METHOD, network=network)

        assert result.failure is not None
        assert result.failure.kind is FailureKind.TLS
        assert world.logins == []

    async def test_the_drivers_own_handshake_checks_the_name(self, world: OracleWorld) -> None:
        """The driver switches name checks off on the context it is given; the handshake makes them all the same."""
        from jackfield.providers.oracledb.relay import OurTls

        verifying = world.network().contexts.context(__import__("jackfield.net.tls", fromlist=["x"]).VERIFIED)
        context = OurTls.of(verifying, "other.example.com")
        context.check_hostname = False
        world.listener.says = refusal(12514)

        with pytest.raises(ssl.SSLCertVerificationError, match=r"other\.example\.com"):
            await asyncio.open_connection("127.0.0.1", world.server.port, ssl=context, server_hostname="")

        assert verifying.check_hostname

    async def test_plain_text_at_a_port_of_tls_is_told(self, world: OracleWorld) -> None:
        """Where TLS is asked for and the listener speaks plainly, the failure is one of TLS."""
        world.listener.tls = False

        result = await check(world, ORACLE, METHOD, uses={})

        assert result.failure is not None
        assert result.failure.kind in {FailureKind.TLS, FailureKind.UNREACHABLE}

    @pytest.mark.parametrize("lax", [{"sslRejectUnauthorized": False}, {"sslEnabled": False}], ids=str)
    async def test_less_than_verified_tls_is_for_private_addresses(
        self, world: OracleWorld, lax: dict[str, bool]
    ) -> None:
        async def resolve(host: str, port: int) -> list[str]:
            return ["93.184.215.14"]

        fields = {**world.fields(METHOD), **lax}
        near = await check(world, ORACLE, METHOD, uses={}, fields=fields)
        public = await check(world, ORACLE, METHOD, uses={}, fields=fields, network=Network(resolver=resolve))

        assert near.outcome is Outcome.PASSED
        assert public.failure is not None
        assert (public.failure.kind, public.reached) == (FailureKind.TLS, "")


class TestTakeover:
    async def test_new_password_holds_and_the_old_one_does_not(self, world: OracleWorld) -> None:
        old = world.fields(METHOD)
        async with opened_call(world, "oracledb", METHOD) as call:
            await REGISTRY.function("oracledb", "change_password")(call, Secret("New-pass"))

        new = await check(world, ORACLE, METHOD, uses={}, fields={**old, "password": "New-pass"})
        gone = await check(world, ORACLE, METHOD, uses={}, fields=old)

        assert (new.outcome, gone.outcome) == (Outcome.PASSED, Outcome.FAILED)
