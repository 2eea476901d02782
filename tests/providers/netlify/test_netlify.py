"""Netlify keeps the contract, and its own traps are told apart."""

import pytest

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.netlify.vendor import Netlify
from support.calls import listed


class TestNetlify(ProviderContract):
    slug = "netlify"
    world = Netlify


async def test_role_of_a_name_nobody_knows_stays_unknown() -> None:
    """How Netlify spells roles is not documented: a new word is neither a green mark nor a missing right."""
    with Netlify() as netlify:
        netlify.role = "Publisher"

        result = await check(netlify, REGISTRY.get("netlify"), "access-token")

    assert rows(result)["secret-sync/env", "team role Owner or Developer"] is GrantState.UNKNOWN


@pytest.mark.parametrize(("site", "outcome"), [("site-2", Outcome.PASSED), ("site-of-others", Outcome.LIMITED)])
async def test_variables_of_a_site_are_asked_for_by_its_id(site: str, outcome: Outcome) -> None:
    """Without the id the same call is about every site of the team."""
    with Netlify() as netlify:
        uses = {"secret-sync/env": {"team": "acme", "site": site}}
        result = await check(netlify, REGISTRY.get("netlify"), "access-token", uses=uses)
        asked = [request.query for request in netlify.vendor.requests if request.path.endswith("/env")]

    assert asked == [{"site_id": site}]
    assert result.outcome is outcome


async def test_sites_are_listed_to_the_end() -> None:
    with Netlify() as netlify:
        assert await listed(netlify, "netlify", "access-token", "sites", {"team": "acme"}) == ["site-2", "site-1"]


@pytest.mark.parametrize("link", ["https://[", "https://elsewhere.example/sites", "http://api.netlify.com:99999999/"])
async def test_a_next_page_elsewhere_or_nowhere_ends_the_list(link: str) -> None:
    """The token goes to no other host, whatever the answer says of a next page."""
    with Netlify() as netlify:
        netlify.more_sites = link
        assert await listed(netlify, "netlify", "access-token", "sites", {"team": "acme"}) == ["site-1"]


async def test_team_that_is_not_seen_is_not_reached() -> None:
    """A token without SSO approval does not see its team: the check is limited and names the team."""
    with Netlify() as netlify:
        netlify.sees_team = False

        result = await check(netlify, REGISTRY.get("netlify"), "access-token")

    assert result.outcome is Outcome.LIMITED
    assert any("acme" in step.detail for step in result.steps if step.name == "reach")
