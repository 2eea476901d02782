"""A list of any length: only the rows on the screen exist, in pages read when they come into view."""

from asyncio import Event
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from jackfield.model.errors import JackfieldError
from jackfield.tui.keys import Place, bindings
from jackfield.tui.widgets.lines import LineView, Span, WidgetMessage, fit, literal, strip_of

Row = TypeVar("Row")
RowOut_co = TypeVar("RowOut_co", covariant=True)

PAGE_ROWS: Final = 128
PAGES_KEPT: Final = 4
_GAP: Final = 2  # cells between two columns
_MARGIN: Final = 3  # cells before the first column: room for the mark


class PageSource(Protocol[RowOut_co]):
    """Rows in a fixed order.

    `count`, `position` and the first `page` are asked in a thread, later pages in the interface's own.
    """

    def count(self) -> int:
        """How many rows there are."""

    def page(self, start: int, limit: int) -> Sequence[RowOut_co]:
        """Rows `start` to `start + limit`, fewer at the end."""

    def position(self, row_id: str) -> int | None:
        """Where the row of that id stands now, or None."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: `width` cells, or a `share` of what the others leave; shown in lists of `least` cells and more.

    Where the columns have no room, with `need` cells for those that share, the one of the highest `rank` is left out
    first; those of rank 0 stay.
    """

    title: str
    render: Callable[[Row], Span]
    width: int = 0
    share: int = 0
    least: int = 0
    sort: str = ""
    need: int = 0
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Sort:
    """What the header line marks: the column whose `sort` is `by`."""

    by: str = ""
    descending: bool = False


@dataclass(frozen=True, slots=True)
class _Start(Generic[Row]):
    """What a new source answered: enough to draw the first page."""

    source: PageSource[Row]
    count: int
    cursor: int
    number: int
    rows: Sequence[Row]


class PagedList(LineView, Generic[Row], can_focus=True):
    """One row a line under a header line; moving repaints the two rows that changed.

    `load` reads a source in a thread; the answer of a source that was replaced meanwhile is dropped. The highlighted
    row and the marks are kept by id. Moves typed before another list is there count from its start.
    """

    BINDINGS = bindings(Place.LIST)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"list--cursor", "list--cursor-blurred", "list--header", "list--marked"}
    DEFAULT_CSS = """
    PagedList {
        height: 1fr; overflow-y: scroll;
        & > .list--cursor { color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold; }
        & > .list--cursor-blurred { color: $foreground; background: $panel; }
        & > .list--header { color: $text-muted; text-style: bold; }
        & > .list--marked { color: $accent; text-style: bold; }
        &:ansi > .list--cursor-blurred { text-style: underline; }
        &:nocolor > .list--cursor { text-style: bold reverse; }
        &:nocolor > .list--cursor-blurred { text-style: underline; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """Position of the highlighted row."""

    @dataclass
    class Highlighted(WidgetMessage["PagedList[RowOut_co]"], Generic[RowOut_co]):
        """Another row is highlighted; `row` is None in an empty list."""

        row: RowOut_co | None

    @dataclass
    class Activated(WidgetMessage["PagedList[RowOut_co]"], Generic[RowOut_co]):
        """Enter, or a click on the highlighted row."""

        row: RowOut_co

    @dataclass
    class Marked(WidgetMessage["PagedList[Any]"]):
        """The set of marked rows changed."""

        ids: frozenset[str]

    @dataclass
    class Loaded(WidgetMessage["PagedList[Any]"]):
        """A source was read and is shown."""

        count: int

    @dataclass
    class LoadFailed(WidgetMessage["PagedList[Any]"]):
        """A source could not be read; the list keeps what it shows."""

        error: JackfieldError

    @dataclass
    class _Answered(Message):
        start: _Start[Any]

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        row_id: Callable[[Row], str],
        empty: str = "Nothing here yet.",
        sort: Sort | None = None,
        multiple: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._row_id = row_id
        self._empty = literal(empty)
        self._sort = sort or Sort()
        self._multiple = multiple
        self._marked: set[str] = set()
        self._source: PageSource[Row] | None = None
        self._asked: PageSource[Row] | None = None
        self._opens = False  # whether the first row of what is asked for is opened when it comes
        self._keeps = True  # whether the row that is highlighted shall stay so
        self._moved = False  # whether somebody moved since a source was asked
        self._ahead = 0  # rows that somebody moved on from the start of a list that is not there yet
        self.there = Event()
        """Cleared while a list that shall take the place of what is shown is read."""
        self.there.set()
        self._count = 0
        self._pages: dict[int, Sequence[Row]] = {}
        self._strips: LRUCache[tuple[int, bool, bool], Strip] = LRUCache(PAGE_ROWS * 2)
        self._widths: tuple[tuple[Column[Row], int], ...] = ()
        self._head = 1 if any(column.title for column in columns) else 0  # lines above the first row

    # What is shown

    @property
    def count(self) -> int:
        """Rows of the source that is shown."""
        return self._count

    @property
    def highlighted(self) -> Row | None:
        """The highlighted row, None in an empty list."""
        return self._row(self.cursor)

    @property
    def marked(self) -> frozenset[str]:
        """Ids of the marked rows."""
        return frozenset(self._marked)

    @property
    def drawn_columns(self) -> tuple[Column[Row], ...]:
        """The columns that have room now."""
        return tuple(column for column, _ in self._widths)

    def show_columns(self, columns: Sequence[Column[Row]]) -> None:
        """Draw these columns instead; no row is read again."""
        self._columns = tuple(columns)
        self._head = 1 if any(column.title for column in columns) else 0
        self._share_room()
        self.redraw()

    def load(
        self,
        source: PageSource[Row],
        *,
        sort: Sort | None = None,
        empty: str | None = None,
        keep: bool = True,
        row_id: str | None = None,
    ) -> None:
        """Show `source` when it has answered; `keep` highlights the same row if it is still there, else the first.

        `row_id` is highlighted instead, when it is there.
        """
        self._asked, self._keeps, self._moved, self._opens, self._ahead = source, keep, False, False, 0
        if self._is_awaited:
            self.there.clear()
        if sort is not None:
            self._sort = sort
        if empty is not None:
            self._empty = literal(empty)
        row = self.highlighted if keep else None
        kept = row_id or (None if row is None else self._row_id(row))
        self.run_worker(
            partial(self._read, source, kept, self.cursor if keep else 0),
            thread=True,
            exclusive=True,
            group="paged-list",
            exit_on_error=False,
        )

    def update_row(self, row: Row) -> None:
        """Replace the row of the same id where it is already in memory, for a change that keeps the order."""
        row_id = self._row_id(row)
        for number, rows in self._pages.items():
            for offset, old in enumerate(rows):
                if self._row_id(old) == row_id:
                    self._pages[number] = (*rows[:offset], row, *rows[offset + 1 :])
                    self._refresh_row(number * PAGE_ROWS + offset)
                    return

    def redraw(self) -> None:
        """Draw every row anew, when columns show more than what is in the rows."""
        self._strips.clear()
        self.refresh()

    def clear_marks(self) -> None:
        """Forget every mark."""
        self.mark_only(())

    def mark_only(self, ids: Iterable[str]) -> None:
        """Mark the rows of these ids, and no others."""
        wanted = set(ids)
        if wanted != self._marked:
            self._marked = wanted
            self._strips.clear()
            self.refresh()
            self.post_message(self.Marked(self, self.marked))

    # Reading

    @property
    def _is_awaited(self) -> bool:
        """Whether another list than the one that is shown was asked for."""
        return self._asked is not self._source and (self._source is None or not self._keeps)

    def _read(self, source: PageSource[Row], kept: str | None, cursor: int) -> None:
        try:
            count = source.count()
            found = source.position(kept) if kept is not None else None
            place = max(0, min(count - 1, cursor)) if found is None else found
            number = place // PAGE_ROWS
            rows = source.page(number * PAGE_ROWS, PAGE_ROWS) if count else ()
        except JackfieldError as error:
            self.post_message(self.LoadFailed(self, error))
            return
        self.post_message(self._Answered(_Start(source, count, place, number, rows)))

    def on_paged_list_load_failed(self) -> None:
        self.there.set()

    def on_paged_list__answered(self, message: _Answered) -> None:
        message.stop()
        start = message.start
        if start.source is not self._asked:
            return
        self.there.set()
        if self._moved and self._keeps:
            self.load(start.source)  # the row to stay with is another one by now
            return
        self._source, self._count = start.source, start.count
        self._pages = {start.number: start.rows}
        self._strips.clear()
        self.virtual_size = Size(self.size.width, start.count + self._head)
        self.set_reactive(PagedList.cursor, self.validate_cursor(start.cursor + self._ahead))
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Loaded(self, start.count))
        self.post_message(self.Highlighted(self, self.highlighted))
        if self._opens:
            self.activate_when_read()

    def _row(self, position: int) -> Row | None:
        if self._source is None or not 0 <= position < self._count:
            return None
        number, offset = divmod(position, PAGE_ROWS)
        rows = self._pages.get(number)
        if rows is None:
            try:
                rows = self._source.page(number * PAGE_ROWS, PAGE_ROWS)
            except JackfieldError as error:  # kept as empty, or it would be asked for again with every line
                rows = ()
                self.post_message(self.LoadFailed(self, error))
            if len(self._pages) >= PAGES_KEPT:
                del self._pages[max(self._pages, key=lambda kept: abs(kept - number))]
            self._pages[number] = rows
        return rows[offset] if offset < len(rows) else None

    # Drawing

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def on_resize(self, event: events.Resize) -> None:
        self._share_room()
        self._strips.clear()
        self.virtual_size = Size(event.size.width, self._count + self._head)
        self._scroll_to_cursor()

    def _share_room(self) -> None:
        self._widths = _share_out(self._columns, self.scrollable_content_region.width - _MARGIN)

    def on_focus(self) -> None:
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        self._refresh_row(self.cursor)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y < self._head:
            return self._header(width, base)
        position = self.scroll_offset.y + y - self._head
        row = self._row(position)
        if row is None:
            empty = self._source is not None and not self._count and y == self._head + 1
            text = " " * _MARGIN + self._empty if empty else ""
            return strip_of(((text, self.tone("muted", base)),), width, base)
        key = (position, position == self.cursor, self.has_focus)
        if (strip := self._strips.get(key)) is None:
            strip = self._strips[key] = self._draw(row, width, highlighted=key[1])
        return strip

    def _header(self, width: int, base: Style) -> Strip:
        style = base + self.get_component_rich_style("list--header", partial=True)
        text = " " * _MARGIN
        for column, cells in self._widths:
            arrow = (" ↓" if self._sort.descending else " ↑") if column.sort and column.sort == self._sort.by else ""
            text += fit(column.title + arrow, cells) + " " * _GAP
        return strip_of(((text, style),), width, style)

    def _draw(self, row: Row, width: int, *, highlighted: bool) -> Strip:
        base = self.rich_style
        marked = self._row_id(row) in self._marked
        mark = " ● " if marked else " " * _MARGIN
        if highlighted:
            name = "list--cursor" if self.has_focus else "list--cursor-blurred"
            style = self.get_component_rich_style(name)
            text = "".join(fit(literal(column.render(row).text), cells) + " " * _GAP for column, cells in self._widths)
            return strip_of(((mark + text, style),), width, style)
        pieces = [(mark, base + self.get_component_rich_style("list--marked", partial=True) if marked else base)]
        for column, cells in self._widths:
            span = column.render(row)
            pieces.append((fit(literal(span.text), cells), self.tone(span.tone, base)))
            pieces.append((" " * _GAP, base))
        return strip_of(pieces, width, base)

    def _refresh_row(self, position: int) -> None:
        for key in [key for key in self._strips.keys() if key[0] == position]:  # noqa: SIM118  it is no mapping
            self._strips.discard(key)
        y = position - self.scroll_offset.y + self._head
        if self._head <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # Moving

    @property
    def _visible_rows(self) -> int:
        return max(1, self.scrollable_content_region.height - self._head)

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(self._count - 1, cursor))

    def watch_cursor(self, before: int, after: int) -> None:
        self._moved = True
        if not self._scroll_to_cursor():
            self._refresh_row(before)
            self._refresh_row(after)
        self.post_message(self.Highlighted(self, self.highlighted))

    def _scroll_to_cursor(self) -> bool:
        """Bring the highlighted row into view; True when that scrolled."""
        top, visible = self.scroll_offset.y, self._visible_rows
        wanted = min(max(top, self.cursor - visible + 1), self.cursor)
        if wanted == top:
            return False
        self.scroll_to(y=wanted, animate=False, force=True)
        return True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paint the rows anew, and leave the header line, which does not move."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self.refresh(Region(0, self._head, self.size.width, self.size.height - self._head))

    def action_move(self, rows: int) -> None:
        if self._is_awaited:
            self._ahead = max(0, self._ahead + rows)
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        step = pages * self._visible_rows
        top = max(0, min(self._count - self._visible_rows, self.scroll_offset.y + step))
        with self.app.batch_update():
            self.scroll_to(y=top, animate=False, force=True)
            self.action_move(step)

    def action_first(self) -> None:
        self._ahead = self.cursor = 0

    def action_last(self) -> None:
        self.cursor = self._count - 1

    def action_activate(self) -> None:
        if (row := self.highlighted) is not None:
            self.post_message(self.Activated(self, row))

    def activate_when_read(self) -> None:
        """Open the highlighted row of what was asked for last, at once or when it comes; never one from before."""
        self._opens = self._asked is not self._source
        if not self._opens:
            self.action_activate()

    def action_mark(self) -> None:
        row = self.highlighted
        if row is None or not self._multiple:
            return
        self._marked ^= {self._row_id(row)}
        self._refresh_row(self.cursor)
        self.post_message(self.Marked(self, self.marked))
        self.cursor += 1

    def jump_rows(self) -> Iterator[tuple[Offset, int]]:
        """The rows in view, each with the cell in the margin that its letter goes to."""
        top = self.scroll_offset.y
        for position in range(top, min(self._count, top + self._visible_rows)):
            yield Offset(1, position - top + self._head), position

    def jump_to(self, row: int) -> None:
        """Highlight the row at this position."""
        self.cursor = row

    def on_click(self, event: events.Click) -> None:
        position = self.scroll_offset.y + event.y - self._head
        if event.y < self._head or position >= self._count:
            return
        if position == self.cursor:
            self.action_activate()
        self.cursor = position


def _share_out(columns: Sequence[Column[Row]], room: int) -> tuple[tuple[Column[Row], int], ...]:
    """The columns that show at `room` cells, each with its width."""
    shown = [column for column in columns if room >= column.least]
    while sum((column.width or column.need) + _GAP for column in shown) > room:
        first = max(shown, key=lambda column: column.rank)
        if not first.rank:
            break
        shown.remove(first)
    left = room - sum(column.width for column in shown) - _GAP * len(shown)
    shares = sum(column.share for column in shown) or 1
    return tuple((column, column.width or max(1, left * column.share // shares)) for column in shown)
