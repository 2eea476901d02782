"""Zabbix keeps the contract against a real 6.0 and a miniature 7.2; who may what is read, tried or left open."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from jackfield.model.check import ExpiryKnown, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.zabbix.vendor import (
    GLOBAL,
    GLOBAL_METHODS,
    HOST_METHODS,
    HOSTS,
    METHOD,
    READING,
    NewZabbix,
    RealZabbix,
    RealZabbixAdmin,
)
from support.servers.room import unique
from support.servers.web import Zabbix

PROVIDER = REGISTRY.get("zabbix")
READ_WRITE = "host group permission Read-write on the host"


class TestZabbix(ProviderContract):
    slug = "zabbix"
    world = RealZabbix

    @pytest.fixture
    def vendor(self, zabbix: Zabbix) -> Iterator[RealZabbix]:
        with RealZabbix(zabbix) as world:
            yield world


class TestNewZabbix(ProviderContract):
    slug = "zabbix"
    world = NewZabbix


@pytest.fixture
def admin(zabbix: Zabbix) -> Iterator[RealZabbixAdmin]:
    with RealZabbixAdmin(zabbix) as world:
        yield world


@pytest.mark.parametrize(("permission", "state"), [(3, GrantState.GRANTED), (2, GrantState.MISSING)])
async def test_admin_needs_read_write_on_the_host(admin: RealZabbixAdmin, permission: int, state: GrantState) -> None:
    """An Admin sees a host it may only read; its macros it cannot write."""
    rights = [{"id": admin.host_group, "permission": permission}]
    admin.call("usergroup.update", {"usrgrpid": admin.user_group, "rights": rights})

    result = await check(admin, PROVIDER, METHOD, uses={HOSTS: {"hostId": admin.host_id}})

    assert rows(result)[HOSTS, READ_WRITE] is state
    assert {state for row, state in rows(result).items() if row != (HOSTS, READ_WRITE)} == {GrantState.GRANTED}


async def test_host_out_of_reach_is_no_error_of_zabbix_and_still_told(admin: RealZabbixAdmin) -> None:
    """A host that the user does not see is answered with an empty list."""
    admin.call("usergroup.update", {"usrgrpid": admin.user_group, "rights": []})

    result = await check(admin, PROVIDER, METHOD, uses={HOSTS: {"hostId": admin.host_id}})

    assert result.outcome is Outcome.LIMITED
    assert any(admin.host_id in step.detail for step in result.steps if step.name == "reach")


async def test_admin_cannot_have_global_macros(admin: RealZabbixAdmin) -> None:
    found = rows(await check(admin, PROVIDER, METHOD, uses={GLOBAL: {}}))

    assert found[GLOBAL, "user type Super admin"] is GrantState.MISSING
    assert {found[GLOBAL, method] for method in GLOBAL_METHODS} == {GrantState.MISSING}


async def test_attempts_change_nothing(admin: RealZabbixAdmin) -> None:
    """With every method allowed, the guarded calls leave the macros of the server as they were."""

    def macros() -> list[Any]:
        """All but those of worlds that come and go meanwhile."""
        asked = ({"output": "extend"}, {"globalmacro": True})
        found = [macro for params in asked for macro in admin.call("usermacro.get", params)]
        return [one for one in found if one["macro"] in admin.macros or not one["macro"].startswith("{$JF_")]

    before = macros()

    result = await check(admin, PROVIDER, METHOD, uses={HOSTS: {"hostId": admin.host_id}})

    assert "create" in {exchange.fact for exchange in result.exchanges}
    assert macros() == before
    assert {one["macro"] for one in before} >= set(admin.macros)


async def test_without_consent_only_what_reads_is_known(admin: RealZabbixAdmin) -> None:
    """A role that cannot be read says nothing of methods that write."""
    uses = {HOSTS: {"hostId": admin.host_id}}

    found = rows(await check(admin, PROVIDER, METHOD, uses=uses, attempts=False))

    assert {found[HOSTS, method] for method in HOST_METHODS} == {GrantState.UNKNOWN}
    assert {found[HOSTS, method] for method in READING} == {GrantState.GRANTED}


async def test_disabled_token_is_rejected(admin: RealZabbixAdmin) -> None:
    admin.change_token(status=1)

    result = await check(admin, PROVIDER, METHOD, uses={})

    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED


async def test_end_is_read_where_the_role_allows_it(admin: RealZabbixAdmin) -> None:
    """It takes the method token.get and the action Manage API tokens; without an end the vendor says so."""
    hidden = await check(admin, PROVIDER, METHOD, uses={})
    rules = {"api": [*admin.methods, "token.get"], "actions": [{"name": "manage_api_tokens", "status": 1}]}
    admin.call("role.update", {"roleid": admin.role, "rules": rules})
    endless = await check(admin, PROVIDER, METHOD, uses={})
    admin.change_token(expires_at=1_900_000_000)
    ending = await check(admin, PROVIDER, METHOD, uses={})

    assert [one.expiry_known for one in (hidden, endless, ending)] == [
        ExpiryKnown.UNKNOWN, ExpiryKnown.NEVER, ExpiryKnown.READ,
    ]  # fmt: skip
    assert ending.expires_at is not None
    assert ending.expires_at.timestamp() == 1_900_000_000


@pytest.mark.parametrize("use", [HOSTS, GLOBAL])
async def test_snippet_gives_just_what_is_needed(zabbix: Zabbix, use: str) -> None:
    """A user made by the shown calls passes without any attempt: no row missing, none in excess."""
    with RealZabbix(zabbix) as world:
        targets = world.uses[use]
        shown = merged_snippet(PROVIDER, [IntendedUse(use, targets)], {})
        fields = {**world.fields(METHOD), "apiToken": pasted(world, shown)}

        result = await check(world, PROVIDER, METHOD, fields=fields, uses={use: targets}, attempts=False)

    assert result.outcome is Outcome.PASSED
    assert set(rows(result).values()) == {GrantState.GRANTED}


def pasted(world: RealZabbix, shown: str) -> str:
    """The token that the calls of a snippet end with; each finds in its marks the ids of those before it."""
    marks = {
        "kms-": unique("kms-"), "<random>": unique("Zx9!kkqWq"), "<epoch seconds>": "1900000000",
        f"<host group of host {world.host_id}>": world.host_group, "hostgroup_rights": "rights",  # as 6.0 calls it
    }  # fmt: skip
    answer: Any = None
    for line in shown.splitlines():
        method, _, params = line.partition(" ")
        for mark, value in marks.items():
            params = params.replace(mark, value)
        answer = world.call(method, json.loads(params))
        if method.endswith(".create"):
            kind = {"usergroup": "group"}.get(method.partition(".")[0], method.partition(".")[0])
            marks[f"<{kind} id>"] = next(iter(answer.values()))[0]
    return str(answer[0]["token"])


async def test_role_that_reads_itself_needs_no_attempt(zabbix: Zabbix) -> None:
    """The rules of a real role decide its methods, and what it allows beyond them is in excess."""
    with RealZabbix(zabbix) as world:
        world.change_role([*world.methods, "role.get", "host.delete"])

        result = await check(world, PROVIDER, METHOD, attempts=False)

    assert rows(result).pop(("", "host.delete")) is GrantState.EXCESS
    assert {state for (use, _), state in rows(result).items() if use} == {GrantState.GRANTED}


async def test_super_admin_of_a_fresh_server_holds_everything_and_more(zabbix: Zabbix) -> None:
    with RealZabbix(zabbix) as world:
        fields = {**world.fields(METHOD), "apiToken": world.admin}

        result = await check(world, PROVIDER, METHOD, fields=fields, attempts=False)

    assert rows(result)["", "every API method"] is GrantState.EXCESS
    assert {state for (use, _), state in rows(result).items() if use} == {GrantState.GRANTED}


@pytest.mark.parametrize(
    ("mode", "listed", "state"),
    [
        ("1", ["usermacro.*", "role.get"], GrantState.GRANTED),
        ("1", ["*.get", "*.update"], GrantState.MISSING),
        ("0", [], GrantState.GRANTED),
        ("0", ["*.create"], GrantState.MISSING),
    ],
)
async def test_patterns_of_a_role_are_understood(mode: str, listed: list[str], state: GrantState) -> None:
    with NewZabbix() as vendor:
        vendor.rules |= {"api.mode": mode, "api": listed}

        result = await check(vendor, PROVIDER, METHOD, uses={HOSTS: {"hostId": "10084"}}, attempts=False)

    assert rows(result)[HOSTS, "usermacro.create"] is state


@pytest.mark.parametrize("version", ["6.4.0", "7.0.1", "10.0.0"])
async def test_newer_versions_get_the_token_in_a_header(version: str) -> None:
    """And only there, and never on a call that asks for none: the vendor here refuses both."""
    with NewZabbix() as vendor:
        vendor.version = version

        result = await check(vendor, PROVIDER, METHOD)

        carried = {request.bearer for request in vendor.vendor.requests}
    assert result.outcome is Outcome.PASSED
    assert carried == {"", vendor.token}


async def test_every_method_refused_says_nothing_of_api_access_without_consent() -> None:
    """Whether the whole API is off or its methods are not listed cannot be told apart by reading."""
    with NewZabbix() as vendor:
        vendor.rules["api.access"] = "0"

        result = await check(vendor, PROVIDER, METHOD, attempts=False)

    assert rows(result)[HOSTS, "role API access on"] is GrantState.UNKNOWN
    assert rows(result)[HOSTS, "usermacro.get"] is GrantState.MISSING
