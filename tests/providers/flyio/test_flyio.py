"""Fly.io keeps the contract; bundles stay whole, ends are read offline, and an empty bundle proves nothing."""

from datetime import UTC, datetime

from jackfield.model.check import ExpiryKnown, GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, offered, rows
from providers.flyio.vendor import END, GOOD, FlyIo


class TestFlyIo(ProviderContract):
    slug = "flyio"
    world = FlyIo


async def test_the_earliest_end_of_a_bundle_is_read_from_the_token_itself() -> None:
    with FlyIo() as vendor:
        result = await check(vendor, REGISTRY.get("flyio"), "access-token")

    assert result.expires_at == datetime.fromtimestamp(END, UTC)


async def test_a_bundle_that_cannot_be_read_leaves_its_end_unknown() -> None:
    with FlyIo() as vendor:
        fields = {"accessToken": "FlyV1 fm2_bm90IG1zZ3BhY2s="}
        vendor.vendor.answers("GET", "/v1/tokens/current", {"tokens": [{"org_slug": "acme", "apps": []}]})

        result = await check(vendor, REGISTRY.get("flyio"), "access-token", fields=fields, uses={})

    assert result.expiry_known is ExpiryKnown.UNKNOWN


async def test_a_token_that_answers_with_nothing_in_it_is_not_proven() -> None:
    with FlyIo() as vendor:
        vendor.vendor.answers("GET", "/v1/tokens/current", {"tokens": []})

        result = await check(vendor, REGISTRY.get("flyio"), "access-token")

    assert result.outcome is Outcome.FAILED


async def test_a_classic_token_has_rows_that_nobody_can_read() -> None:
    with FlyIo() as vendor:
        vendor.vendor.answers(
            "GET", "/v1/tokens/current", {"tokens": [{"org_slug": "acme", "user": "ada", "apps": []}]}
        )

        result = await check(vendor, REGISTRY.get("flyio"), "access-token", fields={"accessToken": "fo1_" + "x" * 40})

    assert {state for row, state in rows(result).items() if row[0]} == {GrantState.UNREADABLE}
    assert any("person" in warning for warning in result.warnings)


async def test_a_deploy_token_offers_its_own_apps() -> None:
    """It may not list the organization's apps, which says nothing against it."""
    with FlyIo() as vendor:
        vendor.lists_apps = False

        assert await offered(vendor, REGISTRY.get("flyio"), "access-token", "apps") == ["acme-web"]


async def test_a_bundle_is_sent_as_it_is() -> None:
    """Commas and scheme included, and never as a Bearer token."""
    with FlyIo() as vendor:
        await check(vendor, REGISTRY.get("flyio"), "access-token")

        asked = next(request for request in vendor.vendor.requests if request.path == "/v1/tokens/current")
    assert asked.headers["authorization"] == GOOD
    assert "," in GOOD
