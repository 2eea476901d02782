"""Okta keeps the contract; the token is sent only to an Okta organization, and roles decide."""

import pytest

from jackfield.model.check import ExpiryKnown, GrantState
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.okta.vendor import APP, ORN, Okta

SECRETS = ("secret-rotation/oidc-app", "okta.apps.clientCredentials.read")
MANAGE = ("secret-rotation/oidc-app", "okta.apps.manage")


class TestOkta(ProviderContract):
    slug = "okta"
    world = Okta


async def test_the_token_is_not_sent_to_a_host_that_is_no_organization() -> None:
    with Okta() as vendor:
        fields = {**vendor.fields("api-token"), "instanceUrl": "https://nobody.okta.com"}

        await check(vendor, REGISTRY.get("okta"), "api-token", fields=fields)

        assert all("authorization" not in request.headers for request in vendor.vendor.requests)


async def test_a_standard_role_holds_the_right_and_is_in_excess() -> None:
    with Okta() as vendor:
        vendor.roles = [
            {"id": "ra-1", "type": "SUPER_ADMIN", "status": "ACTIVE"},
            {"type": "ORG_ADMIN", "status": "ACTIVE"},
        ]

        found = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert found[MANAGE] is GrantState.IMPLIED
    assert found["", "SUPER_ADMIN"] is GrantState.EXCESS


async def test_an_administrator_of_other_things_does_not_tick_it() -> None:
    with Okta() as vendor:
        vendor.roles = [{"id": "ra-1", "type": "ORG_ADMIN", "status": "ACTIVE"}, {"type": "READ_ONLY_ADMIN"}]

        found = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert found[MANAGE] is GrantState.MISSING


@pytest.mark.parametrize(
    ("reached", "state"),
    [
        ([f"{ORN}:{APP}"], GrantState.GRANTED),
        ([ORN], GrantState.GRANTED),
        ([ORN.rpartition(":")[0]], GrantState.GRANTED),
        ([f"{ORN}:0oaOther"], GrantState.MISSING),
        ([], GrantState.MISSING),
        (None, GrantState.UNREADABLE),
    ],
)
async def test_a_custom_role_counts_where_its_resource_set_holds_the_app(
    reached: list[str] | None, state: GrantState
) -> None:
    """A right over other apps is none over this one."""
    with Okta() as vendor:
        vendor.resources = reached

        found = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert (found[MANAGE], found[SECRETS]) == (state, state)


async def test_of_several_custom_roles_only_a_right_is_told() -> None:
    """The first one may hold the right; that it does not says nothing of the others."""
    with Okta() as vendor:
        vendor.roles.append({**vendor.roles[0], "id": "ra-2", "role": "cr-2"})
        held = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))
        vendor.permissions.remove("okta.apps.manage")
        left_open = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert (held[MANAGE], left_open[MANAGE]) == (GrantState.GRANTED, GrantState.UNKNOWN)


@pytest.mark.parametrize(
    ("assigned", "state", "excess"),
    [
        ([{"id": APP, "name": "oidc_client"}], GrantState.IMPLIED, False),
        ([], GrantState.IMPLIED, True),
        ([{"name": "oidc_client"}], GrantState.IMPLIED, True),
        ([{"id": "0oaOther", "name": "oidc_client"}], GrantState.MISSING, True),
        (None, GrantState.UNREADABLE, True),
    ],
)
async def test_an_application_admin_may_manage_its_own_apps(
    assigned: list[dict[str, str]] | None, state: GrantState, excess: bool
) -> None:
    """Limited to the one app the standard role is as narrow as a custom one; limited to another it is of no use."""
    with Okta() as vendor:
        vendor.roles = [{"id": "ra-1", "type": "APP_ADMIN", "status": "ACTIVE"}]
        vendor.assigned = assigned

        found = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert found[MANAGE] is state
    assert (("", "APP_ADMIN") in found) is excess


@pytest.mark.parametrize(("kind", "state"), [("oidc_client", GrantState.IMPLIED), ("saml_app", GrantState.MISSING)])
async def test_an_api_access_admin_may_manage_oidc_apps_only(kind: str, state: GrantState) -> None:
    with Okta() as vendor:
        vendor.roles = [{"id": "ra-1", "type": "API_ACCESS_MANAGEMENT_ADMIN", "status": "ACTIVE"}]
        vendor.app_type = kind

        found = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert found[MANAGE] is state


async def test_a_role_that_is_switched_off_holds_nothing() -> None:
    with Okta() as vendor:
        vendor.roles = [{"id": "ra-1", "type": "SUPER_ADMIN", "status": "INACTIVE"}]

        found = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert found[MANAGE] is GrantState.MISSING


async def test_a_read_only_admin_sees_secrets_and_manages_nothing() -> None:
    with Okta() as vendor:
        vendor.roles = [{"id": "ra-1", "type": "READ_ONLY_ADMIN", "status": "ACTIVE"}]

        found = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert (found[MANAGE], found[SECRETS]) == (GrantState.MISSING, GrantState.IMPLIED)


async def test_roles_that_may_not_be_read_leave_managing_unread() -> None:
    with Okta() as vendor:
        vendor.reads_roles = False

        found = rows(await check(vendor, REGISTRY.get("okta"), "api-token"))

    assert found[MANAGE] is GrantState.UNREADABLE


async def test_the_end_of_one_of_several_tokens_is_not_guessed() -> None:
    with Okta() as vendor:
        vendor.own_tokens = 2

        result = await check(vendor, REGISTRY.get("okta"), "api-token", uses={})

    assert result.expiry_known is ExpiryKnown.UNKNOWN
