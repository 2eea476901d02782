"""Checkly keeps the contract; the account that is meant is proven, and writing is never taken for granted."""

import pytest

from jackfield.model.check import GrantState, Outcome
from providers.checkly.vendor import ACCOUNT, GOOD, SERVICE, Checkly
from providers.contract import REGISTRY, ProviderContract, check, rows

SYNC = {"secret-sync/variables": {"direction": "sync"}}
WRITE = ("secret-sync/variables", "role Read & Write (READ_WRITE)")


class TestCheckly(ProviderContract):
    slug = "checkly"
    world = Checkly


async def test_writing_is_unread_and_found_missing_only_by_a_guarded_call() -> None:
    with Checkly() as vendor:
        may = await check(vendor, REGISTRY.get("checkly"), "api-key", uses=SYNC)
        vendor.writes = False
        may_not = await check(vendor, REGISTRY.get("checkly"), "api-key", uses=SYNC)

    assert rows(may)[WRITE] is GrantState.UNREADABLE
    assert rows(may_not)[WRITE] is GrantState.MISSING


async def test_service_key_that_may_not_list_accounts_is_proven_otherwise() -> None:
    with Checkly() as vendor:
        fields = {"apiKey": SERVICE, "accountId": ACCOUNT}

        result = await check(vendor, REGISTRY.get("checkly"), "api-key", fields=fields)

    assert result.outcome is Outcome.PASSED


async def test_lists_inside_data_are_read_too() -> None:
    with Checkly() as vendor:
        vendor.wrapped = True

        result = await check(vendor, REGISTRY.get("checkly"), "api-key")

    assert result.identity["account"] == "Acme"


async def test_a_users_key_without_an_account_is_warned_of() -> None:
    with Checkly() as vendor:
        result = await check(vendor, REGISTRY.get("checkly"), "api-key", fields={"apiKey": GOOD}, uses={})

    assert any("every account" in warning for warning in result.warnings)


@pytest.mark.parametrize("wrapped", [False, True])
async def test_the_account_is_looked_for_on_every_page(wrapped: bool) -> None:
    with Checkly() as vendor:
        vendor.wrapped = wrapped
        vendor.more_accounts = [
            {"id": f"{number:08}-2222-3333-4444-555555555555", "name": "x"} for number in range(120)
        ]

        result = await check(vendor, REGISTRY.get("checkly"), "api-key")

    assert result.outcome is Outcome.PASSED
    assert result.identity["account"] == "Acme"
