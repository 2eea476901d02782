"""SMB keeps the contract against Samba, and its own traps are told apart."""

import struct
from collections.abc import Iterator
from typing import Any

import pytest

from jackfield.checks.request import CheckRequest
from jackfield.checks.run import run_check
from jackfield.model.check import FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from jackfield.providers.contract.spec import Provider
from jackfield.providers.smb import rpc
from providers.contract import REGISTRY, ProviderContract, World, check, rows, typed_fields
from providers.smb.vendor import METHOD, PASSWORD, RESET, ROTATION, TOKEN, GuestSamba, Samba, SmbWorld, pasted
from support.faults import answers, hangs
from support.servers.room import HOST, ServerRoom, program, run, unique

PROVIDER = REGISTRY.get("smb")
REACHED, LISTED = "remote SAM access (RestrictRemoteSAM)", "SAMR domain list (0x100)"


@pytest.fixture(scope="session")
def samba(server_room: ServerRoom) -> Samba:
    return server_room.get(Samba)


@pytest.fixture(scope="session")
def guest_samba(server_room: ServerRoom) -> GuestSamba:
    return server_room.get(GuestSamba)


class TestSmb(ProviderContract):
    slug = "smb"
    world = SmbWorld

    @pytest.fixture
    def vendor(self, samba: Samba) -> Iterator[SmbWorld]:
        with self.world(samba) as world:
            yield world

    async def test_removed_permission_turns_exactly_its_row(
        self, provider: Provider, vendor: World, permission_case: tuple[str, str, str]
    ) -> None:
        """Samba gives every user the account database, as Windows did before 2016: those two rows are held by all.

        That Windows refuses them is tried below, over answers of its own.
        """
        if permission_case[2] in {REACHED, LISTED}:
            found = rows(await check(vendor, provider, METHOD))
            assert found[permission_case[1:]] is GrantState.GRANTED
            return
        await super().test_removed_permission_turns_exactly_its_row(provider, vendor, permission_case)


@pytest.mark.parametrize(
    ("who", "reset", "token"), [("target", False, False), ("admin", False, True), ("full", True, True)]
)
async def test_rights_are_those_of_the_account(samba: Samba, who: str, reset: bool, token: bool) -> None:
    """A right login proves nothing about administration: a plain account passes the login and lacks both rights."""
    with SmbWorld(samba) as world:
        world.user = getattr(samba, who)
        result = await check(world, PROVIDER, METHOD)

    held = {True: GrantState.GRANTED, False: GrantState.MISSING}
    assert rows(result)[ROTATION, RESET] is held[reset]
    assert rows(result)[ROTATION, TOKEN] is held[token]
    assert result.identity["account"] == f"JACK\\{getattr(samba, who)}"


async def test_snippet_gives_just_what_is_needed(samba: Samba) -> None:
    """A fresh account made by the shown lines passes: no row missing, and it may reset the target's password."""
    user = unique("jf")
    with SmbWorld(samba) as world:
        chosen = [IntendedUse(use, targets) for use, targets in world.uses.items()]
        world.user = user
        with pasted(samba, merged_snippet(PROVIDER, chosen, {"username": user}), user):
            result = await check(world, PROVIDER, METHOD)
            reset(samba, user)

    assert result.outcome is Outcome.PASSED
    assert set(rows(result).values()) == {GrantState.GRANTED}


def reset(samba: Samba, user: str) -> None:
    """Set the target's password anew with Samba's own tool, as another account."""
    tool, place = program("rpcclient", "smbclient"), ["-p", str(samba.port), HOST]
    run(tool, "-U", f"{user}%{PASSWORD}", *place, "-c", f"setuserinfo2 {samba.target} 26 {PASSWORD}")


async def test_right_to_reset_is_what_the_server_then_allows(samba: Samba) -> None:
    """Who gets a handle for a reset can reset, who does not cannot: tried with Samba's own tool."""
    reset(samba, samba.full)
    with pytest.raises(RuntimeError):
        reset(samba, samba.admin)


async def test_account_may_change_its_own_password(samba: Samba) -> None:
    with SmbWorld(samba) as world:
        world.user = samba.target
        uses = {ROTATION: {"account": samba.target, "rotation": "login-as-target"}}
        found = rows(await check(world, PROVIDER, METHOD, uses=uses))

    assert found[ROTATION, "USER_CHANGE_PASSWORD (0x40)"] is GrantState.GRANTED


async def test_account_that_nobody_has_is_not_reached(samba: Samba) -> None:
    with SmbWorld(samba) as world:
        result = await check(world, PROVIDER, METHOD, uses={ROTATION: {"account": "nobody-there"}})

    assert rows(result)[ROTATION, RESET] is GrantState.UNKNOWN
    assert result.outcome is Outcome.LIMITED


async def test_server_that_takes_strangers_as_guests_is_never_green(guest_samba: GuestSamba) -> None:
    """Any unknown name gets in as guest there: the check says that it proves nothing, and claims no right."""
    with SmbWorld(guest_samba) as world:
        world.user = "nobody-has-this-name"
        result = await check(world, PROVIDER, METHOD)

    assert result.outcome is Outcome.UNPROVEN
    assert GrantState.GRANTED not in {grant.state for grant in result.grants}


async def test_known_name_with_a_wrong_password_is_refused_there_too(guest_samba: GuestSamba) -> None:
    with SmbWorld(guest_samba) as world:
        right = await check(world, PROVIDER, METHOD, uses={})
        wrong = await check(world, PROVIDER, METHOD, fields=world.wrong_fields(METHOD))

    assert right.outcome is Outcome.PASSED
    assert wrong.failure is not None
    assert wrong.failure.rule == "bad-login"


def refusing(*, at: int, status: int, fault: bool = False) -> rpc.Transact:
    """A pipe that binds, and refuses the call of this number."""

    def transact(data: bytes) -> bytes:
        kind, number = data[2], data[12:16]
        if kind == 11:
            body = struct.pack("<HHIH", 4280, 4280, 1, 2) + b"\0\0" + struct.pack("<IHH", 1, 0, 0) + bytes(20)
            return answer(12, number, body)
        assert struct.unpack_from("<H", data, 22)[0] == at
        body = bytes(8) + struct.pack("<I", status) + (bytes(4) if fault else b"")
        return answer(3 if fault else 2, number, body)

    def answer(kind: int, number: bytes, body: bytes) -> bytes:
        return struct.pack("<BBBB4sHH", 5, 0, kind, 3, b"\x10\0\0\0", 16 + len(body), 0) + number + body

    return transact


@pytest.mark.parametrize(("status", "fault"), [(0xC0000022, False), (5, True)])
def test_restricted_account_database_says_so(status: int, fault: bool) -> None:
    """Windows refuses SamrConnect to whoever is no administrator, by status or by fault."""
    from jackfield.providers.smb.provider import judge_accounts

    samr = rpc.Interface(refusing(at=57, status=status, fault=fault), rpc.SAMR)
    with pytest.raises(rpc.RpcRefused) as refused:
        judge_accounts(samr, "host")

    assert refused.value.status == status


def test_answer_that_is_cut_short_is_an_error_of_its_own() -> None:
    """A pipe that talks nonsense is told as that."""
    with pytest.raises(ValueError, match="remote procedure call"):
        rpc.Interface(lambda data: b"\5\0", rpc.SAMR)


async def test_server_of_another_protocol_is_told() -> None:
    """An HTTP server behind the port is not called a wrong password."""
    with answers(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
        place.received += b"\r\n\r\n"  # it answers at once
        fields = {"host": HOST, "port": place.port, "username": "kms", "password": PASSWORD}
        result = await run_check(request(fields), Network())

    assert result.failure is not None
    assert result.failure.kind in {FailureKind.MISCONFIGURED, FailureKind.UNREACHABLE}


async def test_silent_server_ends_with_the_deadline() -> None:
    """A server that accepts and says nothing costs no more than the time of the check."""
    with hangs() as place:
        fields = {"host": HOST, "port": place.port, "username": "kms", "password": PASSWORD}
        result = await run_check(request(fields, total_seconds=0.3), Network())

    assert result.failure is not None
    assert result.failure.kind is FailureKind.UNREACHABLE
    assert result.duration_ms < 5000


def request(fields: dict[str, Any], **options: float) -> CheckRequest:
    return CheckRequest(
        provider=PROVIDER,
        method=PROVIDER.method(METHOD),
        fields=typed_fields(PROVIDER.method(METHOD), fields),
        uses=(),
        function=lambda name: REGISTRY.function("smb", name),
        private_allowed=True,
        **options,
    )
