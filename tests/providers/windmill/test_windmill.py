"""Windmill keeps the contract; person and token must both hold a right, and a page of the app proves nothing."""

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.windmill.vendor import GOOD, Windmill
from support.calls import listed

USE = "secret-sync/variables"


class TestWindmill(ProviderContract):
    slug = "windmill"
    world = Windmill


async def test_a_token_that_is_not_scoped_needs_no_scopes() -> None:
    with Windmill() as vendor:
        vendor.scopes = None

        found = rows(await check(vendor, REGISTRY.get("windmill"), "access-token"))

    assert not [row for row in found if row[1].startswith("scope")]


async def test_a_read_only_token_may_not_write() -> None:
    with Windmill() as vendor:
        vendor.read_only = True

        found = rows(await check(vendor, REGISTRY.get("windmill"), "access-token"))

    assert found[USE, "scope variables:write"] is GrantState.MISSING


async def test_a_scope_of_another_path_does_not_cover_the_target() -> None:
    with Windmill() as vendor:
        vendor.scopes = ["variables:write:f/other/*", "workspaces:read", "users:read"]

        found = rows(await check(vendor, REGISTRY.get("windmill"), "access-token"))

    assert found[USE, "scope variables:write"] is GrantState.MISSING


async def test_a_token_of_any_workspace_needs_no_other() -> None:
    with Windmill() as vendor:
        vendor.workspace_id = None

        found = rows(await check(vendor, REGISTRY.get("windmill"), "access-token"))

    assert not [row for row in found if row[1].startswith("token of")]


async def test_folders_are_offered_as_paths() -> None:
    with Windmill() as vendor:
        offered = await listed(vendor, "windmill", "access-token", "folders", {"workspace": "acme"})

    assert offered == ["f/other", "f/production"]


async def test_ones_own_path_is_written_only_by_its_user() -> None:
    with Windmill() as vendor:
        own = await check(
            vendor, REGISTRY.get("windmill"), "access-token", uses={USE: {"workspace": "acme", "path": "u/kms/x"}}
        )
        other = await check(
            vendor, REGISTRY.get("windmill"), "access-token", uses={USE: {"workspace": "acme", "path": "u/ada/x"}}
        )

    assert rows(own)[USE, "owner of u/kms/x"] is GrantState.GRANTED
    assert rows(other)[USE, "owner of u/ada/x"] is GrantState.MISSING


async def test_an_instance_that_answers_with_its_app_is_not_proven() -> None:
    """Unknown paths of the app answer 200 with a page."""
    with Windmill() as vendor:
        vendor.vendor.answers("GET", "/api/users/whoami", vendor.vendor._routes[-1].handler(None))  # type: ignore[arg-type]
        fields = {"accessToken": GOOD, "instanceUrl": "https://windmill.example.com"}

        result = await check(vendor, REGISTRY.get("windmill"), "access-token", fields=fields)

    assert result.outcome is Outcome.FAILED
