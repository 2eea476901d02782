"""TeamCity keeps the contract; what the server shows to everybody is no proof, and versioned settings are told."""

from jackfield.model.check import ExpiryKnown, Outcome
from providers.contract import REGISTRY, ProviderContract, check
from providers.teamcity.vendor import TeamCity


class TestTeamCity(ProviderContract):
    slug = "teamcity"
    world = TeamCity


async def test_settings_in_version_control_are_warned_of() -> None:
    with TeamCity() as vendor:
        vendor.versioned = True

        result = await check(vendor, REGISTRY.get("teamcity"), "access-token")

    assert any("version control" in warning for warning in result.warnings)


async def test_the_version_of_the_server_alone_proves_nothing() -> None:
    """Every token, however narrow, may ask for it."""
    with TeamCity() as vendor:
        vendor.refusal = 403

        result = await check(vendor, REGISTRY.get("teamcity"), "access-token")

    assert result.outcome is Outcome.FAILED


async def test_the_end_of_one_of_several_tokens_is_not_guessed() -> None:
    with TeamCity() as vendor:
        vendor.tokens.append({"name": "other", "expirationTime": "20280101T000000+0000"})

        result = await check(vendor, REGISTRY.get("teamcity"), "access-token", uses={})

    assert result.expiry_known is ExpiryKnown.UNKNOWN
