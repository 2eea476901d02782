"""What the demo shows is what real checks find at its vendors, and these are all that they can reach."""

import socket
from itertools import pairwise
from typing import Any

import pytest

from jackfield.demo.answers import Question, Vendor
from jackfield.demo.filling import UNTESTED, read_plan
from jackfield.model.check import FailureKind, GrantState, Outcome, StepName
from jackfield.model.connection import IntendedUse
from jackfield.model.errors import InUse
from jackfield.model.secret import Secret
from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure
from jackfield.net.trace import Trace
from jackfield.services.connections import ConnectionList
from jackfield.services.history import is_flapping
from jackfield.services.testing import Draft

from .conftest import Made

PLAN = read_plan()


def shown(made: Made, name: str) -> str:
    """The kind of failure where there is one, else the state."""
    found = made.session.connections.find(name)
    return found.failure_kind or found.state


def test_every_connection_comes_out_as_the_plan_declares(made: Made) -> None:
    declared = {said["name"]: said["expect"] for said in PLAN["connections"]}

    assert {name: shown(made, name) for name in declared} == declared


def test_the_plan_has_states_of_every_kind() -> None:
    declared = {said["expect"] for said in PLAN["connections"]}

    assert {
        "passed",
        "limited",
        "unproven",
        UNTESTED,
        "rejected",
        "expired",
        "tls",
        "unreachable",
        "throttled",
    } <= declared
    assert len(PLAN["connections"]) >= 40
    assert len({said["provider"] for said in PLAN["connections"]}) >= 25


def test_making_it_connects_to_loopback_alone(made: Made) -> None:
    """And asks no name server for anything."""
    assert made.watch.connected == {"127.0.0.1"}
    assert made.watch.asked == set()


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7", "example.com", "10.0.0.7"])
async def test_nothing_else_can_be_reached(made: Made, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an address, which no name server is asked for, nor a name."""

    def connects(*_: Any) -> None:
        raise AssertionError("a packet would have left")

    monkeypatch.setattr(socket.socket, "connect", connects)
    route = made.vendors.network().route(host, 443, deadline=Deadline(), trace=Trace(), private_allowed=True)

    with pytest.raises(NetFailure) as refused:
        await route.open_socket()

    assert refused.value.kind is FailureKind.NAME


async def test_a_wrong_secret_is_refused_by_the_signature_it_makes(made: Made) -> None:
    """The access key is known; what was signed with another secret is not accepted."""
    draft = Draft(
        "aws",
        "access-key",
        {"accessKeyId": "AKIADEMOPRODSECRETS0", "secretAccessKey": Secret("x" * 40)},
        (IntendedUse("secret-sync/secrets-manager", {"region": "us-east-1"}),),
    )
    network = made.vendors.network()

    result = await made.session.tests.run_draft(draft, network)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED


def test_rows_are_there_in_every_state(made: Made) -> None:
    """What is held, missing, told by nobody and too much can all be looked at."""
    rows = made.session.tests.verdicts(made.session.connections.find("prod-secrets").id).grants
    assert {GrantState.GRANTED, GrantState.MISSING, GrantState.EXCESS} <= {row.state for row in rows}
    unreadable = made.session.tests.verdicts(made.session.connections.find("site-previews").id).grants
    assert GrantState.UNREADABLE in {row.state for row in unreadable}


def test_a_failed_certificate_ends_the_test_before_anything_is_sent(made: Made) -> None:
    result = made.session.tests.latest(made.session.connections.find("agents").id)
    assert result is not None
    assert next(step.name for step in result.steps if step.outcome == "failed") is StepName.TLS
    assert {exchange.status for exchange in result.exchanges} == {"tls"}


def test_there_is_a_past(made: Made) -> None:
    """Histories with changes, one that keeps flapping, and the last run of each is the real one."""
    cron = made.session.connections.find("cron")
    runs = made.session.tests.history(cron.id)
    assert [run.outcome for run in runs][:3] == [Outcome.PASSED, Outcome.FAILED, Outcome.FAILED]
    assert is_flapping(made.session.tests.history(made.session.connections.find("stats-bot").id))
    assert all(older.started_at < newer.started_at for newer, older in pairwise(runs))


def test_what_is_used_cannot_be_deleted_unawares(made: Made) -> None:
    connection = made.session.connections.find("prod-secrets")
    assert {use.project_name for use in made.session.connections.used_by(connection.id)} == {"", "web", "billing"}

    with pytest.raises(InUse):
        made.session.connections.delete(connection)


def test_the_list_has_two_organizations_with_projects(made: Made) -> None:
    places = made.session.organizations.page()
    assert [place.name for place in places] == ["acme", "globex"]
    assert all(len(made.session.projects.page(place.id)) == 3 for place in places)
    assert made.session.connections.count(ConnectionList()) == len(PLAN["connections"])


def question(secret: str) -> Question:
    return Question("GET", "/me", "", {"authorization": f"Bearer {secret}"}, b"")


def test_a_vendor_changes_its_mind_by_its_own_clock() -> None:
    """A token that is revoked, and a fault that passes."""
    vendor = Vendor(
        {
            "hosts": [],
            "answers": {"GET /me": {"json": {}}},
            "credentials": [
                {"secret": "leaving", "spells": [{"after": 60}]},
                {"secret": "returning", "spells": [{"until": 60, "answer": {"status": 503}}]},
            ],
        }
    )

    assert [vendor.answer(question("leaving"), age).status for age in (0, 59, 61)] == [200, 200, 401]
    assert [vendor.answer(question("returning"), age).status for age in (0, 59, 61)] == [503, 503, 200]


@pytest.mark.parametrize("secret", ["", "good-and-more", "goo", "Bearer"])
def test_a_vendor_knows_only_whole_secrets(secret: str) -> None:
    vendor = Vendor({"hosts": [], "answers": {"GET /me": {"json": {}}}, "credentials": [{"secret": "good"}]})

    assert vendor.answer(question(secret), 0).status == 401
    assert vendor.answer(question("good"), 0).status == 200
