"""OpenRouter keeps the contract; its two kinds of key, which look alike, are told apart."""

import pytest

from jackfield.model.check import ExpiryKnown, GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.openrouter.vendor import INFERENCE, MANAGEMENT, OpenRouter
from support.calls import listed


class TestOpenRouter(ProviderContract):
    slug = "open-router"
    world = OpenRouter


async def test_inference_key_in_place_of_a_management_key_is_limited() -> None:
    """Both kinds pass as keys; what one cannot do is said."""
    with OpenRouter() as vendor:
        result = await check(vendor, REGISTRY.get("openrouter"), "api-key", fields={"apiKey": INFERENCE})

    assert result.outcome is Outcome.LIMITED
    assert rows(result)["secret-rotation/inference-keys", "management key"] is GrantState.MISSING


async def test_management_key_cannot_call_models() -> None:
    with OpenRouter() as vendor:
        result = await check(vendor, REGISTRY.get("open-router"), "inference-key", fields={"apiKey": MANAGEMENT})

    assert rows(result)["other/inference", "inference key with credit left"] is GrantState.MISSING


async def test_older_answers_name_the_kind_otherwise() -> None:
    """Before the rename a management key was called a provisioning key."""
    with OpenRouter() as vendor:
        vendor.vendor.answers("GET", "/api/v1/key", {"data": {"label": "x", "is_provisioning_key": True}})

        result = await check(vendor, REGISTRY.get("open-router"), "api-key")

    assert rows(result)["secret-rotation/inference-keys", "management key"] is GrantState.GRANTED


async def test_inference_key_with_credit_left_may_call_models() -> None:
    """A limit is no hindrance before it is used up."""
    with OpenRouter() as vendor:
        vendor.limit_remaining = 12.5

        result = await check(vendor, REGISTRY.get("open-router"), "inference-key")

    assert rows(result)["other/inference", "inference key with credit left"] is GrantState.GRANTED


async def test_key_without_an_end_never_expires() -> None:
    with OpenRouter() as vendor:
        vendor.expires_at = None

        result = await check(vendor, REGISTRY.get("open-router"), "api-key")

    assert result.expiry_known is ExpiryKnown.NEVER


@pytest.mark.parametrize(("key", "state"), [(MANAGEMENT, GrantState.GRANTED), (INFERENCE, GrantState.MISSING)])
async def test_where_the_kind_is_not_stated_a_list_of_keys_shows_it(key: str, state: GrantState) -> None:
    with OpenRouter() as vendor:
        vendor.vendor.answers("GET", "/api/v1/key", {"data": {"label": "x"}})

        result = await check(vendor, REGISTRY.get("open-router"), "api-key", fields={"apiKey": key})

    assert rows(result)["secret-rotation/inference-keys", "management key"] is state


async def test_keys_are_listed_to_the_end() -> None:
    with OpenRouter() as vendor:
        assert len(await listed(vendor, "open-router", "api-key", "keys")) == 130
