"""Tests of stored connections: what is kept of a result, and what is not."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from jackfield.model.connection import State
from jackfield.model.errors import BlobTampered, NotFound
from jackfield.services.connections import Changes
from jackfield.services.session import Session
from jackfield.services.takeover import definition_of
from jackfield.store import tables
from providers.netlify.vendor import Netlify

from .conftest import Make
from .test_connections import break_credential


async def test_a_passed_test_is_kept_whole(session: Session, make: Make, netlify: Netlify) -> None:
    made = make()
    result = await session.tests.run(made.id, netlify.network())
    assert result.outcome is Outcome.PASSED
    shown = session.connections.get(made.id)
    assert (shown.state, shown.tested_at) == (State.PASSED, result.started_at)
    assert session.tests.latest(made.id) == replace(result, expires_at=None, expiry_known=shown.expiry_known)
    assert [run.outcome for run in session.tests.history(made.id)] == [Outcome.PASSED]


async def test_a_missing_right_is_kept_by_permission(session: Session, make: Make, netlify: Netlify) -> None:
    netlify.role = "Reviewer"
    made = make()
    await session.tests.run(made.id, netlify.network())
    assert session.connections.get(made.id).state is State.LIMITED
    assert GrantState.MISSING in {grant.state for grant in session.tests.verdicts(made.id).grants}


async def test_a_refused_login_stops_automatic_tests(session: Session, make: Make, netlify: Netlify) -> None:
    made = make(token="nfp_WrongTokenOfNobody", test_every_minutes=60)
    result = await session.tests.run(made.id, netlify.network())
    shown = session.connections.get(made.id)
    assert result.failure is not None
    assert shown.failure_kind is result.failure.kind is FailureKind.REJECTED
    assert "rejected" in shown.automatic_tests_stopped
    with session.store.write() as tx:
        tx.run(update(tables.connection).values(next_test_at=tx.now))
    assert session.tests.due() == ()


async def test_an_edit_lets_automatic_tests_start_again(session: Session, make: Make, netlify: Netlify) -> None:
    made = make(token="nfp_WrongTokenOfNobody", test_every_minutes=60)
    await session.tests.run(made.id, netlify.network())
    now = session.connections.get(made.id)
    changed = session.connections.edit(now, Changes(definition_of(now), {}))
    assert changed.automatic_tests_stopped == ""


async def test_a_result_for_what_was_edited_meanwhile_is_dropped(
    session: Session, make: Make, netlify: Netlify
) -> None:
    made = make()

    def edit_meanwhile(_: object) -> None:
        now = session.connections.get(made.id)
        if now.version == made.version:
            session.connections.edit(now, Changes(replace(definition_of(now), uses=()), {}))

    result = await session.tests.run(made.id, netlify.network(), edit_meanwhile)
    assert result.outcome is Outcome.PASSED
    assert session.connections.get(made.id).state is State.UNTESTED
    assert session.tests.history(made.id) == ()


async def test_a_credential_that_does_not_open_is_named_as_such(session: Session, make: Make, netlify: Netlify) -> None:
    made, other = make("broken", test_every_minutes=60), make("whole")
    break_credential(session, made)
    with pytest.raises(BlobTampered):
        await session.tests.run(made.id, netlify.network())
    assert session.connections.get(made.id).state is State.UNREADABLE
    assert not session.tests.is_readable(made)
    assert session.tests.is_readable(other)
    assert netlify.vendor.requests == []


async def test_a_draft_leaves_nothing_behind(session: Session, make: Make, netlify: Netlify) -> None:
    made = make()
    entries = len(session.audit.page(limit=100))
    fields = {"accessToken": "nfp_G00dT0kenOfAda"}
    result = await session.tests.run_fields(made, fields, netlify.network())
    assert result.outcome is Outcome.PASSED
    assert session.connections.get(made.id) == made
    assert len(session.audit.page(limit=100)) == entries


async def test_who_the_account_is_lies_sealed(session: Session, make: Make, netlify: Netlify) -> None:
    """What identifies the account at the vendor is read from the seal and from nowhere else."""
    made = make()
    result = await session.tests.run(made.id, netlify.network())
    assert "ada@example.com" in result.identity.values()
    with session.store.write() as tx:
        tx.run(update(tables.check_run).values(sealed_detail=b"\x01" + bytes(90)))
    with pytest.raises(BlobTampered):
        session.tests.latest(made.id)
    run = session.tests.history(made.id)[0]
    assert "ada" not in repr(run)


def test_a_result_for_a_connection_that_is_gone_is_refused(session: Session, make: Make) -> None:
    made = make()
    session.connections.delete(made)
    result = CheckResult(Outcome.PASSED, made.created_at, 1.0)
    with pytest.raises(NotFound):
        session.tests.record(made, result)
