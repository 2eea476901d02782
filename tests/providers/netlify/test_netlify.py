"""Netlify keeps the contract, and its own traps are told apart."""

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.netlify.vendor import Netlify


class TestNetlify(ProviderContract):
    slug = "netlify"
    world = Netlify


async def test_role_of_a_name_nobody_knows_stays_unknown() -> None:
    """How Netlify spells roles is not documented: a new word is neither a green mark nor a missing right."""
    with Netlify() as netlify:
        netlify.role = "Publisher"

        result = await check(netlify, REGISTRY.get("netlify"), "access-token")

    assert rows(result)["secret-sync/env", "team role Owner or Developer"] is GrantState.UNKNOWN


async def test_team_that_is_not_seen_is_not_reached() -> None:
    """A token without SSO approval does not see its team: the check is limited and names the team."""
    with Netlify() as netlify:
        netlify.sees_team = False

        result = await check(netlify, REGISTRY.get("netlify"), "access-token")

    assert result.outcome is Outcome.LIMITED
    assert any("acme" in step.detail for step in result.steps if step.name == "reach")
