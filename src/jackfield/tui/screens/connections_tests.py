"""Tests of stored connections, as the list follows them: those begun here, and whatever changes by any."""

from asyncio import to_thread
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from jackfield.model.check import Outcome
from jackfield.model.connection import ConnectionSummary, State
from jackfield.services.engine import Engine, Job, Tested, TestEnded, Trouble
from jackfield.services.history import moments
from jackfield.services.session import Session
from jackfield.services.testing import CheckRun
from jackfield.tui.symbols import state_mark

_RANK: Final = {outcome: rank for rank, outcome in enumerate(Outcome)}  # the best first, as the enum has them
_NAMED: Final = 3  # connections in one notice


@dataclass(frozen=True, slots=True)
class Turn:
    """A connection that came out otherwise than the time before."""

    name: str
    worse: bool
    mark: str
    at: datetime
    reason: str
    next_step: str


class Notice(NamedTuple):
    """What is told in the corner."""

    message: str
    next_step: str = ""
    severity: Literal["information", "warning"] = "information"


@dataclass(frozen=True, slots=True)
class Changes:
    """What tests did to the list since it was asked the last time."""

    rows: tuple[ConnectionSummary, ...]
    gone: bool  # a connection that was tested is not there any more
    turns: tuple[Turn, ...]  # by the schedule, or by another test than those begun here
    summary: str  # how those begun here came out, when the last of several has ended

    def notices(self) -> Iterator[Notice]:
        """What is worth interrupting for: one notice at the most of what turned, one of how several came out."""
        if self.turns:
            worse = any(turn.worse for turn in self.turns)
            yield Notice(*told(self.turns), "warning" if worse else "information")
        if self.summary:
            yield Notice(self.summary)


class ConnectionTests:
    """Used in the interface's thread; it reads the store in another."""

    def __init__(self, session: Session, engine: Engine) -> None:
        self.under_way: set[str] = set()
        """Ids of the connections whose test was begun here and runs."""
        self._session = session
        self._engine = engine
        self._jobs: dict[str, Job] = {}
        self._outcomes: Counter[str] = Counter()
        self._trouble = ""
        self._changed: dict[str, bool] = {}  # id → whether its test was begun here

    def begin(self, ids: Iterable[str]) -> None:
        """Test each that is not being tested already. Raises LockedError."""
        for connection_id in ids:
            if connection_id not in self.under_way:
                self._jobs[connection_id] = self._engine.test(connection_id)
                self.under_way.add(connection_id)

    def cancel(self) -> None:
        """Stop all that were begun here; each tells when it has ended."""
        for job in self._jobs.values():
            job.cancel()

    def take(self, news: Tested | TestEnded | Trouble) -> Notice | None:
        """Take what the engine tells; what is to be told of it at once."""
        if isinstance(news, Trouble):
            before, self._trouble = self._trouble, news.reason
            return None if news.reason == before else Notice("Nothing is tested by itself now.", news.reason, "warning")
        here = news.connection_id in self.under_way
        self._changed[news.connection_id] = here
        if not here:
            return None
        self.under_way.discard(news.connection_id)
        del self._jobs[news.connection_id]
        self._outcomes[news.result.outcome.value if isinstance(news, Tested) else "not done"] += 1
        if isinstance(news, TestEnded) and news.reason != "cancelled":
            return Notice("A test could not be done.", news.reason, "warning")
        return None

    async def changes(self) -> Changes:
        """What became of the connections whose tests have ended since the last call."""
        changed, self._changed = self._changed, {}
        found = await to_thread(lambda: [(one, *self._read(one)) for one in changed])
        rows = tuple(row for _, row, _ in found if row is not None)
        turns = tuple(turn for one, _, turn in found if turn is not None and not changed[one])
        return Changes(rows, len(rows) < len(found), turns, self._summary())

    def _read(self, connection_id: str) -> tuple[ConnectionSummary | None, Turn | None]:
        row = self._session.connections.summary(connection_id)
        if row is None:
            return None, None
        return row, turn_of(row, self._session.tests.history(connection_id, limit=2))

    def _summary(self) -> str:
        if self.under_way:
            return ""
        outcomes, self._outcomes = self._outcomes, Counter()
        if outcomes.total() < 2:
            return ""
        parts = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
        return f"{outcomes.total()} tests ended: {parts}."


def turn_of(row: ConnectionSummary, runs: Sequence[CheckRun]) -> Turn | None:
    """Whether the newest of `runs` came out worse or better than the one before."""
    if len(runs) < 2 or runs[0].outcome is runs[1].outcome:
        return None
    newest, because = runs[0], moments(runs, ())[0].because
    failure = newest.failure
    mark = state_mark(State(newest.outcome.value), failure.kind if failure else None, row.unverified)
    worse = _RANK[newest.outcome] > _RANK[runs[1].outcome]
    return Turn(row.name, worse, str(mark), newest.started_at, because, failure.next_step if failure else "")


def told(turns: Sequence[Turn]) -> tuple[str, str]:
    """What one notice says of these turns, at least one, and the next step."""
    if len(turns) == 1:
        turn = turns[0]
        since = f"{'since' if turn.worse else 'again since'} {turn.at.astimezone():%H:%M}"
        return f"{turn.mark}  {turn.name}, {since}: {turn.reason.rstrip('.')}.", turn.next_step
    lines = []
    for worse, words in ((True, "got worse"), (False, "recovered")):
        names = [turn.name for turn in turns if turn.worse is worse]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        if names:
            lines.append(f"{len(names)} {words}: {', '.join(names[:_NAMED])}{more}.")
    return " ".join(lines), ""
