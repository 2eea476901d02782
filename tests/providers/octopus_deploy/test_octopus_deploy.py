"""Octopus keeps the contract; a guest is no proof, and restrictions and holes in the stated permissions count."""

import pytest

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.octopus_deploy.vendor import ENTRY, OctopusDeploy

EDIT = ("secret-sync/project-variables", "VariableEdit")


class TestOctopusDeploy(ProviderContract):
    slug = "octopus-deploy"
    world = OctopusDeploy


async def test_whoever_is_let_in_as_guest_is_not_proven() -> None:
    with OctopusDeploy() as vendor:
        vendor.guest = True

        result = await check(vendor, REGISTRY.get("octopus-deploy"), "api-key")

    assert result.outcome is Outcome.FAILED


async def test_a_right_on_another_project_does_not_count() -> None:
    with OctopusDeploy() as vendor:
        vendor.held["VariableEdit"] = [{**ENTRY, "RestrictedToProjectIds": ["Projects-2"]}]

        found = rows(await check(vendor, REGISTRY.get("octopus-deploy"), "api-key"))

    assert found[EDIT] is GrantState.MISSING


async def test_a_right_through_the_projects_group_counts() -> None:
    with OctopusDeploy() as vendor:
        restricted = {"RestrictedToProjectIds": ["Projects-2"], "RestrictedToProjectGroupIds": ["ProjectGroups-1"]}
        vendor.held["VariableEdit"] = [{**ENTRY, **restricted}]

        found = rows(await check(vendor, REGISTRY.get("octopus-deploy"), "api-key"))

    assert found[EDIT] is GrantState.GRANTED


@pytest.mark.parametrize(
    ("environments", "state"),
    [
        ("Environments-1", GrantState.GRANTED),
        ("Environments-1, Environments-2", GrantState.MISSING),
        ("", GrantState.UNKNOWN),
    ],
)
async def test_a_right_limited_to_environments_counts_for_those(environments: str, state: GrantState) -> None:
    """Without the environments being named, a limited right decides nothing."""
    with OctopusDeploy() as vendor:
        vendor.held["VariableEdit"] = [{**ENTRY, "RestrictedToEnvironmentIds": ["Environments-1"]}]
        uses = {EDIT[0]: {**vendor.uses[EDIT[0]], "environments": environments}}

        found = rows(await check(vendor, REGISTRY.get("octopus-deploy"), "api-key", uses=uses))

    assert found[EDIT] is state


async def test_a_right_through_another_projects_group_does_not_count() -> None:
    with OctopusDeploy() as vendor:
        restricted = {"RestrictedToProjectIds": [], "RestrictedToProjectGroupIds": ["ProjectGroups-2"]}
        vendor.held["VariableEdit"] = [{**ENTRY, **restricted}]

        found = rows(await check(vendor, REGISTRY.get("octopus-deploy"), "api-key"))

    assert found[EDIT] is GrantState.MISSING


@pytest.mark.parametrize("version", ["2026.3.1", "2027.1.5", "unheard of"])
async def test_where_keys_may_be_narrower_than_their_user_no_writing_is_green(version: str) -> None:
    """What is stated is the user's; reads show the rest, and a right that even the user lacks is missing."""
    with OctopusDeploy() as vendor:
        vendor.version = version
        result = await check(vendor, REGISTRY.get("octopus-deploy"), "api-key")
        del vendor.held["VariableEdit"]
        lacking = await check(vendor, REGISTRY.get("octopus-deploy"), "api-key")

    assert result.outcome is Outcome.PASSED
    assert {name: state for (_, name), state in rows(result).items()} == {
        **dict.fromkeys(["VariableView", "ProjectView", "EnvironmentView"], GrantState.GRANTED),
        **dict.fromkeys(["VariableEdit", "VariableViewUnscoped", "VariableEditUnscoped"], GrantState.UNREADABLE),
    }
    assert rows(lacking)[EDIT] is GrantState.MISSING


async def test_holes_in_the_answer_leave_a_row_unknown() -> None:
    with OctopusDeploy() as vendor:
        vendor.complete = False
        del vendor.held["VariableEdit"]

        found = rows(await check(vendor, REGISTRY.get("octopus-deploy"), "api-key"))

    assert found[EDIT] is GrantState.UNKNOWN


async def test_an_administrator_holds_everything_and_too_much() -> None:
    with OctopusDeploy() as vendor:
        vendor.system, vendor.held = ["AdministerSystem"], {}

        found = rows(await check(vendor, REGISTRY.get("octopus-deploy"), "api-key"))

    assert found[EDIT] is GrantState.IMPLIED
    assert found["", "AdministerSystem"] is GrantState.EXCESS
