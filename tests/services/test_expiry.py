"""The calendar of ends: each credential is counted once, in the month in which it ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.model.connection import Connection, Scope
from jackfield.services.expiry import MONTHS, list_of_ends
from jackfield.services.session import Session

Make = Callable[..., Connection]
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def ending(session: Session, make: Make, *ends: datetime | None) -> None:
    for number, end in enumerate(ends):
        session.connections.set_expiry(make(f"site-{number}"), end)


def test_each_is_counted_in_its_month(session: Session, scope: Scope, make: Make) -> None:
    """What has ended, what ends in each month from this one, and what ends after a year."""
    ending(
        session,
        make,
        NOW - timedelta(days=1),
        NOW + timedelta(hours=1),
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2027, 11, 1, tzinfo=UTC),
        None,
    )
    found = session.expiry.calendar(scope, now=NOW)
    assert (found.ended, found.later, found.total) == (1, 1, 5)
    assert found.months[:3] == (
        (datetime(2026, 11, 1, tzinfo=UTC), 1),
        (datetime(2026, 12, 1, tzinfo=UTC), 2),
        (datetime(2027, 1, 1, tzinfo=UTC), 0),
    )
    assert len(found.months) == MONTHS
    assert found.months[-1] == (datetime(2027, 10, 1, tzinfo=UTC), 0)


def test_the_list_begins_with_the_first_to_end(session: Session, scope: Scope, make: Make) -> None:
    """In the order of their ends, without those whose end nobody knows."""
    ending(session, make, NOW + timedelta(days=9), None, NOW - timedelta(days=3))
    rows = session.connections.page(list_of_ends(scope))
    assert [row.name for row in rows] == ["site-2", "site-0"]


def test_soon_is_what_has_ended_or_ends_in_two_weeks(session: Session, make: Make) -> None:
    """At the unlock those are named, the first one first."""
    ending(session, make, NOW + timedelta(days=13), NOW + timedelta(days=15), NOW - timedelta(days=3))
    assert [row.name for row in session.expiry.soon(now=NOW)] == ["site-2", "site-0"]


def test_another_place_is_not_counted(session: Session, scope: Scope, make: Make) -> None:
    """A project without connections has no ends."""
    ending(session, make, NOW + timedelta(days=1))
    web = session.projects.create(scope.organization_id, "web")
    assert session.expiry.calendar(Scope(scope.organization_id, web.id), now=NOW).total == 0


@settings(max_examples=20)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_months_follow_each_other(now: datetime) -> None:
    """Each begins on the first, and the first of them holds the moment."""
    from jackfield.services.expiry import _months

    starts = _months(now)
    assert starts[0] <= now < starts[1]
    assert all(first.day == 1 for first in starts)
    months = [first.year * 12 + first.month for first in starts]
    assert months == list(range(months[0], months[0] + MONTHS + 1))
