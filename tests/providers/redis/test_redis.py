"""Redis keeps the contract against a real server, and its own traps are told apart."""

import hashlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.checks.request import CheckRequest
from jackfield.checks.run import run_check
from jackfield.model.check import FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, ProviderContract, check, rows, told, typed_fields
from providers.redis.vendor import METHOD, RedisWorld, SelfReadingRedisWorld
from support.calls import opened_call
from support.faults import hangs
from support.servers.room import HOST, Login
from support.servers.stores import OpenRedis, Redis

PROVIDER = REGISTRY.get("redis")
ROTATION, LEASES = "secret-rotation/acl-users", "dynamic-secret/acl-users"


class TestRedis(ProviderContract):
    slug = "redis"
    world = RedisWorld

    @pytest.fixture
    def vendor(self, redis_server: Redis) -> Iterator[RedisWorld]:
        with self.world(redis_server) as world:
            yield world


class TestSelfReadingRedis(TestRedis):
    world = SelfReadingRedisWorld


@pytest.mark.parametrize("password", ["", "anything-at-all"])
async def test_open_server_takes_any_password_and_is_never_green(open_redis: OpenRedis, password: str) -> None:
    """The user default of a fresh server is accepted with every password: the check says that it proves nothing."""
    fields = typed_fields(
        PROVIDER.method(METHOD),
        {"host": HOST, "port": open_redis.tls_port, "password": password, "sslCertificate": open_redis.ca_pem},
    )
    result = await run_check(request(fields), Network())

    assert result.outcome is Outcome.UNPROVEN
    assert result.failure is None


async def test_default_user_with_a_password_is_proven(redis_server: Redis) -> None:
    """A second login of default with a password that cannot be right is refused: the first one meant something."""
    redis_server.execute("ACL", "SETUSER", "default", "on", ">pw-of-default")
    try:
        with RedisWorld(redis_server) as world:
            fields = {**world.fields(METHOD), "username": "default", "password": "pw-of-default"}
            result = await check(world, PROVIDER, METHOD, fields=fields, uses={})
    finally:
        redis_server.execute("ACL", "SETUSER", "default", "reset")

    assert result.outcome is Outcome.PASSED


async def test_named_user_without_password_is_unproven(redis_server: Redis) -> None:
    """A user marked nopass is told apart from one with a password, also when it may not read its own rules."""
    with redis_server.account("nopass") as login, RedisWorld(redis_server) as world:
        fields = {**world.fields(METHOD), "username": login.user, "password": "anything"}
        result = await check(world, PROVIDER, METHOD, fields=fields, uses={})

    assert result.outcome is Outcome.UNPROVEN


async def test_refused_ping_is_not_a_failed_login(redis_server: Redis) -> None:
    """A user made for rotation alone may run nothing else, and still has logged in."""
    with redis_server.account("+acl|setuser", "+acl|deluser") as login, RedisWorld(redis_server) as world:
        result = await check(world, PROVIDER, METHOD, fields=of(world, login), uses={ROTATION: {}})

    assert result.outcome is Outcome.PASSED
    assert result.identity["account"] == login.user


async def test_probes_leave_no_user_behind(redis_server: Redis) -> None:
    """The guarded attempts make and remove nothing."""
    before = set(redis_server.execute("ACL", "USERS"))
    with RedisWorld(redis_server) as world:
        result = await check(world, PROVIDER, METHOD)
        after = set(redis_server.execute("ACL", "USERS")) - {world.login.user}

    assert {exchange.fact for exchange in result.exchanges} >= {"setuser", "deluser"}
    assert {user for user in after - before if user.startswith("probe-")} == set()


async def test_password_hashes_are_not_kept(redis_server: Redis) -> None:
    """ACL GETUSER prints hashes of passwords; nothing of them is in the result."""
    with SelfReadingRedisWorld(redis_server) as world:
        result = await check(world, PROVIDER, METHOD)
        digest = hashlib.sha256(world.login.password.encode()).hexdigest()

    assert "account" in {exchange.fact for exchange in result.exchanges}
    assert digest not in told(result)


@pytest.mark.parametrize("reading", [(), ("+acl|getuser",), ("+acl|dryrun",), ("+acl|getuser", "+acl|dryrun")])
async def test_category_taken_away_takes_its_commands(redis_server: Redis, reading: tuple[str, ...]) -> None:
    """+@all -@dangerous may not make users, whichever way that is found out."""
    with redis_server.account("+@all", "-@dangerous", *reading) as login, RedisWorld(redis_server) as world:
        result = await check(world, PROVIDER, METHOD, fields=of(world, login))

    found = rows(result)
    assert found[ROTATION, "+acl|setuser"] is GrantState.MISSING
    assert found[LEASES, "+multi"] in {GrantState.GRANTED, GrantState.IMPLIED}


async def test_everything_is_held_through_all_and_all_is_excess(redis_server: Redis) -> None:
    """A user with +@all has every right through a wider one, and that one is shown first."""
    with redis_server.account("+@all") as login, RedisWorld(redis_server) as world:
        result = await check(world, PROVIDER, METHOD, fields=of(world, login))

    assert rows(result)["", "+@all"] is GrantState.EXCESS
    assert {grant.state for grant in result.grants if grant.use} == {GrantState.IMPLIED}


async def test_right_in_a_selector_counts(redis_server: Redis) -> None:
    """Since Redis 7 a right may stand in a selector instead of among the user's first rules."""
    rules = ("(+acl|setuser)", "+acl|deluser", "+acl|getuser")
    with redis_server.account(*rules) as login, RedisWorld(redis_server) as world:
        result = await check(world, PROVIDER, METHOD, fields=of(world, login), uses={ROTATION: {}})

    assert rows(result)[ROTATION, "+acl|setuser"] is GrantState.GRANTED


async def test_transaction_that_could_not_be_ended_is_not_begun(redis_server: Redis) -> None:
    """Without +exec and +discard nothing says whether MULTI is allowed, and later questions are still answered."""
    with redis_server.account("+multi", "+ping") as login, RedisWorld(redis_server) as world:
        result = await check(world, PROVIDER, METHOD, fields=of(world, login), uses={LEASES: {}})

    found = rows(result)
    assert found[LEASES, "+multi"] is GrantState.UNKNOWN
    assert found[LEASES, "+exec"] is GrantState.MISSING
    assert found[LEASES, "+ping"] is GrantState.GRANTED


async def test_server_with_another_certificate_is_refused(redis_server: Redis) -> None:
    """A certificate that the given CA did not sign ends the check before the password is sent."""
    with RedisWorld(redis_server) as world:
        fields = {**world.fields(METHOD), "sslCertificate": ""}
        result = await check(world, PROVIDER, METHOD, fields=fields)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.TLS


async def test_silent_server_ends_with_the_deadline() -> None:
    """A server that accepts and says nothing costs no more than the time of the check."""
    with hangs() as place:
        fields = {"host": HOST, "port": place.port, "password": "pw-1234", "sslEnabled": "false"}
        typed = typed_fields(PROVIDER.method(METHOD), fields)
        result = await run_check(request(typed, total_seconds=0.3), Network())

    assert result.failure is not None
    assert result.failure.kind is FailureKind.UNREACHABLE


SETTINGS = [
    {ROTATION: {}},
    {ROTATION: {"persist": "aclfile"}},
    {ROTATION: {"persist": "config"}},
    {LEASES: {}},
    {LEASES: {"transaction": "no", "ping": "no"}},
    {ROTATION: {"persist": "aclfile"}, LEASES: {}},
]


@pytest.mark.parametrize("attempts", [True, False])
@pytest.mark.parametrize("uses", SETTINGS)
async def test_snippet_grants_what_the_uses_need_and_no_more(
    redis_server: Redis, uses: dict[str, dict[str, str]], attempts: bool
) -> None:
    """What an administrator pastes for the chosen uses makes a user who passes: nothing missing, nothing in excess.

    The user may read its own rules, so nothing has to be tried.
    """
    with redis_server.account() as login, RedisWorld(redis_server) as world:
        intended = [IntendedUse(use, targets) for use, targets in uses.items()]
        names = {"username": login.user, "password": login.password}
        for line in merged_snippet(PROVIDER, intended, names).splitlines():
            redis_server.execute(*shlex.split(line))

        result = await check(world, PROVIDER, METHOD, fields=of(world, login), uses=uses, attempts=attempts)

    assert result.outcome is Outcome.PASSED
    assert {grant.state for grant in result.grants} == {GrantState.GRANTED}


def of(world: RedisWorld, login: Login) -> dict[str, object]:
    """The fields for another user of the same server."""
    return {**world.fields(METHOD), "username": login.user, "password": login.password}


def request(fields: dict[str, object], **options: float) -> CheckRequest:
    return CheckRequest(
        provider=PROVIDER,
        method=PROVIDER.method(METHOD),
        fields=fields,
        uses=(),
        function=lambda name: REGISTRY.function("redis", name),
        private_allowed=True,
        **options,
    )


async def test_right_to_write_the_configuration_is_asked_for_where_users_stand_there(redis_server: Redis) -> None:
    with SelfReadingRedisWorld(redis_server) as world:
        redis_server.execute("ACL", "SETUSER", world.login.user, "+config|rewrite")
        uses = {ROTATION: {"persist": "config"}}
        held = rows(await check(world, PROVIDER, METHOD, uses=uses))
        redis_server.execute("ACL", "SETUSER", world.login.user, "-config|rewrite")
        result = await check(world, PROVIDER, METHOD, uses=uses)

    after = rows(result)
    assert held[ROTATION, "+config|rewrite"] is GrantState.GRANTED
    assert {row: after[row] for row in held if row in after and after[row] is not held[row]} == {
        (ROTATION, "+config|rewrite"): GrantState.MISSING
    }
    assert result.outcome is Outcome.LIMITED


# --- exchanging the password -----------------------------------------------------------------------------------------

CHANGING = ("+acl|setuser", "+acl|save", "+multi", "+exec")
NEW = Secret("a-new-password-of-forty-eight-characters")


class ChangingRedisWorld(RedisWorld):
    rules = CHANGING


async def passes(world: RedisWorld, password: str) -> bool:
    result = await check(world, PROVIDER, METHOD, fields={**world.fields(METHOD), "password": password}, uses={})
    return result.outcome is Outcome.PASSED


async def exchange(world: RedisWorld, fields: dict[str, str] | None = None) -> None:
    async with opened_call(world, "redis", METHOD, fields) as call:
        await REGISTRY.function("redis", "change_password")(call, NEW)


async def test_new_password_holds_and_the_old_one_does_not(redis_server: Redis) -> None:
    """Also in the file that the server reads at its next start."""
    with ChangingRedisWorld(redis_server) as world:
        await exchange(world)
        file = Path(redis_server.execute("CONFIG", "GET", "aclfile")["aclfile"])
        saved = next(line for line in file.read_text().splitlines() if f"user {world.login.user} " in line)

        assert re.findall(r"#(\w{64})", saved) == [hashlib.sha256(NEW.reveal().encode()).hexdigest()]
        assert await passes(world, NEW.reveal())
        assert not await passes(world, world.login.password)


@pytest.mark.parametrize("lacking", CHANGING)
async def test_password_stays_where_a_right_to_change_it_lacks(redis_server: Redis, lacking: str) -> None:
    with ChangingRedisWorld(redis_server) as world:
        redis_server.execute("ACL", "SETUSER", world.login.user, lacking.replace("+", "-"))

        with pytest.raises(NetFailure, match="did not change"):
            await exchange(world)

        assert await passes(world, world.login.password)
        assert not await passes(world, NEW.reveal())


async def test_nothing_is_changed_where_it_could_not_be_saved(open_redis: OpenRedis) -> None:
    """Without an ACL file a new password lasts until the next restart only."""
    fields = {"host": HOST, "port": open_redis.tls_port, "username": "default", "sslCertificate": open_redis.ca_pem}

    with pytest.raises(NetFailure, match="did not change"):
        await exchange(RedisWorld(open_redis), fields)  # type: ignore[arg-type]  # only its network is asked for

    result = await run_check(request(typed_fields(PROVIDER.method(METHOD), fields)), Network())
    assert result.outcome is Outcome.UNPROVEN  # still without a password


async def test_exchange_without_the_right_old_password_is_refused(redis_server: Redis) -> None:
    with ChangingRedisWorld(redis_server) as world:
        with pytest.raises(NetFailure, match="did not change"):
            await exchange(world, world.wrong_fields(METHOD))

        assert await passes(world, world.login.password)
