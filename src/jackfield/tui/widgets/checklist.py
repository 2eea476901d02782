"""Permissions and what is known about them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from jackfield.model.check import Grant, GrantState
from jackfield.tui.symbols import GRANTS
from jackfield.tui.widgets.lines import Line, LineView, Span, fit, literal, width_of

_WORST_FIRST: Final = {
    state: number
    for number, state in enumerate(
        (GrantState.MISSING, GrantState.UNKNOWN, GrantState.UNREADABLE, GrantState.IMPLIED, GrantState.GRANTED)
    )
}
_WORD: Final = 11
_EVIDENCE: Final = 10
_EXCESS: Final = "Excess"


class Checklist(LineView, can_focus=False):
    """Grants by use, the worst of each first, then the excess: symbol, permission, word, evidence, detail."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._grants: tuple[Grant, ...] = ()
        self._titles: Mapping[str, str] = {}

    def show_grants(self, grants: Sequence[Grant], titles: Mapping[str, str]) -> None:
        """Show these verdicts; `titles` names the uses by id, in the order they are to appear."""
        self._grants, self._titles = tuple(grants), dict(titles)
        self.show_lines(self._drawn())

    def on_resize(self) -> None:
        self.show_lines(self._drawn())

    def _drawn(self) -> Iterable[Line]:
        groups: dict[str, list[Grant]] = {use: [] for use in self._titles}
        excess: list[Grant] = []
        for grant in self._grants:
            (excess if grant.state is GrantState.EXCESS else groups.setdefault(grant.use, [])).append(grant)
        room = max(16, self.size.width - 5 - _WORD - _EVIDENCE)
        longest = max((width_of(grant.permission) for grant in self._grants), default=0)
        name = min(longest + 2, room * 2 // 3)
        for use, grants in groups.items():
            if grants:
                yield (Span(f" {self._titles.get(use, use)}", "strong"),)
            for grant in sorted(grants, key=lambda grant: (_WORST_FIRST[grant.state], grant.permission)):
                yield _row(grant, name, grant.detail or grant.why)
        if excess:
            yield (Span(f" {_EXCESS}", "strong"), Span("  held, and no chosen use needs it", "muted"))
        for grant in excess:
            yield _row(grant, name, grant.detail)


def _row(grant: Grant, name: int, detail: str) -> Line:
    mark = GRANTS[grant.state]
    evidence = grant.evidence.value if grant.evidence is not None else "–"
    return (
        Span(f"   {mark.symbol} ", mark.tone),
        Span(fit(literal(grant.permission), name)),
        Span(fit(mark.word, _WORD), mark.tone),
        Span(fit(evidence, _EVIDENCE), "muted"),
        Span(literal(detail), "muted"),
    )
