"""The first line of a screen in parts: what it is about, and which of its parts is shown."""

from collections.abc import Sequence

from textual.reactive import reactive
from textual.strip import Strip

from jackfield.tui.widgets.lines import LineView, fit, literal, strip_of, width_of

_NUMBERS = "①②③④⑤⑥⑦⑧⑨"


class StepRail(LineView):
    """` New connection › AWS            ① Access  ② Credentials  ③ Connect  ④ Save `; only the current step is named
    where there is no room for all. Pages that may be seen in any order are not `numbered`."""

    DEFAULT_CSS = "StepRail { dock: top; height: 1; background: $panel; color: $foreground; }"

    step: reactive[int] = reactive(0)
    """The current step, from 0."""

    def __init__(self, *path: str, steps: Sequence[str], numbered: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self._path = [literal(part) for part in path]
        self._steps = tuple(steps)
        self._numbered = numbered

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        mark = self.mark(base)
        width = self.size.width - sum(width_of(text) for text, _ in mark)
        strong, muted, accent = (self.tone(tone, base) for tone in ("strong", "muted", "accent"))
        names = self._steps
        if sum(width_of(name) + 4 for name in names) + width_of(self._path[-1]) + 2 > width:
            names = tuple(name if number == self.step else "" for number, name in enumerate(names))
        rail = []
        for number, name in enumerate(names):
            sign = f"{_NUMBERS[number]} " if self._numbered else "" if name else "·"
            text = f"{sign}{name}".rstrip() + ("  " if number < len(names) - 1 else " ")
            rail.append((text, accent + strong if number == self.step else muted))
        room = width - 1 - sum(width_of(text) for text, _ in rail) - 2
        above, here = "".join(f"{part} › " for part in self._path[:-1]), self._path[-1]
        if width_of(above + here) > room:
            above, here = "", fit(here, min(room, width_of(here)))
        gap = " " * (room - width_of(above + here) + 2)
        return strip_of((*mark, (f" {above}", muted), (here, strong), (gap, base), *rail), self.size.width, base)
