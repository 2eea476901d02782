"""Databricks keeps the contract; a login alone proves nothing, and writing is never claimed without the ACL."""

import pytest

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.databricks.vendor import CLIENT, Databricks

WRITE = ("secret-sync/secret-scope", "scope ACL WRITE")


class TestDatabricks(ProviderContract):
    slug = "databricks"
    world = Databricks


async def test_login_of_a_principal_outside_the_workspace_fails() -> None:
    """A token is issued all the same; it must not come out green."""
    with Databricks() as vendor:
        vendor.in_workspace = False

        result = await check(vendor, REGISTRY.get("databricks"), "service-principal", uses={})

    assert result.outcome is Outcome.FAILED


async def test_without_manage_writing_is_not_claimed() -> None:
    """A rightly limited principal may not read the ACL; the probe that answers 'no such key' proves nothing."""
    with Databricks() as vendor:
        vendor.acl = None

        result = await check(vendor, REGISTRY.get("databricks"), "service-principal")

    assert rows(result)[WRITE] is GrantState.UNREADABLE


async def test_scope_that_mirrors_a_key_vault_is_not_reached() -> None:
    with Databricks() as vendor:
        vendor.backend = "AZURE_KEYVAULT"

        result = await check(vendor, REGISTRY.get("databricks"), "service-principal")

    assert result.outcome is Outcome.LIMITED


@pytest.mark.parametrize("key", ["items", "acls"])
@pytest.mark.parametrize(
    ("acl", "state"),
    [
        ({"data-engineers": "WRITE"}, GrantState.GRANTED),
        ({"data-engineers": "MANAGE"}, GrantState.IMPLIED),
        ({"strangers": "MANAGE"}, GrantState.MISSING),
    ],
)
async def test_a_right_held_through_a_group_counts(key: str, acl: dict[str, str], state: GrantState) -> None:
    with Databricks() as vendor:
        vendor.acl, vendor.acl_key = acl, key
        vendor.groups = ["users", "data-engineers"]
        uses = {"secret-sync/secret-scope": {"scope": "production"}}

        result = await check(vendor, REGISTRY.get("databricks"), "service-principal", uses=uses)

    assert rows(result)[WRITE] is state


async def test_managing_the_scope_is_more_than_a_sync_needs() -> None:
    with Databricks() as vendor:
        vendor.acl = {CLIENT: "MANAGE"}

        result = await check(vendor, REGISTRY.get("databricks"), "service-principal")

    assert rows(result)[WRITE] is GrantState.IMPLIED
    assert rows(result)["", "MANAGE on production"] is GrantState.EXCESS


async def test_groups_are_judged_without_a_scope_too() -> None:
    with Databricks() as vendor:
        vendor.groups.append("data-engineers")
        uses = {"secret-rotation/principal-secrets": {"principal": "42"}}

        result = await check(vendor, REGISTRY.get("databricks"), "service-principal", uses=uses)

    assert rows(result)["", "group data-engineers"] is GrantState.EXCESS
