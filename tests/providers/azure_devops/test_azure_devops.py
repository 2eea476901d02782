"""Azure DevOps keeps the contract under every method, and its traps are told apart."""

import pytest

from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from providers.azure_devops.vendor import (
    PAT,
    PROJECT,
    SIGN_IN,
    TO_SIGN_IN,
    DevOps,
)
from providers.contract import REGISTRY, ProviderContract, check, told
from support.vendor import Answer

SLUG = "azure-devops"
USE = "secret-sync/variable-group"


class TestAzureDevOps(ProviderContract):
    slug = SLUG
    world = DevOps


async def checked(world: DevOps, method: str = "access-token", **options: object) -> CheckResult:
    return await check(world, REGISTRY.get(SLUG), method, **options)


def state(result: CheckResult, name: str) -> GrantState:
    return next(grant.state for grant in result.grants if grant.permission.startswith(name))


@pytest.mark.parametrize("page", [SIGN_IN, TO_SIGN_IN, Answer(401)])
async def test_wrong_token_is_rejected_however_it_is_said(page: Answer) -> None:
    """203 with a sign-in page is a 2xx and means what 302 and 401 mean."""
    with DevOps() as world:
        world.stranger = page

        result = await checked(world, fields=world.wrong_fields("access-token"))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED


async def test_organization_with_public_projects_proves_nothing_by_answering() -> None:
    """It answers strangers too: who the organization takes the credential for decides."""
    with DevOps() as world:
        world.public = True

        good = await checked(world)
        wrong = await checked(world, fields=world.wrong_fields("access-token"))

    assert good.outcome is Outcome.PASSED
    assert wrong.outcome is Outcome.FAILED
    assert wrong.failure is not None
    assert wrong.failure.rule == "stranger"


async def test_managing_groups_is_never_claimed_of_a_personal_token() -> None:
    """Its scopes cannot be read: what can be listed stays unreadable, what cannot is missing."""
    with DevOps() as world:
        listed = await checked(world)
        world.scopes -= {"groups", "release"}
        unlisted = await checked(world)

    for name in ("Variable Groups", "Release"):
        assert state(listed, name) is GrantState.UNREADABLE
        assert state(unlisted, name) is GrantState.MISSING
    assert unlisted.outcome is Outcome.LIMITED


async def test_existing_group_takes_the_right_to_administer_it() -> None:
    """A group of others is judged by its own token and another bit than creating one."""
    with DevOps() as world:
        world.held = {4}
        target = {"project": PROJECT, "group": "7"}

        result = await checked(world, "client-secret", uses={USE: target})

        asked_for = world.asked_for
    assert asked_for == [(2, f"Library/{PROJECT}/VariableGroup/7")]
    assert state(result, "Library") is GrantState.MISSING


async def test_token_of_an_app_that_no_organization_knows_is_no_pass() -> None:
    """Entra gives a token to any app; it must be added to the organization."""
    with DevOps() as world:
        world.member = False

        result = await checked(world, "client-secret")

    assert result.failure is not None
    assert result.failure.kind is FailureKind.FORBIDDEN
    assert "Users" in result.failure.next_step


async def test_values_of_variables_are_not_kept() -> None:
    """Listing groups answers with plain variables, which nothing of a check may hold."""
    with DevOps() as world:
        result = await checked(world)

    assert "s3cret-colour" not in told(result)
    assert PAT not in told(result)


async def test_pages_of_projects_are_followed() -> None:
    """The project stands on the second page, which a header names."""
    with DevOps() as world:
        await checked(world)

        pages = [request.query for request in world.vendor.requests if request.path.endswith("/_apis/projects")]
    assert {"api-version": "7.1", "$top": "100", "continuationToken": "1"} in pages
