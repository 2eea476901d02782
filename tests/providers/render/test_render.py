"""Render keeps the contract; reading is no proof of writing, and an empty list is no proof of a workspace."""

import pytest

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.render.vendor import Render
from support.calls import listed
from support.vendor import Answer


class TestRender(ProviderContract):
    slug = "render"
    world = Render


@pytest.mark.parametrize(
    ("part", "use", "permission"),
    [
        ("env-vars", "secret-sync/service", "Environment variables of the service: read and write"),
        ("deploys", "secret-sync/service", "Deploys: write"),
        ("env-groups", "secret-sync/environment-group", "Environment groups: read and write"),
    ],
)
async def test_what_cannot_even_be_read_is_missing(part: str, use: str, permission: str) -> None:
    with Render() as vendor:
        readable = await check(vendor, REGISTRY.get("render"), "api-key")
        vendor.refused.add(part)
        refused = await check(vendor, REGISTRY.get("render"), "api-key")

    assert rows(readable)[use, permission] is GrantState.UNREADABLE
    assert rows(refused)[use, permission] is GrantState.MISSING


async def test_a_workspace_out_of_sight_is_not_reached() -> None:
    """The key of a person removed from a workspace stays valid."""
    with Render() as vendor:
        vendor.vendor.answers("GET", "/v1/owners", [])

        result = await check(vendor, REGISTRY.get("render"), "api-key")

    assert result.outcome is Outcome.LIMITED


async def test_a_role_nobody_knows_stays_unknown() -> None:
    with Render() as vendor:
        vendor.role = "OWNER_OF_SOMETHING"

        result = await check(vendor, REGISTRY.get("render"), "api-key")

    assert rows(result)["secret-sync/service", "member role ADMIN or DEVELOPER"] is GrantState.UNKNOWN


async def test_workspaces_are_listed_to_the_end() -> None:
    with Render() as vendor:
        assert len(await listed(vendor, "render", "api-key", "workspaces")) == 130


async def test_a_workflow_out_of_sight_is_not_reached() -> None:
    with Render() as vendor:
        result = await check(
            vendor, REGISTRY.get("render"), "api-key", uses={"secret-sync/workflow": {"workflow": "wfl-2"}}
        )

    assert result.outcome is Outcome.LIMITED


@pytest.mark.parametrize(
    ("path", "use"),
    [("/v1/services/srv-1/env-vars", "secret-sync/service"), ("/v1/env-groups/evg-1", "secret-sync/environment-group")],
)
@pytest.mark.parametrize("status", [404, 410])
async def test_a_target_that_is_gone_is_not_reached(path: str, use: str, status: int) -> None:
    with Render() as vendor:
        vendor.vendor.answers("GET", path, Answer(status, json={"message": "gone"}))

        result = await check(vendor, REGISTRY.get("render"), "api-key", uses={use: vendor.uses[use]})

    assert result.outcome is Outcome.LIMITED
