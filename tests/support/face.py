"""The interface with chosen widgets in it, and rows to fill them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from jackfield.model.check import EvidenceKind, FailureKind, Grant, GrantState, Step, StepName, StepOutcome
from jackfield.model.connection import State
from jackfield.model.secret import Secret
from jackfield.tui.app import JackfieldApp
from jackfield.tui.door import Ways
from jackfield.tui.symbols import state_mark
from jackfield.tui.widgets.lines import Span
from jackfield.tui.widgets.paged_list import Column, PagedList, Sort


class ClosedDoor:
    """A door nobody comes to."""

    idle_minutes: int | None = None
    locked = 0

    def exists(self) -> bool:
        return True

    def ways(self) -> Ways:
        return Ways()

    def create(self, passphrase: Secret) -> Secret | None:
        raise AssertionError("nobody creates a vault here")

    def decline_recovery(self) -> None:
        raise AssertionError("nobody declines a recovery key here")

    def unlock(self, passphrase: Secret) -> None:
        raise AssertionError("nobody opens a vault here")

    def unlock_with_recovery(self, key: Secret) -> None:
        raise AssertionError("nobody opens a vault here")

    def unlock_with_keyring(self) -> None:
        raise AssertionError("nobody opens a vault here")

    def warnings(self) -> tuple[str, ...]:
        return ()

    def keep_idle_minutes(self, minutes: int | None) -> None:
        self.idle_minutes = minutes

    def lock(self) -> None:
        self.locked += 1

    def warm(self) -> None:
        return


class _Stage(Screen[None]):
    def __init__(self, make: Callable[[], Sequence[Widget]], ready: Callable[[], None]) -> None:
        super().__init__()
        self._make = make
        self._make_ready = ready

    def on_mount(self) -> None:
        self._make_ready()

    def compose(self) -> ComposeResult:
        yield from self._make()


class Face(JackfieldApp):
    """The application with these widgets on its first screen."""

    def __init__(
        self, home: Path, *widgets: Widget | Callable[[], Widget], ready: Callable[["Face"], Any] | None = None
    ) -> None:
        self._widgets = widgets
        self._ready_with = ready
        super().__init__(home, ClosedDoor(), opened=Screen)

    def door_screen(self, reason: str = "") -> Screen[None]:
        return _Stage(lambda: [each if isinstance(each, Widget) else each() for each in self._widgets], self._dress)

    def _dress(self) -> None:
        if self._ready_with is not None:
            self._ready_with(self)


async def until(pilot: Pilot[Any], happened: Callable[[], object], *, turns: int = 500) -> None:
    """Let the interface work until something is true. AssertionError when it is not after many turns."""
    for _ in range(turns):
        if happened():
            return
        await pilot.pause()
    raise AssertionError("it did not happen")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the example list."""

    id: str
    name: str
    provider: str
    state: State
    failure: FailureKind | None = None


class Rows:
    """`number` rows made on the fly; `asked` keeps every page that was read."""

    def __init__(self, number: int, prefix: str = "connection") -> None:
        self._number = number
        self._prefix = prefix
        self.asked: list[tuple[int, int]] = []

    def count(self) -> int:
        return self._number

    def row(self, position: int) -> Row:
        state = tuple(State)[position % len(State)]
        failure = FailureKind.REJECTED if state is State.FAILED else None
        provider = ("AWS", "GitHub", "PostgreSQL", "Redis", "Cloudflare")[position % 5]
        return Row(f"{self._prefix}-{position}", f"{self._prefix}-{position:05}", provider, state, failure)

    def page(self, start: int, limit: int) -> Sequence[Row]:
        self.asked.append((start, limit))
        return tuple(self.row(position) for position in range(start, min(start + limit, self._number)))

    def position(self, row_id: str) -> int | None:
        number = int(row_id.rpartition("-")[2])
        return number if number < self._number else None


def _state(row: Row) -> Span:
    mark = state_mark(row.state, row.failure)
    return Span(str(mark), mark.tone)


COLUMNS: tuple[Column[Row], ...] = (
    Column("Name", lambda row: Span(row.name), share=2, sort="name"),
    Column("Provider", lambda row: Span(row.provider), width=11),
    Column("Scope", lambda row: Span("org"), width=8, least=60),
    Column("State", _state, width=13, sort="state"),
    Column("Expires", lambda row: Span("23d"), width=8, least=70),
    Column("Tested", lambda row: Span("2m"), width=7),
)


def example_list(*, multiple: bool = True, columns: Sequence[Column[Row]] = COLUMNS) -> PagedList[Row]:
    """A list in the shape of the connections screen."""
    return PagedList(
        columns, row_id=lambda row: row.id, sort=Sort("name"), multiple=multiple, empty="No connection yet."
    )


STEPS: tuple[Step, ...] = (
    Step(StepName.RESOLVE, StepOutcome.PASSED, 3.2, "sts.eu-central-1.example → 203.0.113.7"),
    Step(StepName.CONNECT, StepOutcome.PASSED, 18.4),
    Step(StepName.TLS, StepOutcome.PASSED, 41.0, "Example RSA 2048 M01, until 2027-03-01"),
    Step(StepName.AUTHENTICATE, StepOutcome.PASSED, 1880.2, "user/jackfield"),
    Step(StepName.IDENTITY, StepOutcome.UNPROVEN, 4.0, "any password would have been accepted"),
    Step(StepName.REACH, StepOutcome.FAILED, 52.0, "region eu-central-1 is not enabled for this account"),
    Step(StepName.PERMISSIONS, StepOutcome.SKIPPED, 0.0),
)
GRANTS: tuple[Grant, ...] = (
    Grant("sync", "secretsmanager:ListSecrets", GrantState.GRANTED, EvidenceKind.ANSWERED, why="find what is there"),
    Grant(
        "sync", "secretsmanager:DeleteSecret", GrantState.MISSING, EvidenceKind.ANSWERED, "removing stale ones fails"
    ),
    Grant("sync", "kms:Decrypt", GrantState.UNREADABLE, None, "the vendor offers no way to ask"),
    Grant("rotate", "iam:CreateAccessKey", GrantState.IMPLIED, EvidenceKind.STATED, "by the role Administrator"),
    Grant("", "s3:*", GrantState.EXCESS, EvidenceKind.PROBED, "remove it"),
)
USES = {"sync": "Secret sync › Secrets Manager", "rotate": "Rotation › access keys"}
