"""Cloudflare keeps the contract; two kinds of token, a blind verify call and deny policies are seen through."""

from jackfield.model.check import GrantState, Outcome
from providers.cloudflare.vendor import OF_USER, Cloudflare
from providers.contract import REGISTRY, ProviderContract, check, rows

WORKERS = ("secret-sync/workers", "Account: Workers Scripts: Edit")


class TestCloudflare(ProviderContract):
    slug = "cloudflare"
    world = Cloudflare


async def test_user_token_is_verified_at_its_own_place() -> None:
    """The account's verify call refuses a perfect user token; that is no failure."""
    with Cloudflare() as vendor:
        fields = {**vendor.fields("api-token"), "apiToken": OF_USER}

        result = await check(vendor, REGISTRY.get("cloudflare"), "api-token", fields=fields)

    assert result.outcome is Outcome.PASSED
    assert result.identity["kind"] == "user token"


async def test_a_deny_policy_wins() -> None:
    with Cloudflare() as vendor:
        vendor.denied = {"Workers Scripts Write"}

        result = await check(vendor, REGISTRY.get("cloudflare"), "api-token")

    assert rows(result)[WORKERS] is GrantState.MISSING


async def test_a_token_that_cannot_read_itself_is_not_called_green() -> None:
    """Listing scripts proves reading at most, never that secrets can be written."""
    with Cloudflare() as vendor:
        vendor.reads_itself = False

        result = await check(vendor, REGISTRY.get("cloudflare"), "api-token")

    assert rows(result)[WORKERS] is GrantState.UNREADABLE


async def test_a_zone_that_is_not_seen_is_not_reached() -> None:
    """The list of zones answers 200 with nothing in it; that is no proof."""
    with Cloudflare() as vendor:
        uses = {"pki/certificates": {"zone": "example.org", "kind": "both"}}

        result = await check(vendor, REGISTRY.get("cloudflare"), "api-token", uses=uses)

    assert result.outcome is Outcome.LIMITED
