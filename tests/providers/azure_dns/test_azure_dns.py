"""Azure DNS keeps the contract, and its traps are told apart."""

import pytest

from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome, StepName, StepOutcome
from providers.azure_dns.vendor import ACTION, ZONE, Dns
from providers.contract import REGISTRY, ProviderContract, check, rows

SLUG = "azure-dns"
USE = "pki/acme-dns"


class TestAzureDns(ProviderContract):
    slug = SLUG
    world = Dns


async def checked(world: Dns, **options: object) -> CheckResult:
    return await check(world, REGISTRY.get(SLUG), "client-secret", **options)


def reach(result: CheckResult) -> StepOutcome:
    return next(step.outcome for step in result.steps if step.name is StepName.REACH)


async def test_empty_list_of_zones_is_not_a_pass() -> None:
    """A principal without any role is answered 200 with nothing in it."""
    with Dns() as world:
        world.zones = 0

        result = await checked(world, uses={})

    assert result.outcome is Outcome.FAILED
    assert result.failure is not None
    assert result.failure.kind is FailureKind.FORBIDDEN


async def test_without_the_list_of_rights_writing_is_never_claimed() -> None:
    """A role that may not read permissions leaves reading to probes; 412 and 204 grant nothing and write nothing."""
    with Dns() as world:
        world.lists_permissions = False

        found = rows(await checked(world))
        written = list(world.written)

    assert found[USE, ACTION + "read"] is found[USE, ACTION + "TXT/read"] is GrantState.GRANTED
    assert found[USE, ACTION + "TXT/write"] is found[USE, ACTION + "TXT/delete"] is GrantState.UNKNOWN
    assert written == []


async def test_refused_attempts_show_missing_rights() -> None:
    """403 on a guarded write or deletion is a missing right, where the connection allows attempts."""
    with Dns() as world:
        world.lists_permissions = False
        world.rights = {"read", "TXT/read"}
        allowed = rows(await checked(world))
        refused = rows(await checked(world, attempts=False))

    assert allowed[USE, ACTION + "TXT/write"] is allowed[USE, ACTION + "TXT/delete"] is GrantState.MISSING
    assert refused[USE, ACTION + "TXT/write"] is refused[USE, ACTION + "TXT/delete"] is GrantState.UNKNOWN


@pytest.mark.parametrize("level", ["ReadOnly", "CanNotDelete"])
async def test_lock_limits_in_spite_of_the_role(level: str) -> None:
    """Locks do not stand among rights: the roles allow, the lock forbids."""
    with Dns() as world:
        world.locks = [level]

        result = await checked(world)

    assert set(rows(result).values()) == {GrantState.GRANTED}
    assert reach(result) is StepOutcome.FAILED
    assert result.outcome is Outcome.LIMITED


async def test_zone_that_is_not_listed_is_not_reached() -> None:
    """A private zone, or one of another subscription, never stands in the list."""
    with Dns() as world:
        private = ZONE.replace("dnsZones", "privateDnsZones").replace("example.com", "intern.example")
        result = await checked(world, uses={USE: {"zoneId": private}})

    assert reach(result) is StepOutcome.FAILED
    assert GrantState.GRANTED not in rows(result).values()
