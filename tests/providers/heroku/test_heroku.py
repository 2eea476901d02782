"""Heroku keeps the contract; its scopes contain one another, and only `global` may read a token's end."""

import pytest

from jackfield.model.check import ExpiryKnown, GrantState
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.heroku.vendor import Heroku

USE = "secret-sync/config-vars"


class TestHeroku(ProviderContract):
    slug = "heroku"
    world = Heroku


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["global"], ("implied", "implied", "implied")),
        (["write-protected"], ("implied", "implied", "granted")),
        (["read-protected"], ("implied", "granted", "missing")),
        (["write"], ("implied", "missing", "missing")),
        (["identity"], ("missing", "missing", "missing")),
    ],
)
async def test_a_wider_scope_holds_the_narrower_ones(scopes: list[str], expected: tuple[str, ...]) -> None:
    with Heroku() as vendor:
        vendor.scopes = scopes

        found = rows(await check(vendor, REGISTRY.get("heroku"), "auth-token"))

    assert tuple(found[USE, name].value for name in ("read", "read-protected", "write-protected")) == expected


async def test_the_end_of_a_global_token_is_read() -> None:
    with Heroku() as vendor:
        vendor.scopes = ["global"]

        result = await check(vendor, REGISTRY.get("heroku"), "auth-token")

    assert result.expiry_known is ExpiryKnown.READ
    assert result.expires_at is not None
    assert 29 <= (result.expires_at - result.started_at).days <= 30


async def test_the_owner_of_an_app_needs_no_permission_on_it() -> None:
    with Heroku() as vendor:
        vendor.owner, vendor.permissions = "ada@example.com", ["view"]

        result = await check(vendor, REGISTRY.get("heroku"), "auth-token")

    assert rows(result)[USE, "app permission: manage (team apps)"] is GrantState.IMPLIED


async def test_an_app_of_no_team_has_no_such_row() -> None:
    with Heroku() as vendor:
        vendor.team = None

        result = await check(vendor, REGISTRY.get("heroku"), "auth-token")

    assert (USE, "app permission: manage (team apps)") not in rows(result)


@pytest.mark.parametrize(("role", "state"), [("admin", GrantState.IMPLIED), ("member", GrantState.MISSING)])
async def test_an_admin_of_the_team_needs_no_permission_on_its_app(role: str, state: GrantState) -> None:
    with Heroku() as vendor:
        vendor.role, vendor.permissions = role, ["view"]

        result = await check(vendor, REGISTRY.get("heroku"), "auth-token")

    assert rows(result)[USE, "app permission: manage (team apps)"] is state
