"""The map drawn in lines: project, what it runs, the connection that this uses, the account that the connection is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from rich.style import Style
from textual.geometry import Offset, Region, Size
from textual.reactive import reactive
from textual.strip import Strip

from jackfield.services.usage import Link, Node
from jackfield.tui.keys import Place, bindings
from jackfield.tui.symbols import state_mark
from jackfield.tui.widgets.lines import LineView, WidgetMessage, fit, literal, strip_of, width_of

_COLUMNS: Final = 4
_CONNECTION: Final = 2
_GAPS: Final = (1, 4, 4, 4)  # cells before each column: the margin, and what joins it to the one before
_LEAST: Final = 8  # cells of a column
_SHARES: Final = (0.15, 0.26, 0.30)  # of the width at the most; accounts take what is left


class _Cell(NamedTuple):
    text: str
    tone: str = ""
    node: Node | None = None


class UsageMap(LineView, can_focus=True):
    """One link a line. The selected node is marked wherever it stands; what is the same as above is not repeated."""

    BINDINGS = [*bindings(Place.LIST), *bindings(Place.MAP)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"map--selected"}
    DEFAULT_CSS = """
    UsageMap {
        height: 1fr; overflow-y: scroll;
        & > .map--selected { color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold; }
        &:nocolor > .map--selected { text-style: bold reverse; }
    }
    """

    selected: reactive[Node | None] = reactive(None, repaint=False, init=False)

    @dataclass
    class Selected(WidgetMessage["UsageMap"]):
        """Another node is selected; None in an empty map."""

        node: Node | None

    @dataclass
    class Activated(WidgetMessage["UsageMap"]):
        """Enter was pressed on a line."""

        link: Link

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._links: tuple[Link, ...] = ()
        self._cells: tuple[tuple[_Cell, ...], ...] = ()
        self._row = 0
        self._column = _CONNECTION

    def show_links(self, links: Sequence[Link]) -> None:
        """Draw these, and select what was selected before, else the first connection."""
        self._links = tuple(links)
        kept = self._place_of(self.selected)
        self._row, self._column = kept or (0, _CONNECTION)
        self._draw()
        self.selected = self._links[self._row].nodes[self._column] if self._links else None

    def _place_of(self, node: Node | None) -> tuple[int, int] | None:
        for row, link in enumerate(self._links):
            if node is not None and node in link.nodes:
                return row, link.nodes.index(node)
        return None

    # Moving

    def watch_selected(self, before: Node | None, after: Node | None) -> None:
        for row, cells in enumerate(self._cells):
            if any(cell.node is not None and cell.node in (before, after) for cell in cells):
                self.refresh(Region(0, row - self.scroll_offset.y, self.size.width, 1))
        self.post_message(self.Selected(self, after))

    def action_move(self, by: int) -> None:
        """To the next other node of this column, up or down."""
        row = self._row + by
        while 0 <= row < len(self._links):
            node = self._links[row].nodes[self._column]
            if node is not None and node != self.selected:
                self._select(row, self._column)
                return
            row += by

    def action_page(self, by: int) -> None:
        self._nearest(self._row + by * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self._nearest(0)

    def action_last(self) -> None:
        self._nearest(len(self._links) - 1)

    def action_across(self, by: int) -> None:
        """To the node beside this one."""
        column = self._column + by
        while self._links and 0 <= column < _COLUMNS:
            if self._links[self._row].nodes[column] is not None:
                self._select(self._row, column)
                return
            column += by

    def action_activate(self) -> None:
        if self._links:
            self.post_message(self.Activated(self, self._links[self._row]))

    def jump_rows(self) -> Iterator[tuple[Offset, int]]:
        """The lines in view, each with the blank before it that its letter goes to."""
        top = self.scroll_offset.y
        for row in range(top, min(len(self._links), top + self.scrollable_content_region.height)):
            yield Offset(0, row - top), row

    def jump_to(self, row: int) -> None:
        """Select the node of this line in the present column, else its connection."""
        self._nearest(row)

    def _nearest(self, row: int) -> None:
        """The line of this number, or the nearest there is; another column where this one has nothing there."""
        if not self._links:
            return
        row = min(max(0, row), len(self._links) - 1)
        column = self._column if self._links[row].nodes[self._column] is not None else _CONNECTION
        self._select(row, column)

    def _select(self, row: int, column: int) -> None:
        self._row, self._column = row, column
        height = self.scrollable_content_region.height
        if not self.scroll_offset.y <= row < self.scroll_offset.y + height:
            self.scroll_to(y=max(0, row - height // 2), animate=False, immediate=True)
        self.selected = self._links[row].nodes[column]

    # Drawing

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        self._cells = tuple(_drawn(self._links, width)) if width > 0 else ()
        self.virtual_size = Size(width, len(self._cells))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        base, width = self.rich_style, self.scrollable_content_region.width
        number = self.scroll_offset.y + y
        cells = self._cells[number] if number < len(self._cells) else ()
        return strip_of(((cell.text, self._style(cell, base)) for cell in cells), width, base)

    def _style(self, cell: _Cell, base: Style) -> Style:
        if cell.node is not None and cell.node == self.selected and cell.text.strip():
            return self.get_component_rich_style("map--selected")
        return self.tone(cell.tone, base)


def _drawn(links: Sequence[Link], width: int) -> Iterator[tuple[_Cell, ...]]:
    """The lines. A project stands beside its first link, a connection beside the first of those that use it."""
    widths = _widths(links, width)
    for number, link in enumerate(links):
        above = links[number - 1] if number > 0 else None
        below = links[number + 1] if number + 1 < len(links) else None
        goes_on = below is not None and _same_project(link, below)
        continues = above is not None and _same_project(above, link)
        joins = above is not None and _joined(above, link)
        joined = below is not None and _joined(link, below)
        mark = state_mark(link.summary.state, link.summary.failure_kind, link.summary.unverified)
        use = link.use.name if link.use is not None else "nothing uses it yet"
        times = f"  ×{link.times}" if link.times > 1 else ""
        yield (
            _Cell(" "),
            _cell("" if continues else link.project.name, widths[0], "strong", link.project),
            _Cell(_branch(continues=continues, goes_on=goes_on), "rule"),
            _cell(f"{use}{times}", widths[1], "" if link.use is not None else "muted", link.use),
            _Cell(_arrow(joins=joins, joined=joined), "rule"),
            *(
                (_Cell(" " * widths[2]),)
                if joins
                else (
                    _Cell(f"{mark.symbol} ", mark.tone),
                    _cell(link.connection.name, widths[2] - 2, mark.tone, link.connection),
                )
            ),
            _Cell("    " if joins else " ─► ", "rule"),
            _cell("" if joins else link.account.name, widths[3], "", link.account),
        )


def _cell(text: str, width: int, tone: str, node: Node | None) -> _Cell:
    return _Cell(fit(literal(text), width), tone, node)


def _widths(links: Sequence[Link], width: int) -> tuple[int, ...]:
    """Cells of each column: what its longest text wants, as far as its share of the width goes."""
    wanted = (
        max((width_of(link.project.name) for link in links), default=0),
        max((width_of(link.use.name) + 5 if link.use else 19 for link in links), default=0),
        max((width_of(link.connection.name) + 2 for link in links), default=0),
    )
    first = [max(_LEAST, min(text, int(width * share))) for text, share in zip(wanted, _SHARES, strict=True)]
    return *first, max(_LEAST, width - sum(first) - sum(_GAPS))


def _same_project(one: Link, other: Link) -> bool:
    """Whether both stand under one heading: those without a use follow all that have one."""
    return one.project == other.project and (one.use is None) == (other.use is None)


def _joined(one: Link, other: Link) -> bool:
    return _same_project(one, other) and one.connection == other.connection


def _branch(*, continues: bool, goes_on: bool) -> str:
    if continues:
        return " ├─ " if goes_on else " └─ "
    return "─┬─ " if goes_on else "─── "


def _arrow(*, joins: bool, joined: bool) -> str:
    if joins:
        return "─┤  " if joined else "─┘  "
    return "─┬► " if joined else "──► "
