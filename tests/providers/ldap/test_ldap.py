"""LDAP keeps the contract against a domain controller and OpenLDAP, and its own traps are told apart."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from jackfield.checks.request import CheckRequest, OnProgress
from jackfield.checks.run import run_check
from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.errors import InvalidField
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, ProviderContract, check, once_accepted, rows, typed_fields
from providers.ldap.vendor import CERTIFICATES, LEASES, METHOD, RESET, ROTATION, DirectoryWorld
from support.calls import OnThisMachine, opened_call
from support.faults import answers, hangs
from support.servers.directories import ActiveDirectory, OpenLDAP
from support.servers.room import HOST, Login, unique

PROVIDER = REGISTRY.get("ldap")
CHANGE = "Change Password ab721a53-1e2f-11d0-9819-00aa0040529b for SELF"
NEW_PASSWORD = "N0t-yet-us3d!"


class TestLdap(ProviderContract):
    slug = "ldap"
    world = DirectoryWorld

    @pytest.fixture
    def vendor(self, active_directory: ActiveDirectory) -> Iterator[DirectoryWorld]:
        with self.world(active_directory) as world:
            yield world


@pytest.fixture
def directory(active_directory: ActiveDirectory) -> Iterator[DirectoryWorld]:
    with DirectoryWorld(active_directory) as world:
        yield world


async def test_identity_is_the_distinguished_name_where_who_am_i_is_not_known(directory: DirectoryWorld) -> None:
    """Samba does not answer Who-am-I: the principal name is looked up instead."""
    result = await check(directory, PROVIDER, METHOD, uses={})

    assert result.identity["account"] == directory.server.dn(directory.login)
    assert result.identity["directory"] == "active-directory"


async def test_target_by_principal_name_is_looked_up(directory: DirectoryWorld) -> None:
    """A target user@domain adds the right to read it; its access list is found all the same."""
    uses = {ROTATION: {"user": directory.target_login.user}}
    found = rows(await check(directory, PROVIDER, METHOD, uses=uses))

    assert found[ROTATION, "read on the target entry"] is GrantState.GRANTED
    assert found[ROTATION, RESET] is GrantState.GRANTED


async def test_target_that_nobody_has_is_not_reached(directory: DirectoryWorld) -> None:
    """A principal name nobody has: the row is missing, the target not reached, and nothing is green by guess."""
    result = await check(directory, PROVIDER, METHOD, uses={ROTATION: {"user": "nobody*@ad.test"}})

    assert rows(result)[ROTATION, "read on the target entry"] is GrantState.MISSING
    assert rows(result)[ROTATION, RESET] is GrantState.UNKNOWN
    assert result.outcome is Outcome.LIMITED


@pytest.mark.parametrize("forbidden", [False, True])
async def test_users_may_change_their_own_password_until_that_is_denied(
    directory: DirectoryWorld, forbidden: bool
) -> None:
    """What the access list of the user says of itself is what the directory does."""
    own = {ROTATION: {"user": directory.server.dn(directory.login), "rotation": "target-principal"}}
    if forbidden:
        directory.target = directory.server.dn(directory.login)
        directory.forbid_own_change()
    found = rows(await check(directory, PROVIDER, METHOD, uses=own))

    assert found[ROTATION, CHANGE] is (GrantState.MISSING if forbidden else GrantState.GRANTED)


@pytest.mark.parametrize("held", [True, False])
async def test_verdicts_are_what_the_directory_then_does(directory: DirectoryWorld, held: bool) -> None:
    """The rows that were read from access lists are tried for real: each call does what its row said."""
    if not held:
        directory.rights.clear()
        directory.grant()
    found = rows(await check(directory, PROVIDER, METHOD))
    states = {name: state for (use, name), state in found.items() if use != CERTIFICATES}

    done = acted_as(directory)

    assert states == dict.fromkeys(states, GrantState.GRANTED if held else GrantState.MISSING)
    assert done == dict.fromkeys(done, held)


def acted_as(directory: DirectoryWorld) -> dict[str, bool]:
    """What the account itself can do: the calls of the uses, made with its own login."""
    from support.servers.directories import _bound

    server, name = directory.server, unique("lease-")
    with _bound(server.host, server.tls_port, directory.login, server.ca_pem) as connection:
        connection.raise_exceptions = False
        dn = f"CN={name},{directory.unit}"
        done = {"reset": connection.extend.microsoft.modify_password(directory.target, NEW_PASSWORD) is True}
        member = {"member": [("MODIFY_ADD", [directory.target])]}
        done["member"] = connection.modify(directory.group, member)
        done["create"] = connection.add(dn, ["user"], {"sAMAccountName": name, "userAccountControl": 514})
        done["delete"] = connection.delete(dn)
    return done


async def test_domain_admin_holds_everything_through_wider_rights(active_directory: ActiveDirectory) -> None:
    """An administrator passes, and each of its groups stands in the list as excess."""
    with DirectoryWorld(active_directory) as world, active_directory.person(domain_admin=True) as login:
        fields = {**world.fields(METHOD), "dn": login.user, "password": login.password}
        found = rows(await check(world, PROVIDER, METHOD, fields=fields))

    assert found["", "Domain Admins"] is GrantState.EXCESS
    assert found[ROTATION, RESET] is GrantState.IMPLIED


async def test_account_disabled_in_the_middle_is_told(directory: DirectoryWorld) -> None:
    """The directory serves a bound connection on, so the entry is looked at once more before the check ends."""

    def disable() -> None:
        change = {"userAccountControl": [("MODIFY_REPLACE", [514])]}
        directory.connection.modify(directory.server.dn(directory.login), change)

    result = await check(directory, PROVIDER, METHOD, on_progress=once_accepted(disable))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED
    assert set(rows(result).values()) <= {GrantState.UNKNOWN, GrantState.UNREADABLE}


async def test_server_with_another_certificate_is_refused(directory: DirectoryWorld) -> None:
    """A certificate that no trusted authority signed ends the check before anything is sent."""
    result = await check(directory, PROVIDER, METHOD, fields={**directory.fields(METHOD), "sslCertificate": ""})

    assert result.failure is not None
    assert result.failure.kind is FailureKind.TLS


def test_empty_password_never_reaches_the_wire() -> None:
    """An empty password would be an anonymous login that succeeds: the form refuses it."""
    with pytest.raises(InvalidField):
        typed_fields(PROVIDER.method(METHOD), {"url": "ldaps://dc1.example.com", "dn": "a@example.com", "password": ""})


def test_domain_and_user_with_a_backslash_are_refused() -> None:
    """DOMAIN\\user would bind, and then nothing else would find the user."""
    with pytest.raises(InvalidField):
        typed_fields(PROVIDER.method(METHOD), {"url": "ldaps://dc1", "dn": "EXAMPLE\\ada", "password": "pw"})


class TestOpenLdap:
    async def check(
        self,
        server: OpenLDAP,
        login: Login,
        uses: dict[str, dict[str, str]],
        *,
        attempts: bool = True,
        on_progress: OnProgress = lambda _: None,
        **changes: Any,
    ) -> CheckResult:
        fields = {**directory_fields(server, login), **changes}
        return await run_check(request(fields, uses, attempts=attempts), Network(), on_progress)

    async def test_person_is_known_by_who_am_i(self, openldap: OpenLDAP) -> None:
        """A right password is proven, a wrong one refused without a reason."""
        with openldap.person() as login:
            right = await self.check(openldap, login, {})
            wrong = await self.check(openldap, Login(login.user, "pw-of-nobody"), {})

        assert right.outcome is Outcome.PASSED
        assert right.identity["account"] == login.user
        assert wrong.failure is not None
        assert wrong.failure.rule == "refused"

    async def test_entry_deleted_in_the_middle_is_told(self, openldap: OpenLDAP) -> None:
        """OpenLDAP serves the bound connection on, and still judges it by the name of the entry that is gone."""
        with openldap.person() as login, openldap.person() as target, openldap.connected() as admin:
            uses = {ROTATION: {"user": target.user}}
            deleting = once_accepted(lambda: admin.delete(login.user))
            result = await self.check(openldap, login, uses, on_progress=deleting)

        assert result.failure is not None
        assert result.failure.kind is FailureKind.REJECTED

    async def test_administrator_without_an_entry_is_known_too(self, openldap: OpenLDAP) -> None:
        """The root of slapd has no entry to read; Who-am-I names it."""
        result = await self.check(openldap, Login(openldap.admin, openldap.password), {})

        assert result.outcome is Outcome.PASSED
        assert result.identity["account"] == openldap.admin

    async def test_plain_text_works_on_private_addresses_and_warns(self, openldap: OpenLDAP) -> None:
        with openldap.person() as login:
            result = await self.check(openldap, login, {}, url=f"ldap://{HOST}:{openldap.port}")

        assert result.outcome is Outcome.PASSED
        assert any("plain text" in warning for warning in result.warnings)

    async def test_malformed_name_is_told(self, openldap: OpenLDAP) -> None:
        result = await self.check(openldap, Login("no name at all", "pw-1234"), {})

        assert result.failure is not None
        assert result.failure.rule == "malformed-name"

    @pytest.mark.parametrize("who", ["rotator", "person"])
    async def test_password_right_is_rehearsed_and_nothing_changes(self, openldap: OpenLDAP, who: str) -> None:
        """Under No-Op the rotator may set the password and a person may not; the old password works on."""
        with openldap.person() as target, openldap.person() as person:
            login = Login(openldap.rotator, openldap.rotator_password) if who == "rotator" else person
            uses = {ROTATION: {"user": target.user}}
            result = await self.check(openldap, login, uses)
            still = await self.check(openldap, target, {})

        expected = GrantState.GRANTED if who == "rotator" else GrantState.MISSING
        assert rows(result) == {(ROTATION, "write on userPassword"): expected}
        assert still.outcome is Outcome.PASSED

    @pytest.mark.parametrize("who", ["admin", "person"])
    async def test_adding_and_deleting_are_rehearsed_and_nothing_changes(self, openldap: OpenLDAP, who: str) -> None:
        """Under No-Op the administrator may add and delete, a person may not; no entry comes or goes."""
        with openldap.person() as person, openldap.person():
            login = Login(openldap.admin, openldap.password) if who == "admin" else person
            before = names_in(openldap)
            result = await self.check(openldap, login, {LEASES: {"unit": openldap.suffix}})
            after = names_in(openldap)

        found = rows(result)
        expected = GrantState.GRANTED if who == "admin" else GrantState.MISSING
        assert found[LEASES, "Create Child user in the OU"] is expected
        assert found[LEASES, "Delete Child or Delete on it"] is (expected if who == "admin" else GrantState.MISSING)
        assert after == before

    async def test_snippet_gives_just_what_is_needed(self, openldap: OpenLDAP) -> None:
        """A person and the access lines that are shown, and nothing else: no row missing, none in excess."""
        with contextlib.ExitStack() as stack:
            login, target, uses = self.things(openldap, stack)
            before = await self.check(openldap, login, uses)
            stack.enter_context(pasted(openldap, uses, login))
            after = await self.check(openldap, login, uses)
            still = await self.check(openldap, target, {})

        assert GrantState.GRANTED not in rows(before).values()
        assert after.outcome is Outcome.PASSED
        assert {row: state for row, state in rows(after).items() if state is not GrantState.GRANTED} == {
            (CERTIFICATES, "login right on each host"): GrantState.UNREADABLE
        }
        assert still.outcome is Outcome.PASSED

    def things(self, server: OpenLDAP, stack: contextlib.ExitStack) -> tuple[Login, Login, dict[str, dict[str, str]]]:
        """Who logs in, the person to rotate, and targets of every use: a unit with a person in it, and a group."""
        login, target = stack.enter_context(server.person()), stack.enter_context(server.person())
        connection = stack.enter_context(server.connected())
        unit, group = (f"{kind}={unique('x-')},{server.suffix}" for kind in ("ou", "cn"))
        for dn, kind, more in (
            (unit, "organizationalUnit", {}),
            (f"cn=lent,{unit}", "person", {"sn": "Lent"}),
            (group, "groupOfNames", {"member": target.user}),
        ):
            connection.add(dn, [kind], more)
            stack.callback(connection.delete, dn)
        return (
            login,
            target,
            {ROTATION: {"user": target.user}, LEASES: {"unit": unit, "group": group}, CERTIFICATES: {}},
        )

    async def test_nothing_is_rehearsed_without_consent(self, openldap: OpenLDAP) -> None:
        with openldap.person() as target:
            login = Login(openldap.rotator, openldap.rotator_password)
            result = await self.check(openldap, login, {ROTATION: {"user": target.user}}, attempts=False)

        assert rows(result) == {(ROTATION, "write on userPassword"): GrantState.UNKNOWN}


@contextlib.contextmanager
def pasted(server: OpenLDAP, uses: dict[str, dict[str, str]], login: Login) -> Iterator[None]:
    """The access lines of the shown LDIF, given to the running server as ldapmodify would; taken away again."""
    from support.servers.directories import _bound

    intended = [IntendedUse(use, targets) for use, targets in uses.items()]
    shown = [line.partition(": ") for line in merged_snippet(PROVIDER, intended, {"dn": login.user}).splitlines()]
    (dn,) = [text for name, _, text in shown if name == "dn"]
    lines = [text for name, _, text in shown if name == "olcAccess"]
    assert ("changetype", ": ", "modify") in shown
    with _bound(server.host, server.tls_port, Login("cn=admin,cn=config", server.password), server.ca_pem) as settings:
        settings.search(dn, "(objectClass=*)", "BASE", attributes=["olcAccess"])
        before = settings.response[0]["attributes"]["olcAccess"]
        settings.modify(dn, {"olcAccess": [("MODIFY_ADD", lines)]})
        try:
            yield
        finally:
            settings.modify(dn, {"olcAccess": [("MODIFY_REPLACE", before)]})


class TestTakeover:
    """The password is set anew by its own user, with no right over anybody else."""

    async def test_active_directory_takes_a_new_password(self, active_directory: ActiveDirectory) -> None:
        """Samba lets the old one in for a while yet, so only that the new one holds is asked."""
        with DirectoryWorld(active_directory) as world:
            before = await check(
                world, PROVIDER, METHOD, uses={}, fields={**world.fields(METHOD), "password": NEW_PASSWORD}
            )
            async with opened_call(world, "ldap", METHOD) as call:
                await REGISTRY.function("ldap", "change_password")(call, Secret(NEW_PASSWORD))
            after = await check(
                world, PROVIDER, METHOD, uses={}, fields={**world.fields(METHOD), "password": NEW_PASSWORD}
            )

        assert (before.outcome, after.outcome) == (Outcome.FAILED, Outcome.PASSED)

    async def test_openldap_takes_a_new_password(self, openldap: OpenLDAP) -> None:
        with openldap.person() as login:
            fields = directory_fields(openldap, login)
            async with opened_call(OnThisMachine(), "ldap", METHOD, fields) as call:
                await REGISTRY.function("ldap", "change_password")(call, Secret(NEW_PASSWORD))
            new = await run_check(request({**fields, "password": NEW_PASSWORD}, {}), Network())
            old = await run_check(request(fields, {}), Network())

        assert (new.outcome, old.outcome) == (Outcome.PASSED, Outcome.FAILED)

    @pytest.mark.parametrize("fault", ["policy", "plain text"])
    async def test_a_password_that_is_not_taken_changes_nothing(self, openldap: OpenLDAP, fault: str) -> None:
        """A refusal is told as one, and the old password works on; in plain text none is sent."""
        with openldap.person() as login:
            fields = directory_fields(openldap, login)
            url = fields["url"] if fault == "policy" else f"ldap://{HOST}:{openldap.port}"
            async with opened_call(OnThisMachine(), "ldap", METHOD, {**fields, "url": url}) as call:
                with pytest.raises(NetFailure):
                    await REGISTRY.function("ldap", "change_password")(
                        call, Secret("tiny" if fault == "policy" else NEW_PASSWORD)
                    )
            old = await run_check(request(fields, {}), Network())

        assert old.outcome is Outcome.PASSED


def directory_fields(server: OpenLDAP, login: Login) -> dict[str, Any]:
    return {
        "url": f"ldaps://{HOST}:{server.tls_port}", "dn": login.user, "password": login.password,
        "sslCertificate": server.ca_pem,
    }  # fmt: skip


def names_in(server: OpenLDAP) -> set[str]:
    with server.connected() as connection:
        connection.search(server.suffix, "(uid=person-*)", attributes=["1.1"])
        return {entry["dn"] for entry in connection.response}


async def test_server_of_another_protocol_is_told() -> None:
    """An HTTP server behind the port is not called a wrong password."""
    with answers(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
        place.received += b"\r\n\r\n"  # it answers at once
        fields = {"url": f"ldap://{HOST}:{place.port}", "dn": "cn=a,dc=test", "password": "pw-1234"}
        result = await run_check(request(fields, {}), Network())

    assert result.failure is not None
    assert result.failure.kind in {FailureKind.MISCONFIGURED, FailureKind.UNREACHABLE}


async def test_silent_server_ends_with_the_deadline() -> None:
    """A server that accepts and says nothing costs no more than the time of the check."""
    with hangs() as place:
        fields = {"url": f"ldap://{HOST}:{place.port}", "dn": "cn=a,dc=test", "password": "pw-1234"}
        result = await run_check(request(fields, {}, total_seconds=0.3), Network())

    assert result.failure is not None
    assert result.failure.kind is FailureKind.UNREACHABLE


def request(
    fields: dict[str, Any], uses: dict[str, dict[str, str]], *, attempts: bool = True, **options: float
) -> CheckRequest:
    return CheckRequest(
        provider=PROVIDER,
        method=PROVIDER.method(METHOD),
        fields=typed_fields(PROVIDER.method(METHOD), fields),
        uses=tuple(IntendedUse(use, targets) for use, targets in uses.items()),
        function=lambda name: REGISTRY.function("ldap", name),
        attempts_allowed=attempts,
        private_allowed=True,
        **options,
    )
