"""A test, while it runs and when it is over."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from jackfield.model.check import CheckResult, Outcome, StepName, StepOutcome, removed_words, unverified
from jackfield.model.connection import State
from jackfield.model.errors import JackfieldError
from jackfield.tui.live import LiveCheck
from jackfield.tui.symbols import STATES, state_mark
from jackfield.tui.times import left, took
from jackfield.tui.widgets.checklist import Checklist
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.prose import Prose, paragraph
from jackfield.tui.widgets.step_list import StepList


class CheckView(VerticalScroll):
    """The verdict, large; under it the steps as they finish, and the checklist ticking itself."""

    DEFAULT_CSS = """
    CheckView {
        scrollbar-size-vertical: 1;
        & > Prose { height: auto; }
        & > StepList { height: auto; }
        & > Checklist { height: auto; margin-top: 1; }
        &:focus > Prose { background: $surface; }
    }
    """

    def __init__(self, *, hint: str = "", id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._hint = hint
        self._titles: Mapping[str, str] = {}
        self._awaited: Sequence[tuple[str, str]] = ()

    def compose(self) -> ComposeResult:
        yield Prose(lambda width: paragraph(self._hint, width, "muted"), can_focus=False)
        yield StepList()
        yield Checklist()

    def follow(self, check: LiveCheck, titles: Mapping[str, str], awaited: Sequence[tuple[str, str]]) -> None:
        """Show a test that has begun; `awaited` are the (use, permission) it is to judge."""
        self._titles, self._awaited = titles, awaited
        self._say(lambda _: ())
        self._steps.begin(StepName.RESOLVE)
        for step in check.steps:
            self._steps.finish(step, check.running)
        self.step_on(check)
        self.scroll_home(animate=False)

    def step_on(self, check: LiveCheck) -> None:
        """Show what the test has found since."""
        shown = self._steps.shown
        for step in check.steps[shown:]:
            self._steps.finish(step, check.running)
        if check.running is not None:
            self._steps.start(check.running)
        self._checklist.show_grants(check.grants, self._titles, self._awaited)

    def show_result(self, result: CheckResult, titles: Mapping[str, str], *, verdict: bool = True) -> None:
        """Show a test that is over; without its `verdict` where that is said elsewhere, unless it is a failure."""
        self._titles = titles
        self._steps.show_steps(result.steps)
        self._checklist.show_grants(result.grants, titles)
        said = verdict or result.outcome in {Outcome.FAILED, Outcome.UNPROVEN} or bool(result.warnings)
        self._say(lambda width: _verdict(result, width) if said else ())
        self.scroll_home(animate=False)

    def show_error(self, error: JackfieldError) -> None:
        """Show why there is no result."""
        self._steps.end()
        self._say(lambda width: _trouble("not tested", error.message, error.next_step, width))

    def show_cancelled(self) -> None:
        self._steps.end()
        self._say(lambda width: paragraph("Cancelled. Nothing was changed anywhere.", width, "muted"))

    def show_hint(self, hint: str) -> None:
        """Show nothing but a hint."""
        self._steps.show_steps(())
        self._checklist.show_grants((), {})
        self._say(lambda width: paragraph(hint, width, "muted"))

    def _say(self, make: Callable[[int], Iterable[Line]]) -> None:
        self.query_one(Prose).show(make)

    @property
    def _steps(self) -> StepList:
        return self.query_one(StepList)

    @property
    def _checklist(self) -> Checklist:
        return self.query_one(Checklist)


def _verdict(result: CheckResult, width: int) -> Iterator[Line]:
    mark = state_mark(State(result.outcome.value), None, unverified(result.grants))
    if result.failure is not None:
        yield from _trouble(result.failure.kind.value, result.failure.message, result.failure.next_step, width)
        yield from paragraph(removed_words(result.removed), width, "muted", first="  ") if result.removed else ()
        return
    account = next(iter(result.identity.values()), "")
    expiry = f"expires in {left(result.expires_at)}" if result.expires_at else ""
    facts = "  ·  ".join(filter(None, (account, expiry, took(result.duration_ms))))
    yield (Span(f"{mark} ", mark.tone), Span(f"  {facts}"))
    unproven = next((step.detail for step in result.steps if step.outcome is StepOutcome.UNPROVEN), "")
    if result.outcome is Outcome.UNPROVEN:
        yield from paragraph(unproven, width, "unproven", first="  ")
    if count := unverified(result.grants):
        rights = "right" if count == 1 else "rights"
        yield from paragraph(f"{count} {rights} could not be verified: {_SEE}", width, "unproven", sign="  ? ")
    for warning in result.warnings:
        yield from paragraph(warning, width, "limited", sign="  ▲ ")
    yield from paragraph(removed_words(result.removed), width, "muted", first="  ") if result.removed else ()
    yield ()


_SEE = "the reason stands beside each."


def _trouble(word: str, message: str, next_step: str, width: int) -> Iterator[Line]:
    mark = STATES[State.FAILED]
    yield ()
    yield (Span(f"{mark.symbol} {word}", mark.tone), Span(""))
    yield from paragraph(message, width, "strong", first="  ")
    if next_step:
        yield from paragraph(next_step, width, first="  → ")
    yield ()
