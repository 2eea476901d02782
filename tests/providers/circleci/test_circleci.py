"""CircleCI keeps the contract; a token that may only read is found out by a guarded call, never called green."""

import pytest

from jackfield.model.check import GrantState, Outcome
from jackfield.model.errors import InvalidField
from providers.circleci.vendor import GOOD, CircleCi
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields

WRITE = ("secret-sync/project", "Write (or Admin)")


class TestCircleCi(ProviderContract):
    slug = "circleci"
    world = CircleCi


async def test_a_read_token_is_found_out_with_consent() -> None:
    with CircleCi() as vendor:
        vendor.level = "read"

        asked = await check(vendor, REGISTRY.get("circleci"), "api-token", attempts=True)
        unasked = await check(vendor, REGISTRY.get("circleci"), "api-token", attempts=False)

    assert rows(asked)[WRITE] is GrantState.MISSING
    assert asked.outcome is Outcome.LIMITED
    assert rows(unasked)[WRITE] is GrantState.UNKNOWN


async def test_a_project_out_of_sight_is_not_reached() -> None:
    with CircleCi() as vendor:
        uses = {"secret-sync/project": {"project": "gh/acme/other"}}

        result = await check(vendor, REGISTRY.get("circleci"), "api-token", uses=uses)

    assert result.outcome is Outcome.LIMITED


async def test_a_server_of_ones_own_is_asked_instead() -> None:
    with CircleCi() as vendor:
        fields = {"apiToken": GOOD, "host": "https://circleci.example.com/"}

        result = await check(vendor, REGISTRY.get("circleci"), "api-token", fields=fields, uses={})

    assert result.exchanges[0].target == "https://circleci.example.com/api/v2/me"


def test_a_project_token_is_refused_in_the_form() -> None:
    """It is real, but this API does not take it."""
    method = REGISTRY.get("circleci").method("api-token")
    with pytest.raises(InvalidField, match="project token"):
        typed_fields(method, {"apiToken": "CCIPRJ_0123456789"})


async def test_a_public_project_that_anyone_may_see_grants_nothing() -> None:
    with CircleCi() as vendor:
        vendor.level = "stranger"
        uses = {"secret-sync/project": {"project": "gh/acme/app"}}

        result = await check(vendor, REGISTRY.get("circleci"), "api-token", uses=uses)

    assert rows(result)[WRITE] is GrantState.MISSING
    assert result.outcome is Outcome.LIMITED
