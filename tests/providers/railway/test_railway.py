"""Railway keeps the contract; faults that come with status 200 are seen, and kinds of token are told apart."""

import threading
from typing import Any

import pytest
from graphql import build_client_schema, parse, validate

from jackfield.model.check import FailureKind, GrantState, Outcome, StepName
from providers.contract import REGISTRY, ProviderContract, check, once_accepted, rows
from providers.railway.vendor import ACCOUNT, PROJECT_ID, TEAM, Railway, schema
from support.calls import listed
from support.vendor import Answer, Request

PROVIDER = REGISTRY.get("railway")


class TestRailway(ProviderContract):
    slug = "railway"
    world = Railway


async def test_a_fault_with_status_200_is_no_success() -> None:
    with Railway() as vendor:
        result = await check(vendor, PROVIDER, "team-token", fields=vendor.wrong_fields("team-token"))

    assert result.outcome is Outcome.FAILED
    assert result.exchanges[0].status == "200"


async def test_a_token_deleted_in_the_middle_is_told_as_rejected() -> None:
    """Railway refuses it in the words for a missing right: the proof, asked once more, tells the two apart."""
    with Railway() as vendor:
        alive = await check(vendor, PROVIDER, "team-token")
        dead = await check(
            vendor, PROVIDER, "team-token", on_progress=once_accepted(lambda: vendor.revoke("team-token"))
        )

    assert [exchange.fact for exchange in alive.exchanges].count("reach") == 1
    assert [exchange.fact for exchange in dead.exchanges].count("reach") == 2
    assert dead.failure is not None
    assert (dead.failure.kind, dead.failure.rule) == (FailureKind.REJECTED, "bad-token")


async def test_a_token_that_lacks_a_right_is_asked_for_once_more_and_stays_limited() -> None:
    with Railway() as vendor:
        vendor.workspaces = [{"id": "ws-2", "name": "Other"}]

        result = await check(vendor, PROVIDER, "team-token")

    assert [exchange.fact for exchange in result.exchanges].count("reach") == 2
    assert result.outcome is Outcome.LIMITED


@pytest.mark.parametrize("answer", [Answer(503), Answer(429), Answer(200, body="<html>Sign in</html>")])
async def test_a_proof_that_gets_no_answer_the_second_time_decides_nothing(answer: Answer) -> None:
    """The rows stay as they were found; a busy vendor has not refused anything."""

    def fail_from_now_on() -> None:
        vendor.vendor.answers("POST", "/graphql/v2", answer)

    with Railway() as vendor:
        result = await check(vendor, PROVIDER, "team-token", on_progress=once_accepted(fail_from_now_on))

    assert result.failure is None
    assert set(rows(result).values()) == {GrantState.UNKNOWN}


async def test_a_proof_that_hangs_the_second_time_leaves_the_rows_as_they_are() -> None:
    """The time of the check is over then; nothing is judged twice."""
    ended = threading.Event()

    def hang_from_now_on() -> None:
        @vendor.vendor.post("/graphql/v2")
        def answer(request: Request) -> Any:
            if "apiToken" in request.json()["query"]:
                ended.wait(10)
            return vendor.answer(request)

    with Railway() as vendor:
        vendor.workspaces = [{"id": "ws-2", "name": "Other"}]
        result = await check(vendor, PROVIDER, "team-token", seconds=2, on_progress=once_accepted(hang_from_now_on))
        ended.set()

    assert result.failure is None
    assert list(rows(result).values()) == [GrantState.MISSING]
    assert len(result.grants) == 1
    assert [step.name for step in result.steps].count(StepName.PERMISSIONS) == 1


async def test_an_account_token_in_place_of_a_team_token_is_warned_of() -> None:
    with Railway() as vendor:
        vendor.workspaces.append({"id": "ws-2", "name": "Other"})

        result = await check(vendor, PROVIDER, "team-token", fields={"apiToken": ACCOUNT})

    assert any("more than one workspace" in warning for warning in result.warnings)


async def test_a_team_token_in_place_of_an_account_token_names_the_right_method() -> None:
    with Railway() as vendor:
        result = await check(vendor, PROVIDER, "account-token", fields={"apiToken": TEAM})

    assert result.failure is not None
    assert "Team" in result.failure.next_step


async def test_a_workspace_that_may_not_deploy_is_warned_of() -> None:
    """Written variables work only after a deployment."""
    with Railway() as vendor:
        sound = await check(vendor, PROVIDER, "account-token")
        vendor.disallowed = "Trial has ended"
        ended = await check(vendor, PROVIDER, "account-token")

    assert not sound.warnings
    assert any("deploy" in warning for warning in ended.warnings)


async def test_environments_are_offered_those_out_of_reach_last() -> None:
    with Railway() as vendor:
        offered = await listed(vendor, "railway", "project-token", "environments", {"project": PROJECT_ID})

        services = await listed(vendor, "railway", "project-token", "services", {"project": PROJECT_ID})

    assert (offered, services) == (["production", "vault"], ["web"])


@pytest.mark.parametrize(
    ("environment", "service", "outcome"),
    [
        ("production", "web", Outcome.PASSED),
        ("production", "worker", Outcome.LIMITED),
        ("vault", "web", Outcome.LIMITED),
    ],
)
async def test_a_target_out_of_reach_is_not_reached(environment: str, service: str, outcome: Outcome) -> None:
    with Railway() as vendor:
        targets = {"project": PROJECT_ID, "environment": environment, "service": service}
        result = await check(vendor, PROVIDER, "team-token", uses={"secret-sync/variables": targets})

    assert result.outcome is outcome


async def test_every_query_is_valid_in_the_vendors_schema() -> None:
    """Where the vendor's schema is at hand, each query that a check sends must be valid in it."""
    asked: set[str] = set()
    for method in Railway.credentials:
        with Railway() as vendor:
            await check(vendor, PROVIDER, method)
            if method != "project-token":
                await listed(vendor, "railway", method, "projects")
            asked |= set(vendor.queries)

    known = schema()
    faults = [] if known is None else [validate(build_client_schema(known), parse(query)) for query in asked]
    assert asked
    assert [fault for fault in faults if fault] == []
