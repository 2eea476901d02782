"""Northflank keeps the contract; a narrow token is alive, not bad, and writing is never claimed."""

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.northflank.vendor import Northflank, refused
from support.calls import listed


class TestNorthflank(ProviderContract):
    slug = "northflank"
    world = Northflank


async def test_a_token_that_may_not_list_projects_is_alive() -> None:
    """A refusal of the list is not a refusal of the token; it is limited, and says that little could be shown."""
    with Northflank() as vendor:
        vendor.role.discard("Manage: Read")

        result = await check(vendor, REGISTRY.get("northflank"), "api-token")

    assert result.outcome is Outcome.LIMITED
    assert result.warnings


async def test_writing_is_never_claimed() -> None:
    with Northflank() as vendor:
        result = await check(vendor, REGISTRY.get("northflank"), "api-token")

    row = ("secret-sync/secret-group", "Project > Config & Secrets > Secret Groups: Update")
    assert rows(result)[row] is GrantState.UNREADABLE


async def test_a_group_of_another_project_is_not_reached() -> None:
    """Outside its role's projects a token is told that nothing is there."""
    with Northflank() as vendor:
        vendor.vendor.answers("GET", "/v1/projects/web/secrets/production/details", refused(404, "not found"))

        result = await check(vendor, REGISTRY.get("northflank"), "api-token")

    assert result.outcome is Outcome.LIMITED


async def test_projects_are_listed_to_the_end() -> None:
    with Northflank() as vendor:
        assert await listed(vendor, "northflank", "api-token", "projects") == ["api", "web"]
