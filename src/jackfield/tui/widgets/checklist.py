"""Permissions and what is known about them."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
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
_UNDER: Final = 7  # cells before a reason that stands under its row
_AS_IT_SHOULD_BE: Final = frozenset({GrantState.GRANTED, GrantState.IMPLIED})


class Checklist(LineView, can_focus=False):
    """Grants by use, the worst of each first, then the excess: symbol, permission, word, evidence, detail."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._grants: tuple[Grant, ...] = ()
        self._titles: Mapping[str, str] = {}
        self._awaited: tuple[tuple[str, str], ...] = ()

    def show_grants(
        self, grants: Sequence[Grant], titles: Mapping[str, str], awaited: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Show these verdicts; `titles` names the uses by id, in the order they are to appear.

        `awaited` are (use, permission) whose verdict is still to come.
        """
        self._grants, self._titles = tuple(grants), dict(titles)
        judged = {(grant.use, grant.permission) for grant in grants}
        self._awaited = tuple(row for row in awaited if row not in judged)
        self.show_lines(self._drawn())

    def on_resize(self) -> None:
        self.show_lines(self._drawn())

    def _drawn(self) -> Iterable[Line]:
        groups: dict[str, list[Grant]] = {use: [] for use in self._titles}
        excess: list[Grant] = []
        for grant in self._grants:
            (excess if grant.state is GrantState.EXCESS else groups.setdefault(grant.use, [])).append(grant)
        room = max(16, self.size.width - 5 - _WORD - _EVIDENCE)
        names = (*(grant.permission for grant in self._grants), *(name for _, name in self._awaited))
        longest = max(map(width_of, names), default=0)
        name = min(longest + 2, room * 2 // 3)
        for use, grants in groups.items():
            awaited = [permission for of, permission in self._awaited if of == use]
            if grants or awaited:
                yield (Span(f" {self._titles.get(use, use)}", "strong"),)
            for grant in sorted(grants, key=lambda grant: (_WORST_FIRST[grant.state], grant.permission)):
                yield from self._rows(grant, name)
            for permission in awaited:
                yield (Span("   ○ ", "untested"), Span(fit(literal(permission), name), "muted"), Span("…", "muted"))
        if excess:
            yield (Span(f" {_EXCESS}", "strong"), Span("  held, and no chosen use needs it", "muted"))
        for grant in excess:
            yield from self._rows(grant, name)

    def _rows(self, grant: Grant, name: int) -> Iterable[Line]:
        """One line; what is not as it should be says its reason in full, under it where it does not fit beside."""
        detail = literal(grant.detail or ("" if grant.state is GrantState.EXCESS else grant.why))
        beside = self.size.width - 5 - name - _WORD - _EVIDENCE
        if grant.state in _AS_IT_SHOULD_BE or width_of(detail) <= beside:
            yield _row(grant, name, detail)
            return
        yield _row(grant, name, "")
        for line in wrap(detail, max(20, self.size.width - _UNDER - 1)):
            yield (Span(" " * _UNDER), Span(line, "muted"))


def _row(grant: Grant, name: int, detail: str) -> Line:
    mark = GRANTS[grant.state]
    evidence = grant.evidence.value if grant.evidence is not None else "–"
    return (
        Span(f"   {mark.symbol} ", mark.tone),
        Span(fit(literal(grant.permission), name)),
        Span(fit(mark.word, _WORD), mark.tone),
        Span(fit(evidence, _EVIDENCE), "muted"),
        Span(detail, "muted"),
    )
