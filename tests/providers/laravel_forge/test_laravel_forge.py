"""Forge keeps the contract; listings are read to their end, and writing is never claimed."""

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.laravel_forge.vendor import LaravelForge


class TestLaravelForge(ProviderContract):
    slug = "laravel-forge"
    world = LaravelForge


async def test_writing_is_never_claimed() -> None:
    with LaravelForge() as vendor:
        result = await check(vendor, REGISTRY.get("laravel-forge"), "api-token")

    assert rows(result)["secret-sync/site-environment", "site:manage-environment"] is GrantState.UNREADABLE


async def test_a_server_of_another_organization_is_not_reached() -> None:
    with LaravelForge() as vendor:
        uses = {"secret-sync/site-environment": {"organization": "other", "server": "12", "site": "34"}}

        result = await check(vendor, REGISTRY.get("laravel-forge"), "api-token", uses=uses)

    assert result.outcome is not Outcome.PASSED or any(step.outcome == "unknown" for step in result.steps)
