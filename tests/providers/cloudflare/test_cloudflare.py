"""Cloudflare keeps the contract; two kinds of token, a blind verify call and deny policies are seen through."""

import json

import pytest

from jackfield.model.check import GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.snippet import merged_snippet
from providers.cloudflare.vendor import ACCOUNT, OF_USER, Cloudflare
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


@pytest.mark.parametrize(
    ("kind", "groups"),
    [
        ("acme", {"DNS Write", "Zone Read"}),
        ("certificates", {"SSL and Certificates Write", "Zone Read"}),
        ("both", {"DNS Write", "SSL and Certificates Write", "Zone Read"}),
    ],
)
def test_snippet_holds_only_what_the_kind_of_use_needs(kind: str, groups: set[str]) -> None:
    use = IntendedUse("pki/certificates", {"zone": "example.com", "kind": kind})

    policy = json.loads(merged_snippet(REGISTRY.get("cloudflare"), [use], {"accountId": ACCOUNT}))["policies"][0]

    assert {group["id"].removeprefix("<id of ").rstrip(">") for group in policy["permission_groups"]} == groups
