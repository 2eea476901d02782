"""Railway keeps the contract; faults that come with status 200 are seen, and kinds of token are told apart."""

import pytest
from graphql import build_client_schema, parse, validate

from jackfield.model.check import Outcome
from providers.contract import REGISTRY, ProviderContract, check
from providers.railway.vendor import ACCOUNT, PROJECT_ID, TEAM, Railway, schema
from support.calls import listed


class TestRailway(ProviderContract):
    slug = "railway"
    world = Railway


async def test_a_fault_with_status_200_is_no_success() -> None:
    with Railway() as vendor:
        result = await check(vendor, REGISTRY.get("railway"), "team-token", fields=vendor.wrong_fields("team-token"))

    assert result.outcome is Outcome.FAILED
    assert result.exchanges[0].status == "200"


async def test_an_account_token_in_place_of_a_team_token_is_warned_of() -> None:
    with Railway() as vendor:
        vendor.workspaces.append({"id": "ws-2", "name": "Other"})

        result = await check(vendor, REGISTRY.get("railway"), "team-token", fields={"apiToken": ACCOUNT})

    assert any("more than one workspace" in warning for warning in result.warnings)


async def test_a_team_token_in_place_of_an_account_token_names_the_right_method() -> None:
    with Railway() as vendor:
        result = await check(vendor, REGISTRY.get("railway"), "account-token", fields={"apiToken": TEAM})

    assert result.failure is not None
    assert "Team" in result.failure.next_step


async def test_a_workspace_that_may_not_deploy_is_warned_of() -> None:
    """Written variables work only after a deployment."""
    with Railway() as vendor:
        sound = await check(vendor, REGISTRY.get("railway"), "account-token")
        vendor.disallowed = "Trial has ended"
        ended = await check(vendor, REGISTRY.get("railway"), "account-token")

    assert not sound.warnings
    assert any("deploy" in warning for warning in ended.warnings)


async def test_environments_are_offered_those_out_of_reach_last() -> None:
    with Railway() as vendor:
        offered = await listed(vendor, "railway", "project-token", "environments", {"project": PROJECT_ID})

        services = await listed(vendor, "railway", "project-token", "services", {"project": PROJECT_ID})

    assert (offered, services) == (["production", "vault"], ["web"])


@pytest.mark.parametrize(
    ("environment", "service", "outcome"),
    [
        ("production", "web", Outcome.PASSED),
        ("production", "worker", Outcome.LIMITED),
        ("vault", "web", Outcome.LIMITED),
    ],
)
async def test_a_target_out_of_reach_is_not_reached(environment: str, service: str, outcome: Outcome) -> None:
    with Railway() as vendor:
        targets = {"project": PROJECT_ID, "environment": environment, "service": service}
        result = await check(vendor, REGISTRY.get("railway"), "team-token", uses={"secret-sync/variables": targets})

    assert result.outcome is outcome


async def test_every_query_is_valid_in_the_vendors_schema() -> None:
    """Where the vendor's schema is at hand, each query that a check sends must be valid in it."""
    asked: set[str] = set()
    for method in Railway.credentials:
        with Railway() as vendor:
            await check(vendor, REGISTRY.get("railway"), method)
            if method != "project-token":
                await listed(vendor, "railway", method, "projects")
            asked |= set(vendor.queries)

    known = schema()
    faults = [] if known is None else [validate(build_client_schema(known), parse(query)) for query in asked]
    assert asked
    assert [fault for fault in faults if fault] == []
