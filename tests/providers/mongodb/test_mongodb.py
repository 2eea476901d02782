"""MongoDB keeps the contract, also against a server that speaks its protocol, and its own traps are told apart."""

import socket
from typing import Any

import pytest

from jackfield.checks.request import CheckRequest
from jackfield.checks.run import run_check
from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from jackfield.providers.contract.spec import Provider
from jackfield.providers.mongodb.provider import look_up_members
from providers.contract import REGISTRY, ProviderContract, World, check, rows, typed_fields
from providers.mongodb.vendor import DATABASE, LEASES, METHOD, PASSWORD, ROTATION, USER, MongoWorld, privilege
from support.calls import OnThisMachine, opened_call
from support.certificates import authority
from support.faults import hangs
from support.servers.room import Login
from support.servers.stores import Mongo
from support.serving import HOST

PROVIDER = REGISTRY.get("mongodb")
ADMINISTERS = f"userAdmin on {DATABASE}"
CREATES = f"createUser on {DATABASE}"


class TestMongodb(ProviderContract):
    slug = "mongodb"
    world = MongoWorld

    async def test_removed_permission_turns_exactly_its_row(
        self, provider: Provider, vendor: World, permission_case: tuple[str, str, str]
    ) -> None:
        """Each use is tried with a user made for it alone: userAdmin would give a lease manager its rights back."""
        assert isinstance(vendor, MongoWorld)
        vendor.hold(permission_case[1])
        await super().test_removed_permission_turns_exactly_its_row(provider, vendor, permission_case)


@pytest.mark.parametrize(
    ("roles", "privileges", "state"),
    [
        (
            [("userAdmin", DATABASE)],
            [privilege(DATABASE, "createUser", "dropUser", "changePassword", "viewUser")],
            "granted",
        ),
        ([("own", DATABASE)], [privilege("", "createUser", "dropUser", "changePassword", "viewUser")], "implied"),
        ([("root", "admin")], [{"resource": {"anyResource": True}, "actions": ["createUser"]}], "implied"),
        (
            [("userAdmin", "other")],
            [privilege("other", "createUser", "dropUser", "changePassword", "viewUser")],
            "missing",
        ),
        ([("own", DATABASE)], [privilege(DATABASE, "createUser", "dropUser", collection="things")], "missing"),
        ([("read", DATABASE)], [privilege(DATABASE, "find")], "missing"),
        ([], [], "missing"),
        ([("own", DATABASE)], [], "unknown"),
    ],
)
async def test_rights_are_read_from_privileges(roles: Any, privileges: Any, state: str) -> None:
    """A privilege counts on its whole database; an empty name stands for every one; one of a collection does not."""
    with MongoWorld() as world:
        world.server.roles, world.server.privileges = roles, privileges
        found = rows(await check(world, PROVIDER, METHOD, uses={ROTATION: {}}))

    assert found[ROTATION, ADMINISTERS] == state


async def test_one_login_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many questions follow, the server sees one try."""
    with MongoWorld() as world:
        await check(world, PROVIDER, METHOD)
        right = world.server.logins
        await check(world, PROVIDER, METHOD, fields=world.wrong_fields(METHOD))

    assert (right, world.server.logins) == (1, 2)


async def test_user_of_another_database_is_refused_with_the_way_out() -> None:
    """The login is looked for in the database that was entered; a user made in admin is not there."""
    with MongoWorld() as world:
        result = await check(world, PROVIDER, METHOD, fields={**world.fields(METHOD), "database": "shop"})

    assert result.failure is not None
    assert result.failure.rule == "bad-login"
    assert "admin" in result.failure.next_step


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("open_to_all", True, "access control"), ("hello", {"isWritablePrimary": False}, "not the primary")],
)
async def test_state_of_the_server_is_told(field: str, value: Any, words: str) -> None:
    """A server without access control, and a member that refuses changes, are warned of."""
    with MongoWorld() as world:
        before = getattr(world.server, field)
        setattr(world.server, field, {**before, **value} if isinstance(value, dict) else value)
        result = await check(world, PROVIDER, METHOD, uses={})

    assert any(words in warning for warning in result.warnings)


async def test_sound_server_is_not_warned_of() -> None:
    with MongoWorld() as world:
        result = await check(world, PROVIDER, METHOD, uses={})

    assert result.outcome is Outcome.PASSED
    assert result.warnings == ()


async def test_certificate_is_verified_for_the_name_that_was_entered() -> None:
    """Though the library speaks through a socket of ours, TLS is judged for the server's own name."""
    with MongoWorld() as world:
        network = Network(redirect={(world.hosts[0], 27017): (HOST, world.place.port)})
        result = await check(world, PROVIDER, METHOD, network=network)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.TLS
    assert world.server.logins == 0


async def test_members_of_another_domain_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS that names servers of another domain gets no password."""
    import dns.asyncresolver

    class Record:
        target, port = "db.evil.example.net.", 27017

    async def resolve(name: str, kind: str) -> list[Record]:
        assert (name, kind) == ("_mongodb._tcp.cluster0.example.com", "SRV")
        return [Record()]

    monkeypatch.setattr(dns.asyncresolver, "resolve", resolve)
    with pytest.raises(NetFailure):
        await look_up_members("cluster0.example.com")
    Record.target = "shard0.example.com."

    assert await look_up_members("cluster0.example.com") == [("shard0.example.com", 27017)]


@pytest.mark.parametrize("down", [True, False])
async def test_cluster_is_reached_at_its_primary(monkeypatch: pytest.MonkeyPatch, down: bool) -> None:
    """Of the servers behind a mongodb+srv name the one that takes changes gets the login, and that once."""
    import dns.asyncresolver

    class Record:
        def __init__(self, number: int) -> None:
            self.target, self.port = f"shard{number}.example.com.", 27017

    async def resolve(name: str, kind: str) -> list[Record]:
        return [Record(0), Record(1)]

    monkeypatch.setattr(dns.asyncresolver, "resolve", resolve)
    monkeypatch.setattr("providers.mongodb.vendor.DATABASE", "admin")
    with MongoWorld() as secondary, MongoWorld() as primary:
        secondary.server.hello["isWritablePrimary"] = False
        ports = [secondary.place.port, primary.place.port]
        places = {(f"shard{number}.example.com", 27017): (HOST, port) for number, port in enumerate(ports)}
        if down:
            del places["shard0.example.com", 27017]
        network = Network(roots=authority().ca_pem, redirect=places, resolver=nowhere)
        fields = {**primary.fields(METHOD), "host": "mongodb+srv://cluster0.example.com"}
        result = await check(primary, PROVIDER, METHOD, fields=fields, uses={}, network=network)

    assert result.outcome is Outcome.PASSED
    assert (secondary.server.logins, primary.server.logins) == (0, 1)


async def nowhere(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, host)


async def test_silent_server_ends_with_the_deadline() -> None:
    """A server that accepts and says nothing costs no more than the time of the check."""
    with hangs() as place:
        fields = {
            "host": HOST, "port": place.port, "username": USER, "password": PASSWORD, "database": DATABASE,
            "tlsEnabled": "false",
        }  # fmt: skip
        result = await run_check(request(fields, total_seconds=0.3), Network())

    assert result.failure is not None
    assert result.failure.kind is FailureKind.UNREACHABLE


def test_snippets_of_both_uses_make_one_user() -> None:
    """Pasted together, the lines make the user once and then give it both roles."""
    uses = [IntendedUse(ROTATION, {}), IntendedUse(LEASES, {})]
    lines = merged_snippet(PROVIDER, uses, {"username": "kms", "database": "app"}).splitlines()

    assert sum("createUser({" in line for line in lines) == 1
    assert [line.split("(")[0] for line in lines] == [
        "use app", "db.createUser", "db.grantRolesToUser", "db.createRole", "db.grantRolesToUser",
    ]  # fmt: skip


class TestSecantus:
    """A server that is not mongod and speaks its protocol: users, roles, SCRAM and TLS are its own."""

    async def check(self, server: Mongo, login: Login, *, uses: tuple[str, ...] = (), **changes: Any) -> CheckResult:
        return await run_check(request({**server_fields(server, login), **changes}, uses=uses), Network())

    async def test_right_password_passes_and_wrong_one_does_not(self, mongo: Mongo) -> None:
        with mongo.account("read") as login:
            right = await self.check(mongo, login)
            wrong = await self.check(mongo, Login(login.user, "pw-of-nobody"))

        assert right.outcome is Outcome.PASSED
        assert right.identity["account"] == f"{login.user}@admin"
        assert wrong.failure is not None
        assert wrong.failure.rule == "bad-login"

    @pytest.mark.parametrize(("role", "state"), [("userAdmin", GrantState.GRANTED), ("read", GrantState.MISSING)])
    async def test_built_in_roles_are_known_without_privileges(
        self, mongo: Mongo, role: str, state: GrantState
    ) -> None:
        """It lists roles and no privileges; what the built-in ones give is known."""
        with mongo.account({"role": role, "db": "admin"}) as login:
            found = rows(await self.check(mongo, login, uses=(ROTATION,)))

        assert found[ROTATION, "userAdmin on admin"] is state

    async def test_snippet_makes_a_user_who_passes(self, mongo: Mongo) -> None:
        """The roles of the rotation's snippet, granted by the administrator, are all that is needed, and no more."""
        with mongo.account({"role": "userAdmin", "db": "admin"}) as login:
            result = await self.check(mongo, login, uses=(ROTATION,))

        assert result.outcome is Outcome.PASSED
        assert {grant.state for grant in result.grants} == {GrantState.GRANTED}

    async def test_new_password_holds_and_the_old_one_does_not(self, mongo: Mongo) -> None:
        """The user sets its own password."""
        new = "N0t-yet-us3d!"
        with mongo.account({"role": "userAdmin", "db": "admin"}) as login:
            fields = server_fields(mongo, login)
            async with opened_call(OnThisMachine(), "mongodb", METHOD, fields) as call:
                await REGISTRY.function("mongodb", "change_password")(call, Secret(new))
            right = await self.check(mongo, Login(login.user, new))
            gone = await self.check(mongo, login)

        assert (right.outcome, gone.outcome) == (Outcome.PASSED, Outcome.FAILED)

    async def test_plain_text_on_a_port_of_tls_is_told(self, mongo: Mongo) -> None:
        with mongo.account("read") as login:
            result = await self.check(mongo, login, tlsEnabled="false", tlsCertificate="")

        assert result.failure is not None
        assert result.failure.rule == "no-answer"

    async def test_certificate_of_another_authority_is_refused(self, mongo: Mongo) -> None:
        with mongo.account("read") as login:
            result = await self.check(mongo, login, tlsCertificate="")

        assert result.failure is not None
        assert result.failure.kind is FailureKind.TLS


def server_fields(server: Mongo, login: Login) -> dict[str, Any]:
    return {
        "host": HOST, "port": server.port, "username": login.user, "password": login.password, "database": "admin",
        "tlsCertificate": server.ca_pem,
    }  # fmt: skip


def request(fields: dict[str, Any], *, uses: tuple[str, ...] = (), **options: float) -> CheckRequest:
    return CheckRequest(
        provider=PROVIDER,
        method=PROVIDER.method(METHOD),
        fields=typed_fields(PROVIDER.method(METHOD), fields),
        uses=tuple(IntendedUse(use, {}) for use in uses),
        function=lambda name: REGISTRY.function("mongodb", name),
        private_allowed=True,
        **options,
    )
