"""Terraform Cloud keeps the contract; what is forbidden looks like what is not there, and regions do not mix."""

from jackfield.model.check import ExpiryKnown, FailureKind, GrantState
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.terraform_cloud.vendor import GOOD, TerraformCloud


class TestTerraformCloud(ProviderContract):
    slug = "terraform-cloud"
    world = TerraformCloud


async def test_a_token_of_the_other_region_is_refused_and_the_region_is_named() -> None:
    with TerraformCloud() as vendor:
        fields = {"apiToken": GOOD, "host": "app.eu.terraform.io"}

        result = await check(vendor, REGISTRY.get("terraform-cloud"), "api-token", fields=fields)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED
    assert "region" in result.failure.next_step


async def test_a_token_that_sees_no_organization_is_warned_of() -> None:
    with TerraformCloud() as vendor:
        vendor.seen.clear()

        result = await check(vendor, REGISTRY.get("terraform-cloud"), "api-token", uses={})

    assert any("no organization" in warning for warning in result.warnings)


async def test_a_hidden_workspace_counts_as_missing() -> None:
    with TerraformCloud() as vendor:
        uses = {"secret-sync/workspace": {"organization": "acme", "workspace": "ws-2"}}

        found = rows(await check(vendor, REGISTRY.get("terraform-cloud"), "api-token", uses=uses))

    assert found["secret-sync/workspace", "workspace: variables read and write"] is GrantState.MISSING


async def test_the_end_of_a_token_is_read_only_when_there_is_one() -> None:
    with TerraformCloud() as vendor:
        vendor.ends = [None]
        never = await check(vendor, REGISTRY.get("terraform-cloud"), "api-token", uses={})
        vendor.ends = [None, None]
        unknown = await check(vendor, REGISTRY.get("terraform-cloud"), "api-token", uses={})

    assert (never.expiry_known, unknown.expiry_known) == (ExpiryKnown.NEVER, ExpiryKnown.UNKNOWN)
