"""What checks found: a history of runs, the latest verdict on each permission, the state of the connection."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from jackfield.model.check import (
    CheckResult,
    EvidenceKind,
    ExpiryKnown,
    Failure,
    FailureKind,
    Grant,
    GrantState,
    Outcome,
    StepName,
    StepOutcome,
    unverified,
)
from jackfield.model.connection import State
from jackfield.store import tables
from jackfield.store.connections import show_state
from jackfield.store.transaction import AnyRow, Reading, Writing, require_version

RUNS_KEPT: Final = 500
_run = tables.check_run
_verdict = tables.grant_verdict
_connection = tables.connection


@dataclass(frozen=True, slots=True)
class SealedDetail:
    """What identifies the account at the vendor, sealed: steps, identity and exchanges of one run."""

    row_id: str
    sealed: bytes
    key_id: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One line of the history. `seq` is its cursor."""

    seq: int
    connection_id: str
    outcome: Outcome
    started_at: datetime
    duration_ms: float
    failure: Failure | None
    detail: SealedDetail


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The latest verdicts on a connection's permissions and when they were reached; None: never."""

    grants: tuple[Grant, ...]
    seen_at: datetime | None


def record(
    tx: Writing,
    connection_id: str,
    result: CheckResult,
    detail: SealedDetail,
    *,
    version: int,
    next_test_at: datetime | None = None,
    stop_automatic_tests: str = "",
) -> None:
    """Keep the result of a check of the connection as it was at `version`.

    The version stays: a test must not make a user's edit fail. Verdicts are replaced only when the check came as far
    as the permissions; a typed expiry only by a known one. Raises NotFound, or Conflict when something else was tested.
    """
    require_version(tx, _connection, connection_id, version, "connection")
    tx.run(insert(_run).values(**_run_values(connection_id, result, detail)))
    _forget_old_runs(tx, connection_id)
    if any(step.name is StepName.PERMISSIONS and step.outcome is not StepOutcome.SKIPPED for step in result.steps):
        _replace_verdicts(tx, connection_id, result)
    show_state(tx, connection_id, State(result.outcome.value))
    failed = result.outcome is Outcome.FAILED
    values: dict[str, Any] = {
        "failure_kind": result.failure.kind if result.failure else None,
        "last_outcome": result.outcome,
        "tested_at": result.started_at,
        "unverified": unverified(result.grants),
        "failures_in_row": _connection.c.failures_in_row + 1 if failed else 0,
        "next_test_at": next_test_at,
        "automatic_tests_stopped": stop_automatic_tests,
    }
    if result.expiry_known is not ExpiryKnown.UNKNOWN:
        values |= {"expires_at": result.expires_at, "expiry_known": result.expiry_known}
    tx.run(update(_connection).where(_connection.c.id == connection_id).values(**values))
    tx.touch(f"result/{connection_id}")


def history(tx: Reading, connection_id: str, *, before: int | None = None, limit: int = 50) -> tuple[CheckRun, ...]:
    """Runs, the newest first, from the one that precedes the cursor `before`."""
    wanted = select(_run).where(_run.c.connection_id == connection_id)
    if before is not None:
        wanted = wanted.where(_run.c.seq < before)
    return tuple(map(_check_run, tx.all(wanted.order_by(_run.c.seq.desc()).limit(limit))))


def verdicts(tx: Reading, connection_id: str) -> Verdicts:
    """The latest verdicts, in the order in which the check gave them."""
    rows = tx.all(select(_verdict).where(_verdict.c.connection_id == connection_id).order_by(_verdict.c.position))
    grants = tuple(
        Grant(
            use=row.use,
            permission=row.permission,
            state=GrantState(row.state),
            evidence=EvidenceKind(row.evidence) if row.evidence else None,
            detail=row.detail,
            why=row.why,
            facts=tuple(row.facts),
        )
        for row in rows
    )
    return Verdicts(grants, rows[0].seen_at if rows else None)


def _run_values(connection_id: str, result: CheckResult, detail: SealedDetail) -> dict[str, Any]:
    failure = result.failure
    return {
        "id": detail.row_id,
        "connection_id": connection_id,
        "outcome": result.outcome,
        "started_at": result.started_at,
        "duration_ms": result.duration_ms,
        "failure_kind": failure.kind if failure else None,
        "failure_message": failure.message if failure else "",
        "failure_next_step": failure.next_step if failure else "",
        "sealed_detail": detail.sealed,
        "key_id": detail.key_id,
        "version": detail.version,
    }


def _forget_old_runs(tx: Writing, connection_id: str) -> None:
    here = _run.c.connection_id == connection_id
    newest_to_go = select(_run.c.seq).where(here).order_by(_run.c.seq.desc()).limit(1).offset(RUNS_KEPT)
    tx.run(delete(_run).where(here, _run.c.seq <= newest_to_go.scalar_subquery()))


def _replace_verdicts(tx: Writing, connection_id: str, result: CheckResult) -> None:
    tx.run(delete(_verdict).where(_verdict.c.connection_id == connection_id))
    tx.run_many(
        insert(_verdict),
        [
            {
                "connection_id": connection_id,
                "position": position,
                "use": grant.use,
                "permission": grant.permission,
                "state": grant.state,
                "evidence": grant.evidence,
                "detail": grant.detail,
                "why": grant.why,
                "facts": list(grant.facts),
                "seen_at": result.started_at,
            }
            for position, grant in enumerate(result.grants)
        ],
    )


def _check_run(row: AnyRow) -> CheckRun:
    failure = None
    if row.failure_kind:
        failure = Failure(FailureKind(row.failure_kind), row.failure_message, row.failure_next_step)
    return CheckRun(
        seq=row.seq,
        connection_id=row.connection_id,
        outcome=Outcome(row.outcome),
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        failure=failure,
        detail=SealedDetail(row.id, row.sealed_detail, row.key_id, row.version),
    )
