"""What became of a connection over time: runs with the reason for each change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from jackfield.model.check import FailureKind, Outcome
from jackfield.services.audit import Entry
from jackfield.services.testing import CheckRun

FLAPPING_CHANGES: Final = 4  # among the last RECENT runs
RECENT: Final = 10

_EDITS: Final = {
    "connection.edit": "it was edited",
    "connection.move": "it was moved",
    "takeover.done": "Jackfield replaced the secret",
}
_BECAME: Final = {
    Outcome.LIMITED: "something a chosen use needs is missing now",
    Outcome.UNPROVEN: "a wrong secret would be accepted too now",
    Outcome.PASSED: "nothing it needs is missing any more",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One run; `because` says why it came out otherwise than the one before, and is empty when it did not."""

    run: CheckRun
    because: str


def moments(runs: Sequence[CheckRun], entries: Iterable[Entry]) -> tuple[Moment, ...]:
    """The runs, the newest first as they come, each with the reason for its change; `entries` tell of edits."""
    edits = [entry for entry in entries if entry.event.action in _EDITS]
    before: list[CheckRun | None] = [*runs[1:], None]
    return tuple(Moment(run, _because(run, older, edits)) for run, older in zip(runs, before, strict=True))


def is_flapping(runs: Sequence[CheckRun]) -> bool:
    """Whether the last runs kept changing."""
    recent = runs[:RECENT]
    return sum(_how(one) != _how(other) for one, other in pairwise(recent)) >= FLAPPING_CHANGES


def _how(run: CheckRun) -> tuple[Outcome, FailureKind | None]:
    return run.outcome, run.failure.kind if run.failure else None


def _because(run: CheckRun, before: CheckRun | None, edits: Sequence[Entry]) -> str:
    if before is None or _how(run) == _how(before):
        return ""
    if run.failure is not None:
        return run.failure.message
    edit = next((entry for entry in edits if before.started_at < entry.at <= run.started_at), None)
    if edit is not None:
        return _EDITS[edit.event.action]
    if before.failure is not None:
        return f"{before.failure.kind.value} is over"
    return _BECAME.get(run.outcome, "")
