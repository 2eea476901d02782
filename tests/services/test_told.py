"""What is told about a connection: why it changed, and what separates its rights from the least."""

from datetime import UTC, datetime, timedelta

from jackfield.model.check import EvidenceKind, Failure, FailureKind, Grant, GrantState, Outcome
from jackfield.services.audit import Entry
from jackfield.services.difference import Change, difference
from jackfield.services.history import FLAPPING_CHANGES, is_flapping, moments
from jackfield.services.testing import CheckRun
from jackfield.store.checks import SealedDetail
from jackfield.store.trail import Event

START = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
REJECTED = Failure(FailureKind.REJECTED, "The token was revoked.", "Make a new one.")
DETAIL = SealedDetail("row", b"", "key")


def runs(*outcomes: Outcome) -> list[CheckRun]:
    """Runs a minute apart, the newest first; a failed one was rejected."""
    told = [
        CheckRun(
            number, "c", outcome, START + timedelta(minutes=number), 10.0,
            REJECTED if outcome is Outcome.FAILED else None, DETAIL,
        )
        for number, outcome in enumerate(outcomes)
    ]  # fmt: skip
    return told[::-1]


def entry(action: str, *, minutes: float) -> Entry:
    event = Event("ada", "host", action, "c", "sites", "done")
    return Entry(1, START + timedelta(minutes=minutes), event, b"", b"")


def because(*outcomes: Outcome, entries: tuple[Entry, ...] = ()) -> list[str]:
    """The reasons, the oldest run first."""
    return [moment.because for moment in moments(runs(*outcomes), entries)][::-1]


def test_only_a_change_has_a_reason() -> None:
    """The first run and those that came out as before say nothing."""
    assert because(Outcome.PASSED, Outcome.PASSED, Outcome.PASSED) == ["", "", ""]


def test_a_failure_is_its_own_reason_and_its_end_another() -> None:
    """In our words, both ways."""
    assert because(Outcome.PASSED, Outcome.FAILED, Outcome.FAILED, Outcome.PASSED) == [
        "", "The token was revoked.", "", "rejected is over",
    ]  # fmt: skip


def test_an_edit_between_two_tests_is_the_reason() -> None:
    """Only one that lies between them, and only what changes a connection."""
    edited = entry("connection.edit", minutes=0.5)
    assert because(Outcome.FAILED, Outcome.PASSED, entries=(edited,)) == ["", "it was edited"]
    for other in (entry("connection.edit", minutes=-1), entry("connection.test", minutes=0.5)):
        assert because(Outcome.FAILED, Outcome.PASSED, entries=(other,)) == ["", "rejected is over"]


def test_what_keeps_changing_is_flapping() -> None:
    """From a number of changes on, among the last runs alone."""
    calm, wild = [Outcome.PASSED] * 30, [Outcome.PASSED, Outcome.FAILED] * 3
    assert not is_flapping(runs(*calm))
    assert is_flapping(runs(*calm, *wild))
    assert not is_flapping(runs(*wild, *calm))
    assert not is_flapping(runs(*wild[:FLAPPING_CHANGES]))


def grant(permission: str, state: GrantState, detail: str = "") -> Grant:
    return Grant("use", permission, state, EvidenceKind.ANSWERED, detail)


def test_the_difference_says_what_to_add_and_what_to_remove() -> None:
    """Missing first, then excess in the order of its danger, then what nobody can tell, then what stays; each once."""
    lines = difference(
        (
            grant("read", GrantState.GRANTED),
            grant("admin", GrantState.EXCESS, "read is enough"),
            grant("write", GrantState.MISSING, "Settings › Write"),
            grant("write", GrantState.MISSING, "Settings › Write"),
            grant("plan", GrantState.UNREADABLE, "not told"),
            grant("list", GrantState.IMPLIED, "by read"),
        )
    )
    assert [(line.change, line.permission) for line in lines] == [
        (Change.ADD, "write"), (Change.REMOVE, "admin"), (Change.LOOK, "plan"), (Change.KEEP, "read"),
        (Change.KEEP, "list"),
    ]  # fmt: skip
    assert [str(line) for line in lines][:2] == ["+ write   # Settings › Write", "- admin   # read is enough"]
