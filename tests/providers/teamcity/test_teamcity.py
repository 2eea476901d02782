"""TeamCity keeps the contract; what the server shows to everybody is no proof, and versioned settings are told."""

import pytest

from jackfield.model.check import ExpiryKnown, GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.teamcity.vendor import TeamCity
from support.calls import listed


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


async def test_a_caller_whose_links_tell_nothing_stays_unknown() -> None:
    """Neither the link for editing nor the one for looking: no right is claimed or denied."""
    with TeamCity() as vendor:
        answer = {"id": "Acme_Web", "links": {"link": [{"type": "webView"}]}, "parameters": {"count": 3}}
        vendor.vendor.answers("GET", "/app/rest/projects/id:Acme_Web", answer)

        found = rows(await check(vendor, REGISTRY.get("teamcity"), "access-token"))

    assert found["secret-sync/parameters", "edit_project"] is GrantState.UNKNOWN


@pytest.mark.parametrize(
    ("configuration", "outcome"), [("Acme_Web_Build", Outcome.PASSED), ("Acme_Api_Build", Outcome.LIMITED)]
)
async def test_a_build_configuration_of_another_project_is_not_reached(configuration: str, outcome: Outcome) -> None:
    with TeamCity() as vendor:
        uses = {"secret-sync/parameters": {"project": "Acme_Web", "configuration": configuration}}

        result = await check(vendor, REGISTRY.get("teamcity"), "access-token", uses=uses)

    assert result.outcome is outcome


async def test_what_can_be_chosen_is_listed_to_the_end() -> None:
    with TeamCity() as vendor:
        projects = await listed(vendor, "teamcity", "access-token", "projects")
        configurations = await listed(vendor, "teamcity", "access-token", "configurations", {"project": "Acme_Web"})

    assert (projects, configurations) == (["Acme_Api", "Acme_Web"], ["Acme_Web_Build"])
