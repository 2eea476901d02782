"""Supabase keeps the contract; a scoped token that may not say whose it is is alive, and its writing stays unread."""

import pytest

from jackfield.model.check import GrantState, Outcome
from jackfield.model.errors import InvalidField
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields
from providers.supabase.vendor import SCOPED, Supabase

WRITE = ("secret-sync/edge-functions", "Edge Function Secrets: Read-write (edge_functions_secrets_write)")


class TestSupabase(ProviderContract):
    slug = "supabase"
    world = Supabase


async def test_a_scoped_token_that_may_not_say_whose_it_is_is_alive() -> None:
    """The refusal names the permission that is missing: only a living token gets that answer."""
    with Supabase() as vendor:
        vendor.profile = vendor._refusal("profile_read")

        result = await check(vendor, REGISTRY.get("supabase"), "access-token", fields={"accessKey": SCOPED})

    assert result.failure is None
    assert rows(result)[WRITE] is GrantState.UNREADABLE


async def test_a_classic_token_is_warned_of() -> None:
    with Supabase() as vendor:
        result = await check(vendor, REGISTRY.get("supabase"), "access-token", uses={})

    assert any("every organization" in warning for warning in result.warnings)
    assert result.outcome is Outcome.PASSED


async def test_a_project_that_is_not_there_is_not_reached() -> None:
    with Supabase() as vendor:
        uses = {"secret-rotation/api-keys": {"project": "cccccccccccccccccccc"}}
        result = await check(vendor, REGISTRY.get("supabase"), "access-token", uses=uses)

    assert result.outcome is Outcome.LIMITED


async def test_a_scoped_token_says_which_right_a_read_lacks() -> None:
    with Supabase() as vendor:
        vendor.missing.add("edge_functions_secrets_read")
        result = await check(vendor, REGISTRY.get("supabase"), "access-token", fields={"accessKey": SCOPED})

    read = ("secret-sync/edge-functions", "Edge Function Secrets: Read (edge_functions_secrets_read)")
    assert rows(result)[read] is GrantState.MISSING
    assert rows(result)[WRITE] is GrantState.UNREADABLE


def test_a_projects_own_key_is_refused_in_the_form() -> None:
    method = REGISTRY.get("supabase").method("access-token")
    with pytest.raises(InvalidField, match="own host"):
        typed_fields(method, {"accessKey": "sb_secret_0123456789"})
