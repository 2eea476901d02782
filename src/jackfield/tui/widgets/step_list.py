"""The steps of a check, appearing as they finish."""

from time import monotonic
from typing import Final

from textual.timer import Timer

from jackfield.model.check import Step, StepName, StepOutcome
from jackfield.tui.symbols import RUNNING, STEPS
from jackfield.tui.widgets.lines import Line, LineView, Span, fit, literal

_NAME: Final = 13
_TIME: Final = 9


class StepList(LineView):
    """One line a step: symbol, name, what was found, milliseconds. Seconds tick only while a step runs."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._steps: list[Step] = []
        self._current: StepName | None = None
        self._since = 0.0
        self._ticker: Timer | None = None

    @property
    def shown(self) -> int:
        """How many finished steps it shows."""
        return len(self._steps)

    def begin(self, first: StepName) -> None:
        """Start anew with `first` running."""
        self._steps.clear()
        self._run(first)
        if self._ticker is None:
            self._ticker = self.set_interval(1.0, self._draw)

    def start(self, name: StepName) -> None:
        """Show `name` as the step that runs now."""
        self._run(name)

    def finish(self, step: Step, following: StepName | None = None) -> None:
        """Show a finished step; `following` is the one that runs now."""
        self._steps.append(step)
        self._run(following)

    def end(self) -> None:
        """Nothing runs any more, whether it passed, failed or was cancelled."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
        self._run(None)

    def show_steps(self, steps: tuple[Step, ...]) -> None:
        """Show the steps of a check that is over."""
        self._steps = list(steps)
        self.end()

    def on_resize(self) -> None:
        self._draw()

    def _run(self, name: StepName | None) -> None:
        self._current, self._since = name, monotonic()
        self._draw()

    def _draw(self) -> None:
        lines = [self._line(step) for step in self._steps]
        if self._current is not None:
            elapsed = f"{monotonic() - self._since:.0f} s"
            lines.append(self._row(RUNNING.symbol, RUNNING.tone, self._current, "", elapsed))
        self.show_lines(lines)

    def _line(self, step: Step) -> Line:
        mark = STEPS[step.outcome]
        word = "" if step.outcome is StepOutcome.PASSED else f"{mark.word}  "
        time = "" if step.outcome is StepOutcome.SKIPPED else _time(step.ms)
        return self._row(mark.symbol, mark.tone, step.name, word, time, step.detail)

    def _row(self, symbol: str, tone: str, name: str, word: str, time: str, detail: str = "") -> Line:
        room = max(10, self.size.width - 3 - _NAME - _TIME - len(word) - 1)
        return (
            Span(f" {symbol} ", tone),
            Span(fit(name, _NAME)),
            Span(word, tone),
            Span(fit(literal(detail), room)),
            Span(time.rjust(_TIME), "muted"),
        )


def _time(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
