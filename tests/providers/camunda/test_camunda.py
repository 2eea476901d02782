"""Camunda keeps the contract; a token alone is not called tested, and 'not found' is no proof of a right."""

from jackfield.model.check import GrantState, Outcome
from providers.camunda.vendor import Camunda
from providers.contract import REGISTRY, ProviderContract, check, rows, told

DELETE = ("secret-sync/connector-secrets", "Connector secrets: Delete")


class TestCamunda(ProviderContract):
    slug = "camunda"
    world = Camunda


async def test_a_client_without_a_box_gets_a_token_and_is_limited() -> None:
    with Camunda() as vendor:
        vendor.boxes.clear()

        result = await check(vendor, REGISTRY.get("camunda"), "client-credentials")

    assert result.outcome is Outcome.LIMITED
    assert result.warnings


async def test_a_missing_delete_is_found_by_a_guarded_call_only() -> None:
    with Camunda() as vendor:
        vendor.boxes.discard("Connector secrets: Delete")

        asked = await check(vendor, REGISTRY.get("camunda"), "client-credentials", attempts=True)
        unasked = await check(vendor, REGISTRY.get("camunda"), "client-credentials", attempts=False)

    assert rows(asked)[DELETE] is GrantState.MISSING
    assert rows(unasked)[DELETE] is GrantState.UNKNOWN
    facts = [[exchange.fact for exchange in result.exchanges] for result in (asked, unasked)]
    assert [made.count("token") for made in facts] == [2, 1], "want of consent is no reason to ask for the proof again"


async def test_a_cluster_of_nobody_is_not_reached() -> None:
    with Camunda() as vendor:
        uses = {"secret-sync/connector-secrets": {"cluster": "99999999-2222-3333-4444-555555555555"}}

        result = await check(vendor, REGISTRY.get("camunda"), "client-credentials", uses=uses)

    assert result.outcome is Outcome.LIMITED


async def test_values_of_secrets_are_not_kept() -> None:
    """Listing secrets answers with every value in clear; only its status is looked at."""
    with Camunda() as vendor:
        result = await check(vendor, REGISTRY.get("camunda"), "client-credentials")

    assert rows(result)["secret-sync/connector-secrets", "Connector secrets: Get"] is GrantState.GRANTED
    assert "s3cret-value" not in told(result)
