"""Humanitec keeps the contract; a token that belongs nowhere is said to be useless."""

from jackfield.model.check import ExpiryKnown, GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.humanitec.vendor import APPLICATION, Humanitec


class TestHumanitec(ProviderContract):
    slug = "humanitec"
    world = Humanitec


async def test_token_that_belongs_nowhere_is_warned_of() -> None:
    with Humanitec() as vendor:
        vendor.organizations = []

        result = await check(vendor, REGISTRY.get("humanitec"), "api-token", uses={})

    assert any("no organization" in warning for warning in result.warnings)


async def test_ended_trial_is_warned_of() -> None:
    with Humanitec() as vendor:
        vendor.organizations = [{"id": "acme", "name": "Acme", "trial_expires_at": "2024-01-01T00:00:00Z"}]

        result = await check(vendor, REGISTRY.get("humanitec"), "api-token", uses={})

    assert any("trial" in warning for warning in result.warnings)


async def test_administrator_needs_no_role_in_the_application() -> None:
    """An administrator of the organization holds everything; the wider role is told as such."""
    with Humanitec() as vendor:
        vendor.roles = {"/orgs/acme": "administrator", APPLICATION: "viewer"}

        result = await check(vendor, REGISTRY.get("humanitec"), "api-token")

    assert rows(result)["secret-sync/shared-values", "application role developer"] is GrantState.IMPLIED
    assert rows(result)["", "/orgs/acme: administrator"] is GrantState.EXCESS


async def test_application_out_of_reach_is_limited() -> None:
    with Humanitec() as vendor:
        del vendor.roles[APPLICATION]

        result = await check(vendor, REGISTRY.get("humanitec"), "api-token")

    assert result.outcome is Outcome.LIMITED


async def test_end_of_one_of_several_tokens_is_not_guessed() -> None:
    with Humanitec() as vendor:
        vendor.tokens.append({"id": "other", "description": ""})

        result = await check(vendor, REGISTRY.get("humanitec"), "api-token", uses={})

    assert result.expiry_known is ExpiryKnown.UNKNOWN
