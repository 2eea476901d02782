"""Databricks keeps the contract; a login alone proves nothing, and writing is never claimed without the ACL."""

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.databricks.vendor import Databricks

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
        vendor.acl = ""

        result = await check(vendor, REGISTRY.get("databricks"), "service-principal")

    assert rows(result)[WRITE] is GrantState.UNREADABLE


async def test_scope_that_mirrors_a_key_vault_is_not_reached() -> None:
    with Databricks() as vendor:
        vendor.backend = "AZURE_KEYVAULT"

        result = await check(vendor, REGISTRY.get("databricks"), "service-principal")

    assert result.outcome is Outcome.LIMITED
