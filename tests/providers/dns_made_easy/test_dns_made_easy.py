"""DNS Made Easy keeps the contract; a wrong clock is told from a wrong key, and writing is never promised."""

from datetime import timedelta

import pytest

from jackfield.model.check import FailureKind, GrantState, Outcome, StepName, StepOutcome
from providers.contract import REGISTRY, ProviderContract, check, rows, told
from providers.dns_made_easy.vendor import DnsMadeEasy

METHOD = "api-key-secret"
DNS_01 = "pki/dns-01"
WIDE = "full account access through the key"
NARROW = "sub-user with DNS rights on the needed domains only"


class TestDnsMadeEasy(ProviderContract):
    slug = "dns-made-easy"
    world = DnsMadeEasy


@pytest.mark.parametrize("ahead", [timedelta(seconds=-90), timedelta(seconds=90)])
async def test_wrong_clock_is_not_taken_for_a_wrong_key(ahead: timedelta) -> None:
    """Both are refused with 403, and the body that names the clock is no JSON: the Date header tells."""
    with DnsMadeEasy() as vendor:
        vendor.clock = ahead

        result = await check(vendor, REGISTRY.get("dns-made-easy"), METHOD)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.CLOCK


async def test_account_without_zones_is_proven() -> None:
    """An empty list is an answer that only a right key gets."""
    with DnsMadeEasy() as vendor:
        vendor.zones = {}

        result = await check(vendor, REGISTRY.get("dns-made-easy"), METHOD, uses={"other/zones": {}})

    assert result.outcome is Outcome.PASSED
    assert result.identity["zones"] == "0"


async def test_reading_a_zone_promises_no_writing() -> None:
    """The key reads everything that is asked of it; whether it writes stays open."""
    with DnsMadeEasy() as vendor:
        result = await check(vendor, REGISTRY.get("dns-made-easy"), METHOD)

    assert rows(result)[DNS_01, WIDE] is GrantState.UNREADABLE
    assert rows(result)["other/zones", WIDE] is GrantState.GRANTED


async def test_narrower_key_is_not_asked_for_where_there_is_one_zone_only() -> None:
    with DnsMadeEasy() as vendor:
        vendor.zones = {1001: "example.com"}

        result = await check(vendor, REGISTRY.get("dns-made-easy"), METHOD)

    assert (DNS_01, NARROW) not in rows(result)


@pytest.mark.parametrize("out_of_reach", ["zone", "records"])
async def test_zone_out_of_reach_limits_the_check(out_of_reach: str) -> None:
    """A zone of another account, or one whose records this user may not see, is named."""
    zone = "example.org" if out_of_reach == "zone" else "example.com"
    with DnsMadeEasy() as vendor:
        vendor.readable_zones = set()

        result = await check(vendor, REGISTRY.get("dns-made-easy"), METHOD, uses={DNS_01: {"zone": zone}})

    reach = next(step for step in result.steps if step.name is StepName.REACH)
    assert (result.outcome, reach.outcome) == (Outcome.LIMITED, StepOutcome.FAILED)
    assert zone in reach.detail


async def test_signature_is_told_nowhere() -> None:
    """A signed date opens any call for half a minute, so no evidence holds one."""
    with DnsMadeEasy() as vendor:
        result = await check(vendor, REGISTRY.get("dns-made-easy"), METHOD)

        sent = {request.headers["x-dnsme-hmac"] for request in vendor.vendor.requests}
    assert sent
    assert not [signature for signature in sent if signature in told(result)]
