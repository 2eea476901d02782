"""Vercel keeps the contract; its 403 for everything is told apart by what stands in the answer."""

from jackfield.model.check import FailureKind, GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.vercel.vendor import Vercel
from support.calls import listed


class TestVercel(ProviderContract):
    slug = "vercel"
    world = Vercel


async def test_bad_token_and_wrong_scope_share_a_status_and_are_told_apart() -> None:
    with Vercel() as vendor:
        bad = await check(vendor, REGISTRY.get("vercel"), "api-token", fields=vendor.wrong_fields("api-token"))
        vendor.scope_refused = True
        narrow = await check(vendor, REGISTRY.get("vercel"), "api-token")

    assert bad.failure is not None
    assert bad.failure.kind is FailureKind.REJECTED
    assert narrow.failure is not None
    assert narrow.failure.kind is FailureKind.FORBIDDEN


async def test_a_token_of_the_whole_account_holds_the_scope_through_a_wider_one() -> None:
    with Vercel() as vendor:
        vendor.scopes = [{"type": "user"}]

        result = await check(vendor, REGISTRY.get("vercel"), "api-token")

    found = rows(result)
    assert found["secret-sync/project", "token scope: the team or project that owns the target"] is GrantState.IMPLIED
    assert found["", "whole account of the person"] is GrantState.EXCESS


async def test_a_project_of_another_team_is_not_reached() -> None:
    with Vercel() as vendor:
        uses = {"secret-sync/project": {"team": "team_3", "project": "website", "production": "no"}}

        result = await check(vendor, REGISTRY.get("vercel"), "api-token", uses=uses)

    assert result.outcome is Outcome.LIMITED


async def test_listings_are_read_to_the_end() -> None:
    with Vercel() as vendor:
        assert await listed(vendor, "vercel", "api-token", "teams") == ["team_1", "team_3"]
        assert await listed(vendor, "vercel", "api-token", "projects", {"team": "team_1"}) == ["api", "website"]


async def test_a_scope_that_ends_before_its_token_is_the_end() -> None:
    with Vercel() as vendor:
        vendor.scopes[0]["expiresAt"] = 1_790_000_000_000

        result = await check(vendor, REGISTRY.get("vercel"), "api-token", uses={})

    assert result.expires_at is not None
    assert result.expires_at.timestamp() == 1_790_000_000
