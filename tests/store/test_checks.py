"""Runs, verdicts and the state they leave."""

from datetime import timedelta

import pytest

from jackfield.model.check import (
    CheckResult,
    EvidenceKind,
    Failure,
    FailureKind,
    Grant,
    GrantState,
    Outcome,
    Step,
    StepName,
    StepOutcome,
)
from jackfield.model.connection import IntendedUse, Scope, State
from jackfield.model.errors import Conflict, NotFound
from jackfield.store import checks, connections, listing
from jackfield.store.checks import RUNS_KEPT, SealedDetail
from jackfield.store.connections import Definition
from jackfield.store.store import Store
from jackfield.store.transaction import new_id

from .conftest import Clock

USES = (IntendedUse("a"), IntendedUse("b"))
PERMISSIONS = (Step(StepName.PERMISSIONS, StepOutcome.PASSED, 1.0),)
GRANTS = (
    Grant("a", "read", GrantState.GRANTED, EvidenceKind.ANSWERED, "by the vendor", "list", ("me", "teams")),
    Grant("b", "write", GrantState.UNREADABLE, None),
    Grant("", "admin", GrantState.EXCESS, EvidenceKind.STATED),
)


@pytest.fixture
def connection_id(store: Store, scope: Scope) -> str:
    with store.write() as tx:
        return connections.create(tx, scope, Definition("c", "aws", "m", uses=USES)).id


def detail(sealed: bytes = b"sealed") -> SealedDetail:
    return SealedDetail(new_id(), sealed, "key")


def test_a_failure_is_kept_and_shown(store: Store, clock: Clock, connection_id: str) -> None:
    failure = Failure(FailureKind.REJECTED, "The token was revoked.", "Make a new one.")
    mine = detail(b"who it was")
    with store.write() as tx:
        for _ in range(2):
            mine = detail(b"who it was")
            checks.record(tx, connection_id, CheckResult(Outcome.FAILED, clock.now, 12.5, failure), mine, version=1)
    with store.read() as tx:
        run, _ = checks.history(tx, connection_id)
        row = listing.summary(tx, connection_id)
        now = connections.get(tx, connection_id)
    assert (run.outcome, run.started_at, run.duration_ms, run.failure, run.detail) == (
        Outcome.FAILED,
        clock.now,
        12.5,
        failure,
        mine,
    )
    assert row is not None
    assert (row.state, row.failure_kind, row.tested_at) == (State.FAILED, FailureKind.REJECTED, clock.now)
    assert (now.last_outcome, now.version) == (Outcome.FAILED, 1)


def test_failures_in_a_row_are_counted_and_a_success_ends_them(store: Store, clock: Clock, connection_id: str) -> None:
    counted = []
    with store.write() as tx:
        definition = Definition("c", "aws", "m", uses=USES, test_every_minutes=5)
        connections.edit(tx, connection_id, version=1, definition=definition)
        for outcome in (Outcome.FAILED, Outcome.FAILED, Outcome.PASSED, Outcome.FAILED):
            result = CheckResult(outcome, clock.now, 1)
            checks.record(tx, connection_id, result, detail(), version=2, next_test_at=clock.now)
            counted.append(connections.due(tx)[0].failures_in_row)
    assert counted == [1, 2, 0, 1]


def test_verdicts_are_replaced_only_by_a_check_of_them(store: Store, clock: Clock, connection_id: str) -> None:
    reached = clock.now
    with store.write() as tx:
        assert checks.verdicts(tx, connection_id) == checks.Verdicts((), None)
        result = CheckResult(Outcome.LIMITED, reached, 1, steps=PERMISSIONS, grants=GRANTS)
        checks.record(tx, connection_id, result, detail(), version=1)
        later = reached + timedelta(hours=1)
        checks.record(tx, connection_id, CheckResult(Outcome.FAILED, later, 1), detail(), version=1)
        assert checks.verdicts(tx, connection_id) == checks.Verdicts(GRANTS, reached)
        again = CheckResult(Outcome.PASSED, later, 1, steps=PERMISSIONS, grants=GRANTS[:1])
        checks.record(tx, connection_id, again, detail(), version=1)
        assert checks.verdicts(tx, connection_id) == checks.Verdicts(GRANTS[:1], later)


def test_verdicts_on_uses_no_longer_meant_go_with_the_edit(store: Store, clock: Clock, connection_id: str) -> None:
    with store.write() as tx:
        result = CheckResult(Outcome.LIMITED, clock.now, 1, steps=PERMISSIONS, grants=GRANTS)
        checks.record(tx, connection_id, result, detail(), version=1)
        definition = Definition("c", "aws", "m", uses=USES[:1])
        connections.edit(tx, connection_id, version=1, definition=definition)
        assert [grant.use for grant in checks.verdicts(tx, connection_id).grants] == ["a", ""]


def test_a_result_for_what_was_edited_meanwhile_is_refused(store: Store, clock: Clock, connection_id: str) -> None:
    result = CheckResult(Outcome.PASSED, clock.now, 1)
    with store.write() as tx:
        connections.edit(tx, connection_id, version=1, definition=Definition("c", "aws", "m"))
        with pytest.raises(Conflict):
            checks.record(tx, connection_id, result, detail(), version=1)
        with pytest.raises(NotFound):
            checks.record(tx, "gone", result, detail(), version=1)
        assert checks.history(tx, connection_id) == ()


def test_history_pages_by_key_and_keeps_the_last_runs(store: Store, clock: Clock, connection_id: str) -> None:
    with store.write() as tx:
        other = connections.create(tx, connections.get(tx, connection_id).scope, Definition("other", "aws", "m")).id
        checks.record(tx, other, CheckResult(Outcome.PASSED, clock.now, 0), detail(), version=1)
        for number in range(RUNS_KEPT + 20):
            result = CheckResult(Outcome.PASSED, clock.now, float(number))
            checks.record(tx, connection_id, result, detail(), version=1)
        runs = list(checks.history(tx, connection_id, limit=70))
        while page := checks.history(tx, connection_id, before=runs[-1].seq, limit=70):
            runs += page
        assert [run.duration_ms for run in runs] == [float(n) for n in range(RUNS_KEPT + 19, 19, -1)]
        assert len(checks.history(tx, other)) == 1


def test_history_goes_with_its_connection(store: Store, clock: Clock, connection_id: str) -> None:
    with store.write() as tx:
        checks.record(tx, connection_id, CheckResult(Outcome.PASSED, clock.now, 0), detail(), version=1)
        connections.remove(tx, connection_id, version=1)
        assert checks.history(tx, connection_id) == ()
