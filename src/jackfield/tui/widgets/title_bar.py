"""The first line of a screen."""

from collections.abc import Sequence

from textual.strip import Strip

from jackfield.tui.widgets.lines import LineView, fit, literal, strip_of, width_of


class TitleBar(LineView):
    """Where you are on the left, facts on the right: ` acme › prod-secrets            42 connections · 3 need you `."""

    DEFAULT_CSS = """
    TitleBar { dock: top; height: 1; background: $panel; color: $foreground; }
    """

    def __init__(self, *path: str, facts: Sequence[str] = (), id: str | None = None) -> None:
        super().__init__(id=id)
        self._path: tuple[str, ...] = path
        self._facts: tuple[str, ...] = tuple(facts)

    def show_place(self, *path: str, facts: Sequence[str] = ()) -> None:
        """Say where this is, and what matters about it. The facts go first when there is not room for all."""
        if (path, tuple(facts)) != (self._path, self._facts):
            self._path, self._facts = path, tuple(facts)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        mark = self.mark(base)
        width = self.size.width - sum(width_of(text) for text, _ in mark)
        strong = self.tone("strong", base)
        path = [literal(part) for part in self._path]
        facts = " · ".join(literal(fact) for fact in self._facts)
        room = width - 2
        if width_of(" › ".join(path)) + 2 + width_of(facts) > room:
            facts = ""
        above, here = "".join(f"{part} › " for part in path[:-1]), path[-1] if path else ""
        left = room - width_of(facts)
        if width_of(above + here) > left:
            above, here = "", fit(here, min(left, width_of(here)))
        gap = " " * max(0, left - width_of(above + here))
        pieces = (
            *mark,
            (f" {above}", self.tone("muted", base)),
            (here, strong),
            (f"{gap}{facts} ", base),
        )
        return strip_of(pieces, self.size.width, base)
