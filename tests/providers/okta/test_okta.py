"""Okta keeps the contract; the token is sent only to an Okta organization, and roles decide."""

from jackfield.model.check import ExpiryKnown, GrantState
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.okta.vendor import Okta

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
