"""Forge keeps the contract; listings are read to their end, and writing is never claimed."""

from jackfield.model.check import GrantState
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.laravel_forge.vendor import DATED, LaravelForge


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

    (reach,) = [step for step in result.steps if step.name == "reach"]
    assert reach.outcome == "unknown"
    assert rows(result)["secret-sync/site-environment", "server:view"] is GrantState.UNKNOWN


async def test_the_end_that_a_token_states_is_told() -> None:
    """A token that is a JWT names its end; nothing else rests on it."""
    with LaravelForge() as vendor:
        vendor.tokens.add(DATED)

        result = await check(vendor, REGISTRY.get("laravel-forge"), "api-token", fields={"apiToken": DATED}, uses={})

    assert result.expires_at is not None
    assert result.expires_at.timestamp() == 1_830_000_000
