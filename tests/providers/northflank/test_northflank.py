"""Northflank keeps the contract; a narrow token is alive, not bad, and writing is never claimed."""

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.northflank.vendor import Northflank


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
