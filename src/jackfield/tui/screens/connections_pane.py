"""What is worth knowing of the highlighted connection, under the list."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from textual.app import App

from jackfield.model.check import ExpiryKnown, Failure, Grant, GrantState, unverified
from jackfield.model.connection import Connection, State
from jackfield.model.errors import BlobTampered, NotFound
from jackfield.services.connections import Consumer
from jackfield.services.session import Session
from jackfield.tui.screens.connections_columns import short_id
from jackfield.tui.symbols import GRANTS, state_mark
from jackfield.tui.times import ago, left
from jackfield.tui.widgets.lines import Line, Span, fit, literal, width_of
from jackfield.tui.widgets.prose import Prose, wrapped

LOOK_AFTER: Final = 0.08  # seconds a row is highlighted before the pane shows it: moving on must cost nothing
LOOK_AFTER_SLOW: Final = 1.0  # the same over a slow line
CANNOT_BE_READ: Final = "cannot be read: key or data changed"
_UNTOLD: Final = frozenset({GrantState.GRANTED, GrantState.IMPLIED})
_WORST_FIRST: Final = {
    state: number
    for number, state in enumerate((GrantState.MISSING, GrantState.EXCESS, GrantState.UNKNOWN, GrantState.UNREADABLE))
}
_PERMISSION: Final = 34
_WORD: Final = 11
_EVIDENCE: Final = 10


@dataclass(frozen=True, slots=True)
class Glance:
    """One connection as the pane shows it. `account` is who it is at the vendor, where that is known."""

    connection: Connection
    provider: str
    method: str
    account: str
    failure: Failure | None
    grants: tuple[Grant, ...]
    used_by: tuple[Consumer, ...]


def look_after(app: App[object]) -> float:
    """Seconds a row is highlighted before it is looked at."""
    return LOOK_AFTER_SLOW if getattr(app, "draws_less", False) else LOOK_AFTER


def look(session: Session, connection_id: str) -> Glance | None:
    """Read it all; None when the connection is gone. Takes milliseconds: call it from a thread."""
    try:
        connection = session.connections.get(connection_id)
    except NotFound:
        return None
    runs = session.tests.history(connection_id, limit=1)
    account = ""
    if runs:
        try:
            account = next(iter(session.tests.result(runs[0]).identity.values()), "")
        except BlobTampered:
            account = CANNOT_BE_READ
    registry = session.registry
    return Glance(
        connection,
        registry.name(connection.provider),
        registry.method_name(connection.provider, connection.method),
        account,
        runs[0].failure if runs else None,
        session.tests.verdicts(connection_id).grants,
        session.connections.used_by(connection_id),
    )


def sentence(glance: Glance) -> str:
    """What the last test found, in one sentence."""
    connection = glance.connection
    needed = [grant for grant in glance.grants if grant.state is not GrantState.EXCESS]
    missing = sum(grant.state is GrantState.MISSING for grant in needed)
    excess = len(glance.grants) - len(needed)
    match connection.state:
        case State.UNREADABLE:
            return CANNOT_BE_READ
        case State.UNTESTED:
            return "not tested yet as it is now: t tests it"
        case State.UNPROVEN:
            return "accepted, but a wrong secret would have been too"
        case State.FAILED:
            return glance.failure.message if glance.failure is not None else "the last test failed"
        case State.LIMITED:
            return (
                f"{missing} of {len(needed)} permissions that its uses need {'is' if missing == 1 else 'are'} missing"
            )
    if doubtful := unverified(needed):
        return (
            f"{len(needed) - doubtful} of {len(needed)} needed permissions are held; {doubtful} could not be verified"
        )
    held = f"all {len(needed)} needed permissions are held" if needed else "no use is chosen: only the login was tested"
    return held + (f", and {excess} that no use needs" if excess else "")


def next_step(glance: Glance) -> str:
    """What to do about it; empty when there is nothing."""
    connection = glance.connection
    if connection.state is State.UNREADABLE:
        return "Type its fields anew (e), or restore a backup. Everything else works."
    if connection.state is State.FAILED and glance.failure is not None:
        return glance.failure.next_step
    if connection.automatic_tests_stopped:
        return f"Not tested by itself any more: {connection.automatic_tests_stopped}."
    return ""


def used_by(glance: Glance) -> str:
    """How many uses it has, by project."""
    by_project: dict[str, int] = {}
    for use in glance.used_by:
        by_project[use.project_name or "org"] = by_project.get(use.project_name or "org", 0) + 1
    return "  ".join(f"{project}: {number}" for project, number in by_project.items()) or "nothing yet"


def expiry(glance: Glance) -> str:
    """When the credential ends, and how that is known."""
    connection = glance.connection
    if connection.expiry_known is ExpiryKnown.NEVER:
        return "never expires"
    if connection.expires_at is None:
        return "end not known"
    span = left(connection.expires_at)
    typed = " (typed)" if connection.expiry_known is ExpiryKnown.TYPED else ""
    return ("expired" if span == "expired" else f"expires in {span}") + typed


class ConnectionPane(Prose, can_focus=False):
    """A few lines; what does not fit is left out, the least important first."""

    def __init__(self) -> None:
        super().__init__(id="pane", can_focus=False)
        self._lines_for = 0

    def show_glance(self, glance: Glance | None) -> None:
        """Show a connection; nothing for None."""
        self.show(lambda width: self._drawn(glance, width) if glance is not None else ())

    def show_words(self, text: str) -> None:
        """Show something else that is to be known now."""
        self.show(lambda width: [(Span(line, "muted"),) for line in wrapped(text, width)])

    def on_resize(self) -> None:  # type: ignore[override]  # the event is of no use here
        if self.size.height != self._lines_for:
            self._lines_for, self._made_for = self.size.height, -1
        self._remake()

    def _drawn(self, glance: Glance, width: int) -> Iterator[Line]:
        connection = glance.connection
        mark = state_mark(connection.state, connection.failure_kind, connection.unverified)
        facts = " · ".join(filter(None, (glance.provider, glance.method, glance.account)))
        yield _both_ends(
            (
                Span(connection.name, "strong"),
                Span("   ⚠ TLS not verified" if connection.tls_unverified else "", "failed"),
                Span(f"   {literal(facts)}", "muted"),
            ),
            (Span(f"{short_id(connection.id)}  y copies it", "muted"),),
            width,
        )
        word = fit(str(mark), max(_WORD + 2, width_of(str(mark)) + 2))
        said = wrapped(sentence(glance), width - width_of(word))
        tested = f"tested {ago(connection.tested_at)} ago" if connection.tested_at else ""
        first = (Span(word, mark.tone), Span(said[0]))
        yield _both_ends(first, (Span(tested, "muted"),), width) if len(said) == 1 else first
        below = [(Span(" " * width_of(word)), Span(line)) for line in said[1:]]
        below += [
            (Span(("→ " if number == 0 else "  ").rjust(width_of(word))), Span(line, "accent"))
            for number, line in enumerate(
                wrapped(next_step(glance), width - width_of(word)) if next_step(glance) else ()
            )
        ]
        room = max(0, self.size.height - 3)
        yield from below[:room]
        yield from self._grants(glance, width, room - len(below[:room]))
        yield _both_ends((Span("Used by  ", "muted"), Span(used_by(glance))), (Span(expiry(glance), "muted"),), width)

    def _grants(self, glance: Glance, width: int, room: int) -> Iterator[Line]:
        """The worst verdicts with how they are known; what is in order is not told one by one."""
        told = [grant for grant in glance.grants if grant.state not in _UNTOLD]
        told.sort(key=lambda grant: _WORST_FIRST[grant.state])
        more = len(told) - room
        shown = told if more <= 0 else told[: max(0, room - 1)]
        for grant in shown:
            mark = GRANTS[grant.state]
            name = min(_PERMISSION, max(16, width // 2 - _WORD))
            yield (
                Span(f"  {mark.symbol} ", mark.tone),
                Span(fit(literal(grant.permission), name) + "  "),
                Span(fit(mark.word, _WORD), mark.tone),
                Span(fit(grant.evidence.value if grant.evidence else "–", _EVIDENCE), "muted"),
                Span(literal(grant.detail or grant.why), "muted"),
            )
        if more > 0 and room > 0:
            yield (Span(f"    … and {len(told) - len(shown)} more: ↵ shows all", "muted"),)


def _both_ends(left_side: Line, right_side: Line, width: int) -> Line:
    """Two pieces at the two ends of a line; the right one goes first when there is not room for both."""
    taken = sum(width_of(literal(span.text)) for span in (*left_side, *right_side))
    if taken + 2 > width:
        return left_side
    return (*left_side, Span(" " * (width - taken)), *right_side)
