"""Auth0 keeps the contract; a token without a usable scope or of another API is seen through."""

import json

import pytest

from jackfield.model.check import Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.errors import InvalidField
from jackfield.providers.contract.snippet import merged_snippet
from providers.auth0.vendor import ROTATED, Auth0
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields
from support.vendor import Answer


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


async def test_refusal_that_names_no_scope_proves_nothing() -> None:
    """A firewall refuses strangers with 403 too."""
    with Auth0() as vendor:
        vendor.vendor.answers("GET", "/api/v2/clients", Answer(403, json={"message": "blocked"}))

        result = await check(vendor, REGISTRY.get("auth0"), "client-credentials")

    assert result.outcome is Outcome.FAILED


@pytest.mark.parametrize(("application", "login"), [("gone", "client_secret_post"), (ROTATED, "private_key_jwt")])
async def test_application_whose_secret_cannot_be_rotated_is_not_reached(application: str, login: str) -> None:
    with Auth0() as vendor:
        vendor.login = login
        uses = {"secret-rotation/application": {"application": application}}

        result = await check(vendor, REGISTRY.get("auth0"), "client-credentials", uses=uses)

    assert result.outcome is Outcome.LIMITED


async def test_audience_on_a_custom_domain_names_no_api() -> None:
    with Auth0() as vendor:
        fields = {**vendor.fields("client-credentials"), "audience": "https://login.acme.example/api/v2/"}

        result = await check(vendor, REGISTRY.get("auth0"), "client-credentials", fields=fields)

    assert result.failure is not None
    assert result.failure.rule == "not-authorised"


@pytest.mark.parametrize(("chosen", "asked"), [("yes", True), ("no", False)])
def test_snippet_grants_what_the_rotation_needs(chosen: str, asked: bool) -> None:
    use = IntendedUse("secret-rotation/application", {"application": ROTATED, "chosen": chosen})

    text = merged_snippet(REGISTRY.get("auth0"), [use], {"clientId": "client-1", "audience": "https://a/api/v2/"})

    grant = json.loads(text.rpartition("--data ")[2].strip("'"))
    assert ("update:clients" in grant["scope"]) is asked
