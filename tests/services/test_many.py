"""Changing many at once, and taking deletions back."""

from datetime import UTC, datetime

import pytest

from jackfield.model.check import FailureKind
from jackfield.model.connection import Connection, Scope, State
from jackfield.model.errors import InvalidField, NotFound, UsageError
from jackfield.model.secret import Secret
from jackfield.services.connections import ConnectionList, parse_filter
from jackfield.services.many import read_tags
from jackfield.services.schedule import read_minutes
from jackfield.services.session import Session
from jackfield.services.undo import Removal
from providers.netlify.vendor import GOOD
from services.conftest import Make
from support.whole import result_of


def _rejected(session: Session, connection: Connection) -> Connection:
    assert session.tests.record(connection, result_of("failed"))
    return session.connections.get(connection.id)


def test_tags_and_schedules_leave_what_tests_said(session: Session, make: Make) -> None:
    """A refused login stays refused, and its tests stay stopped: nobody mended anything."""
    one = _rejected(session, make("one", tags=("old", "web"), test_every_minutes=60))
    assert one.automatic_tests_stopped
    assert session.many.tag([one.id], add=["nightly"], remove=["old"]).done == ["one"]
    assert session.many.schedule([one.id], 15).done == ["one"]
    now = session.connections.get(one.id)
    assert (now.tags, now.test_every_minutes) == (("nightly", "web"), 15)
    assert (now.state, now.failure_kind) == (State.FAILED, FailureKind.REJECTED)
    assert now.automatic_tests_stopped == one.automatic_tests_stopped
    assert [entry.event.reason for entry in session.audit.page(about=one.id, limit=2)] == ["schedule", "tags"]


def test_what_is_refused_is_named_and_the_rest_is_done(session: Session, make: Make, scope: Scope) -> None:
    """One name is taken in the other place, one connection is gone; the third moves, and still opens."""
    web = Scope(scope.organization_id, session.projects.create(scope.organization_id, "web").id)
    taken = make("taken")
    session.connections.move(taken, web)
    again, free, gone = make("taken"), make("free"), make("gone")
    session.connections.delete(gone)
    outcome = session.many.move([again.id, free.id, gone.id], web)
    assert outcome.done == ["free"]
    assert [type(one.error) for one in outcome.refused] == [InvalidField, NotFound]
    moved = session.connections.get(free.id)
    assert moved.scope == web
    assert session.connections.fields(moved, reason="test")["accessToken"] == Secret(GOOD)
    assert session.connections.get(again.id).scope == scope
    message, refusals = outcome.told("Moved")
    assert message == "Moved free."
    assert refusals.startswith("2 refused: taken: A connection taken exists already here; ")


def _deleted(session: Session, *connections: Connection) -> None:
    into: Removal = session.undo.begin()
    for one in connections:
        session.undo.delete(into, one, even_if_used=True)


def test_a_deletion_is_taken_back_whole(session: Session, make: Make, scope: Scope) -> None:
    """Same id, secret, verdicts, history, uses, tags and tally; found by its words and its secret; in the trail."""
    web = session.projects.create(scope.organization_id, "web")
    one = make("searchable", tags=("web",))
    session.tests.record(one, result_of("limited", datetime(2026, 1, 1, tzinfo=UTC)))
    session.tests.record(session.connections.get(one.id), result_of("passed", datetime(2026, 1, 2, tzinfo=UTC)))
    session.connections.record_use(one, kind="exec", name="deploy.sh", project_id=web.id)
    two = make("other")

    def seen() -> tuple[object, ...]:
        found = session.connections
        runs = session.tests.history(one.id)
        return (
            found.get(one.id),
            runs,
            [session.tests.result(run).identity for run in runs],
            session.tests.verdicts(one.id),
            found.used_by(one.id),
            found.counts(),
            [row.id for row in found.page(ConnectionList(filter=parse_filter("archab", now=datetime.now(UTC))))],
            sorted(each.id for each in found.with_secret(Secret(GOOD))),
        )

    before = seen()
    _deleted(session, session.connections.get(one.id), two)
    make("since")  # takes the number of a row that went
    session.connections.delete(session.connections.find("since"))
    assert session.connections.summary(one.id) is None
    outcome = session.undo.undo()
    assert outcome is not None
    assert (outcome.done, outcome.refused) == (["searchable", "other"], [])
    assert seen() == before
    assert session.connections.fields(session.connections.get(one.id), reason="test")["accessToken"] == Secret(GOOD)
    actions = [entry.event.action for entry in session.audit.page(about=one.id)]
    assert actions[:3] == ["credential.open", "connection.restore", "connection.delete"]
    assert session.audit.verify().bad is None
    assert session.undo.undo() is None


def test_what_cannot_come_back_says_why_and_stays_remembered(session: Session, make: Make, scope: Scope) -> None:
    """The name was taken meanwhile; when it is free again, the same key brings it back."""
    one = make("sites")
    _deleted(session, one)
    taker = make("sites")
    outcome = session.undo.undo()
    assert outcome is not None
    assert "another connection has its name now" in outcome.refused[0].error.message
    session.connections.delete(taker)
    again = session.undo.undo()
    assert again is not None
    assert again.done == ["sites"]


def test_a_place_that_is_gone_is_named(session: Session, make: Make, scope: Scope) -> None:
    web = session.projects.create(scope.organization_id, "web")
    moved = session.connections.move(make("sites"), Scope(scope.organization_id, web.id))
    _deleted(session, moved)
    session.projects.delete(web)
    outcome = session.undo.undo()
    assert outcome is not None
    assert "its place is gone" in outcome.refused[0].error.message
    assert session.connections.counts()[State.UNTESTED] == 0


@pytest.mark.parametrize("text", ["", " , ", "Web", "a b!"])
def test_tags_that_are_none_are_refused(text: str) -> None:
    with pytest.raises((UsageError, InvalidField)):
        read_tags(text)


@pytest.mark.parametrize("text", ["", "4", "-5", "1.5", "٦٠", "525601", "9" * 5000])
def test_a_schedule_has_its_bounds(text: str) -> None:
    with pytest.raises(InvalidField):
        read_minutes(text)


def test_a_schedule_is_read() -> None:
    assert (read_minutes(" 60 "), read_minutes("OFF"), read_tags("web, nightly web")) == (60, None, ("web", "nightly"))
