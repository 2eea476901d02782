"""Auth0 keeps the contract; a token without a usable scope or of another API is seen through."""

import pytest

from jackfield.model.check import Outcome
from jackfield.model.errors import InvalidField
from providers.auth0.vendor import Auth0
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields


class TestAuth0(ProviderContract):
    slug = "auth0"
    world = Auth0


async def test_a_token_without_a_scope_is_given_and_limited() -> None:
    with Auth0() as vendor:
        vendor.scopes = []

        result = await check(vendor, REGISTRY.get("auth0"), "client-credentials")

    assert result.outcome is Outcome.LIMITED
    assert result.warnings


async def test_scopes_are_read_from_the_token_when_the_answer_leaves_them_out() -> None:
    with Auth0() as vendor:
        vendor.states_scope = False

        result = await check(vendor, REGISTRY.get("auth0"), "client-credentials")

    assert set(rows(result).values()) == {"granted"}


def test_an_audience_without_its_slash_names_no_api() -> None:
    method = REGISTRY.get("auth0").method("client-credentials")
    with pytest.raises(InvalidField, match="slash"):
        typed_fields(method, {"audience": "https://acme.eu.auth0.com/api/v2"})
