"""Octopus keeps the contract; a guest is no proof, and restrictions and holes in the stated permissions count."""

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
