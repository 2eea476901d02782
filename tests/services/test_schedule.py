"""When a connection is tested next."""

from datetime import UTC, datetime, timedelta

import pytest

from jackfield.model.check import STOPS_AUTOMATIC_TESTS, CheckResult, Failure, FailureKind, Outcome
from jackfield.services.schedule import first_test_at, next_test_at, stops_automatic_tests

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def failed(kind: FailureKind, retry_after: float | None = None) -> CheckResult:
    return CheckResult(Outcome.FAILED, NOW, 1.0, Failure(kind, "It failed.", "Do this.", retry_after))


PASSED = CheckResult(Outcome.PASSED, NOW, 1.0)


def minutes_until(result: CheckResult, *, every: int = 60, failures: int = 0, jitter: float = 0) -> float:
    at = next_test_at(NOW, every, result, failures, jitter=jitter)
    assert at is not None
    return (at - NOW) / timedelta(minutes=1)


def test_a_connection_without_a_schedule_is_never_due() -> None:
    assert first_test_at(NOW, None) is None
    assert next_test_at(NOW, None, PASSED, 0) is None


def test_a_new_connection_is_due_after_one_interval() -> None:
    assert first_test_at(NOW, 60) == NOW + timedelta(hours=1)


@pytest.mark.parametrize(("jitter", "minutes"), [(0, 60), (1, 66), (-1, 54)])
def test_passed_tests_spread_around_the_interval(jitter: float, minutes: float) -> None:
    assert minutes_until(PASSED, jitter=jitter) == minutes


@pytest.mark.parametrize(("failures", "minutes"), [(0, 1), (1, 2), (5, 32), (6, 60), (500, 60)])
def test_failures_back_off_up_to_the_interval(failures: int, minutes: float) -> None:
    assert minutes_until(failed(FailureKind.UNREACHABLE), failures=failures) == minutes


def test_the_back_off_ends_at_six_hours() -> None:
    assert minutes_until(failed(FailureKind.UNREACHABLE), every=10_000, failures=30) == 360


def test_jitter_never_shortens_a_back_off() -> None:
    assert minutes_until(failed(FailureKind.UNREACHABLE), jitter=-1) > 1


def test_no_test_comes_sooner_than_the_vendor_asked() -> None:
    assert minutes_until(failed(FailureKind.THROTTLED, retry_after=7200), failures=0) == 120


@pytest.mark.parametrize("kind", sorted(FailureKind))
def test_only_what_a_vendor_may_count_stops_automatic_tests(kind: FailureKind) -> None:
    stopped = stops_automatic_tests(failed(kind))
    assert bool(stopped) is (kind in STOPS_AUTOMATIC_TESTS)
    assert (next_test_at(NOW, 60, failed(kind), 0) is None) is bool(stopped)
