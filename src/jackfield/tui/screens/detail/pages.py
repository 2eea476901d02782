"""Lists about one connection: its permissions, what uses it, its history, its trail."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from jackfield.model.check import CheckResult, EvidenceKind, Grant, GrantState, Outcome, removed_words
from jackfield.model.connection import State
from jackfield.services.audit import Entry
from jackfield.services.connections import Consumer
from jackfield.services.history import Moment, is_flapping, moments
from jackfield.services.session import Session
from jackfield.services.testing import CheckRun
from jackfield.tui.screens.detail.overview import Facts
from jackfield.tui.symbols import GRANTS, OUTCOMES, Mark, state_mark
from jackfield.tui.symbols import STEPS as STEP_MARKS
from jackfield.tui.times import ago, took
from jackfield.tui.widgets.lines import Line, Span, fit, literal
from jackfield.tui.widgets.paged_list import Column
from jackfield.tui.widgets.prose import pairs, paragraph

PAGES: Final = ("Overview", "Permissions", "Used by", "History", "Audit")
OVERVIEW, PERMISSIONS, USED_BY, HISTORY, AUDIT = range(5)
_RUNS: Final = 200
_ENTRIES: Final = 200
_BARS: Final = "▁▂▃▄▅▆▇█"
_EVIDENCE: Final = {
    EvidenceKind.STATED: "by the credential itself",
    EvidenceKind.ANSWERED: "by the vendor, asked about this credential",
    EvidenceKind.PROBED: "by a harmless read",
    EvidenceKind.ATTEMPTED: "by a guarded call that must be refused",
}
_ORDER: Final = (
    GrantState.MISSING,
    GrantState.UNKNOWN,
    GrantState.UNREADABLE,
    GrantState.IMPLIED,
    GrantState.GRANTED,
    GrantState.EXCESS,
)


@dataclass(frozen=True, slots=True)
class Page:
    """One list: what stands above it, its columns and rows, and what is said where there are none."""

    above: Callable[[int], Iterator[Line]]
    columns: tuple[Column[Any], ...]
    rows: Sequence[Any]
    row_id: Callable[[Any], str]
    empty: str


def read_page(session: Session, facts: Facts, number: int) -> Page:
    """One of the pages but the overview, as the store has it now."""
    connection_id = facts.connection.id
    if number == PERMISSIONS:
        return permissions_page(facts)
    if number == USED_BY:
        return used_by_page(session.connections.used_by(connection_id))
    entries = session.audit.page(about=connection_id, limit=_ENTRIES)
    if number == HISTORY:
        return history_page(moments(session.tests.history(connection_id, limit=_RUNS), entries))
    return audit_page(entries)


def keys_of_page(number: int, *, testing: bool) -> tuple[tuple[str, ...], dict[str, str]]:
    """The actions that the key bar shows, and what it calls them."""
    keys = ["detail.cancel-test" if testing else "detail.test", "detail.edit", "detail.next"]
    if number == PERMISSIONS:
        keys = ["list.open", "detail.policy", "detail.difference", *keys]
    elif number == HISTORY:
        keys.insert(0, "list.open")
    else:
        keys += ["detail.copy-id", "detail.delete"]
    words = {
        "list.open": "evidence" if number == PERMISSIONS else "steps",
        "detail.policy": "least policy",
        "detail.difference": "difference",
        "detail.next": "next page",
        "detail.cancel-test": "cancel",
    }
    return tuple(keys), words


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One permission, or the heading over those of one use."""

    number: int
    heading: str
    grant: Grant | None


def permissions_page(facts: Facts) -> Page:
    """Verdicts by use, the worst of each first, then the excess."""
    grants = facts.result.grants if facts.result is not None else ()
    order = [*facts.titles, ""]
    ranked = sorted(
        grants,
        key=lambda grant: (order.index(grant.use) if grant.use in order else len(order), _ORDER.index(grant.state)),
    )
    rows: list[GrantRow] = []
    before: str | None = None
    for grant in ranked:
        heading = "Excess" if grant.state is GrantState.EXCESS else facts.titles.get(grant.use, grant.use)
        if heading != before:
            rows.append(GrantRow(len(rows), heading, None))
            before = heading
        rows.append(GrantRow(len(rows), "", grant))

    def above(_: int) -> Iterator[Line]:
        held = sum(grant.state in {GrantState.GRANTED, GrantState.IMPLIED} for grant in grants)
        excess = sum(grant.state is GrantState.EXCESS for grant in grants)
        if grants:
            said = f"{held} of {len(grants) - excess} held" + (f", {excess} in excess" if excess else "")
            yield (Span(said), Span(f"   seen {ago(facts.connection.tested_at)} ago; ↵ shows how it is known", "muted"))
        yield ()

    return Page(
        above,
        (
            Column("Permission", _permission_of, share=4),
            Column("State", _state_of, width=12),
            Column("Known", _evidence_of, width=8),
            Column("", _reason_of, share=3, least=90),
        ),
        rows,
        lambda row: str(row.number),
        "Nothing is known yet: no test came so far, or no use is chosen.",
    )


def _permission_of(row: GrantRow) -> Span:
    return Span(f"  {row.grant.permission}") if row.grant else Span(row.heading, "accent")


def _state_of(row: GrantRow) -> Span:
    if row.grant is None:
        return Span("")
    mark = GRANTS[row.grant.state]
    return Span(str(mark), mark.tone)


def _evidence_of(row: GrantRow) -> Span:
    if row.grant is None:
        return Span("")
    return Span(row.grant.evidence.value if row.grant.evidence else "–")


def _reason_of(row: GrantRow) -> Span:
    return Span((row.grant.detail or row.grant.why) if row.grant else "", "muted")


def evidence_lines(facts: Facts, grant: Grant, width: int) -> Iterator[Line]:
    """How the verdict on one permission is known."""
    mark = GRANTS[grant.state]
    yield (Span(literal(grant.permission), "strong"), Span(f"   {mark}", mark.tone))
    yield ()
    known = f"{grant.evidence.value}: {_EVIDENCE[grant.evidence]}" if grant.evidence else "no answer that decides it"
    yield from pairs((("Needed to", grant.why, ""), ("Said", grant.detail, ""), ("Known by", known, "")), width)
    asked = [one for one in (facts.result.exchanges if facts.result else ()) if one.fact in grant.facts]
    if asked:
        yield ()
        yield (Span("What was asked", "strong"),)
        for exchange in asked:
            yield from paragraph(f"{exchange.method} {exchange.target}", width, first="  ")
            yield (Span(f"      {literal(exchange.status)}, {took(exchange.ms)}", "muted"),)


def used_by_page(users: Sequence[Consumer]) -> Page:
    """What would break without the connection."""
    return Page(
        lambda _: iter(()),
        (
            Column("Project", lambda one: Span(one.project_name or "–"), share=2),
            Column("What", lambda one: Span(one.kind), share=2),
            Column("Name", lambda one: Span(one.name), share=3),
            Column("Times", lambda one: Span(str(one.use_count)), width=7),
            Column("Last", lambda one: Span(ago(one.last_used_at)), width=8),
        ),
        users,
        lambda one: one.id,
        "Nothing has used it yet. A command run with jackfield exec shows here.",
    )


def history_page(told: Sequence[Moment]) -> Page:
    """What tests found, drawn and in words."""
    runs = [moment.run for moment in told]
    return Page(
        lambda width: _drawn(runs, width),
        (
            Column("When", lambda moment: Span(f"{ago(moment.run.started_at)} ago"), width=9),
            Column("Outcome", _outcome_of, width=14),
            Column("Took", lambda moment: Span(took(moment.run.duration_ms)), width=7),
            Column("Changed because", lambda moment: Span(moment.because), share=1),
        ),
        told,
        lambda moment: str(moment.run.seq),
        "Never tested.",
    )


def _outcome_of(moment: Moment) -> Span:
    mark = _run_mark(moment.run)
    return Span(str(mark), mark.tone)


def _run_mark(run: CheckRun) -> Mark:
    mark = OUTCOMES[run.outcome]
    if run.outcome is Outcome.FAILED and run.failure is not None:
        return state_mark(State.FAILED, run.failure.kind)
    return mark


def _drawn(runs: Sequence[CheckRun], width: int) -> Iterator[Line]:
    """One bar a run, the oldest first: as high as it took long, in the colour of its outcome; a symbol under each that
    did not pass."""
    if not runs:
        return
    shown = list(reversed(runs[:width]))
    longest = max(run.duration_ms for run in shown) or 1.0
    yield tuple(Span(_BARS[min(7, int(run.duration_ms / longest * 8))], OUTCOMES[run.outcome].tone) for run in shown)
    yield tuple(
        Span(" " if run.outcome is Outcome.PASSED else OUTCOMES[run.outcome].symbol, OUTCOMES[run.outcome].tone)
        for run in shown
    )
    passed = sum(run.outcome is Outcome.PASSED for run in shown)
    middle = took(median(run.duration_ms for run in shown))
    tests = "1 test" if len(shown) == 1 else f"{len(shown)} tests"
    said = f"{tests}, {passed} passed; median {middle}, at most {took(longest)}"
    flapping = "   ▲ it keeps changing" if is_flapping(runs) else ""
    yield (Span(said, "muted"), Span(flapping, "limited"))
    yield ()


def run_lines(moment: Moment, result: CheckResult, width: int) -> Iterator[Line]:
    """One run of the history, with its steps."""
    run = moment.run
    mark = _run_mark(run)
    yield (Span(str(mark), mark.tone), Span(f"   {run.started_at:%Y-%m-%d %H:%M:%S} UTC", "muted"))
    if run.failure is not None:
        yield from paragraph(run.failure.message, width, "strong", first="  ")
        if run.failure.next_step:
            yield from paragraph(run.failure.next_step, width, first="  → ")
    elif moment.because:
        yield from paragraph(f"It changed because {moment.because}.", width)
    yield ()
    for step in result.steps:
        sign = STEP_MARKS[step.outcome]
        first = f" {sign.symbol} {fit(step.name, 14)}"
        yield from paragraph(f"{step.detail}  {took(step.ms)}".strip(), width, first=first)
    if result.removed:
        yield ()
        yield from paragraph(f"{removed_words(result.removed)}.", width, "muted")


def audit_page(entries: Sequence[Entry]) -> Page:
    """Who did what to the connection."""
    return Page(
        lambda _: iter(()),
        (
            Column("When", lambda one: Span(f"{ago(one.at)} ago"), width=9),
            Column("What", lambda one: Span(one.event.action), share=3),
            Column("Who", lambda one: Span(one.event.actor), share=2),
            Column("Outcome", lambda one: Span(one.event.outcome), width=10),
            Column("Reason", lambda one: Span(one.event.reason, "muted"), share=3),
        ),
        entries,
        lambda one: str(one.seq),
        "Nothing is noted.",
    )
