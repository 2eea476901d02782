"""GitHub Radar keeps the contract, and a webhook that cannot work is told."""

from typing import Any

import pytest

from jackfield.model.check import CheckResult, GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.github_radar.vendor import NO_HOOK, GitHubRadar


class TestGitHubRadar(ProviderContract):
    slug = "github-radar"
    world = GitHubRadar


async def checked(world: GitHubRadar, pushes: str = "yes") -> CheckResult:
    uses = {"secret-scanning/installation": {"pushes": pushes}}
    return await check(world, REGISTRY.get("github-radar"), "github-app", uses=uses)


def reached(result: CheckResult) -> str:
    return next(step.detail for step in result.steps if step.name == "reach")


@pytest.mark.parametrize("hook", [NO_HOOK, {"content_type": "form", "url": ""}])
async def test_webhook_that_is_off_is_not_reached(hook: Any) -> None:
    """Scanning each push without a webhook address: the rights are there, the use cannot work."""
    with GitHubRadar() as radar:
        radar.hook = hook

        result = await checked(radar)

    assert result.outcome is Outcome.LIMITED
    assert "Webhook › Active" in reached(result)


@pytest.mark.parametrize(
    ("delivered", "outcome"), [([200], Outcome.PASSED), ([502, 0], Outcome.LIMITED), ([], Outcome.PASSED)]
)
async def test_deliveries_prove_that_the_webhook_arrives(delivered: list[int], outcome: Outcome) -> None:
    """One that arrived proves it, only failed ones refute it, and none at all proves nothing."""
    with GitHubRadar() as radar:
        radar.delivered = delivered

        result = await checked(radar)

    assert result.outcome is outcome
    assert ("deliveries that arrive: not known" in reached(result)) == (delivered == [])


async def test_scans_by_hand_need_no_event_and_ask_for_no_webhook() -> None:
    """Without scanning each push the event row is absent, and its subscription is in excess."""
    with GitHubRadar() as radar:
        radar.hook = NO_HOOK

        result = await checked(radar, pushes="no")

        asked = {request.path for request in radar.vendor.requests}
    assert result.outcome is Outcome.PASSED
    assert ("secret-scanning/installation", "event push") not in rows(result)
    assert rows(result)["", "event push"] is GrantState.EXCESS
    assert not {path for path in asked if "hook" in path}


async def test_installation_without_repositories_is_useless_and_says_so() -> None:
    """Selected repositories, none selected: it works and scans nothing."""
    with GitHubRadar() as radar:
        radar.installed = []

        result = await checked(radar)

    assert result.outcome is Outcome.LIMITED
    assert any("no repository" in warning for warning in result.warnings)


async def test_what_the_owner_has_not_accepted_is_warned_of() -> None:
    """The app asks for an event that this installation has not got yet."""
    with GitHubRadar() as radar:
        radar.events = []

        result = await checked(radar, pushes="no")

    assert any("review the request" in warning for warning in result.warnings)
