"""The list of any length: what it reads, what it repaints, and what it keeps."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from jackfield.model.errors import HomeError
from jackfield.tui.widgets.lines import Span
from jackfield.tui.widgets.paged_list import PAGE_ROWS, PAGES_KEPT, Column, PagedList
from support.face import COLUMNS, Face, Row, Rows, example_list, until


class Held(Rows):
    """Rows whose pages come when `gate` is set; `wanted` is set as soon as one is asked for."""

    def __init__(self, number: int, prefix: str = "connection") -> None:
        super().__init__(number, prefix)
        self.gate, self.wanted = Event(), Event()

    def page(self, start: int, limit: int) -> Sequence[Row]:
        self.wanted.set()
        self.gate.wait(10)
        return super().page(start, limit)


def _shown(listing: PagedList[Row]) -> str:
    return "\n".join(listing.render_line(y).text for y in range(listing.size.height))


async def test_keys_move_by_row_page_and_end(tmp_path: Path) -> None:
    """Arrows and their letters move by one, pages by what is visible, home and end to the ends."""
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test(size=(80, 24)) as pilot:
        listing.load(Rows(1000))
        await face.workers.wait_for_complete()
        await pilot.press("down", "j", "j", "k", "up")
        assert listing.cursor == 1
        await pilot.press("pagedown")
        assert listing.cursor == 1 + 23
        await pilot.press("G")
        assert listing.cursor == 999
        await pilot.press("g", "up")
        assert listing.cursor == 0
        await pilot.press("end", "home")
        assert listing.cursor == 0


async def test_a_move_draws_the_two_rows_that_changed(tmp_path: Path) -> None:
    """Moving inside the view asks the columns for two rows: the one that was highlighted and the one that is."""
    drawn: list[str] = []

    def name(row: Row) -> Span:
        drawn.append(row.id)
        return Span(row.name)

    listing = example_list(columns=(Column("Name", name, share=1),))
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Rows(1000))
        await face.workers.wait_for_complete()
        await pilot.press("j")
        await pilot.pause()
        drawn.clear()
        await pilot.press("j")
        await pilot.pause()
        assert sorted(set(drawn)) == ["connection-1", "connection-2"]


async def test_only_a_few_pages_are_read_and_kept(tmp_path: Path) -> None:
    """Going to the end of a hundred thousand rows reads the first page and those in view, never what is between."""
    listing, rows = example_list(), Rows(100_000)
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(rows)
        await face.workers.wait_for_complete()
        await pilot.press("end", "pageup", "home", "pagedown", "end")
        await pilot.pause()
        assert listing.highlighted == rows.row(99_999)
        assert {start // PAGE_ROWS for start, _ in rows.asked} <= {0, 779, 780, 781}
        assert len(listing._pages) <= PAGES_KEPT


async def test_the_answer_of_a_replaced_source_is_dropped(tmp_path: Path) -> None:
    """A slow answer that comes after the next question was asked is not shown."""
    gate, asked, answered = Event(), Event(), Event()

    class Slow(Rows):
        def count(self) -> int:
            asked.set()
            gate.wait(10)
            return super().count()

        def page(self, start: int, limit: int) -> Sequence[Row]:
            answered.set()
            return super().page(start, limit)

    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Slow(7, "slow"))
        while not asked.is_set():
            await pilot.pause()
        listing.load(Rows(3, "quick"))
        while not listing.count:
            await pilot.pause()
        gate.set()
        while not answered.is_set():
            await pilot.pause()
        await pilot.pause()
        assert listing.count == 3
        assert "quick-00002" in _shown(listing)
        assert "slow" not in _shown(listing)


async def test_a_late_answer_does_not_move_the_highlight_back(tmp_path: Path) -> None:
    """Who moves on while the list is read anew stays there: the next key acts on what they see highlighted."""
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Rows(50))
        await face.workers.wait_for_complete()
        slow = Held(50)
        listing.load(slow)
        while not slow.wanted.is_set():
            await pilot.pause()
        await pilot.press("down", "down", "down")
        slow.gate.set()
        await until(pilot, lambda: listing._source is slow)
        assert listing.highlighted is not None
        assert (listing.cursor, listing.highlighted.id) == (3, "connection-3")


async def test_the_highlighted_row_is_kept_by_id(tmp_path: Path) -> None:
    """After a reload in which rows came before it, the same row is highlighted."""

    class Shifted(Rows):
        def row(self, position: int) -> Row:
            return (
                super().row(position - 5)
                if position >= 5
                else Row(f"new-{position}", "new", "AWS", super().row(0).state)
            )

        def position(self, row_id: str) -> int | None:
            number = super().position(row_id)
            return None if number is None else number + 5

    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Rows(50))
        await face.workers.wait_for_complete()
        await pilot.press("j", "j", "j")
        listing.load(Shifted(55))
        await face.workers.wait_for_complete()
        await pilot.pause()
        assert listing.highlighted is not None
        assert listing.highlighted.id == "connection-3"
        assert listing.cursor == 8


@pytest.mark.parametrize("before", [None, 50], ids=["the first list", "a list in another's place"])
async def test_moves_typed_before_a_list_is_there_count_in_it(tmp_path: Path, before: int | None) -> None:
    """Who knows the way does not wait: down, down, up leads to the second row, whenever the rows come."""
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        if before is not None:
            listing.load(Rows(before))
            await face.workers.wait_for_complete()
            await pilot.press("down", "down", "down")
        slow = Held(9, "late")
        listing.load(slow, keep=False)
        while not slow.wanted.is_set():
            await pilot.pause()
        await pilot.press("up", "down", "down", "up")
        slow.gate.set()
        await until(pilot, lambda: listing._source is slow)
        assert listing.highlighted is not None
        assert listing.highlighted.id == "late-1"
        await pilot.press("down")
        assert listing.cursor == 2


async def test_what_is_opened_is_of_the_list_that_was_asked_for(tmp_path: Path) -> None:
    """Who types a filter and opens at once gets the first row that matches, never one of the list from before."""
    opened: list[str] = []

    class Opens(Face):
        def on_paged_list_activated(self, event: PagedList.Activated[Row]) -> None:
            opened.append(event.row.id)

    listing = example_list()
    face = Opens(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Rows(50))
        await face.workers.wait_for_complete()
        matching = Held(3, "match")
        listing.load(matching, keep=False)
        listing.activate_when_read()
        while not matching.wanted.is_set():
            await pilot.pause()
        await pilot.pause()
        assert opened == []
        matching.gate.set()
        await until(pilot, lambda: opened)
        listing.activate_when_read()
        await until(pilot, lambda: len(opened) == 2)
    assert opened == ["match-0", "match-0"]


async def test_marks_survive_a_reload_and_are_posted(tmp_path: Path) -> None:
    """Space marks and moves on; a second space on the row takes the mark away."""
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Rows(9))
        await face.workers.wait_for_complete()
        await pilot.press("space", "space", "up", "space")
        assert listing.marked == {"connection-0"}
        listing.load(Rows(9))
        await face.workers.wait_for_complete()
        await pilot.pause()
        assert listing.marked == {"connection-0"}
        assert "●" in _shown(listing)


async def test_an_empty_list_says_so_and_an_unread_one_does_not(tmp_path: Path) -> None:
    """The text for nothing appears when the source has said that there is nothing."""
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        assert "No connection yet." not in _shown(listing)
        listing.load(Rows(0))
        await face.workers.wait_for_complete()
        await pilot.press("j", "enter", "space", "end")
        assert "No connection yet." in _shown(listing)
        assert listing.highlighted is None


async def test_a_source_that_fails_leaves_what_is_shown(tmp_path: Path) -> None:
    """The failure is posted, and the rows stay."""
    failures: list[str] = []

    class Failing(Rows):
        def count(self) -> int:
            raise HomeError("The disk is gone.", "Plug it in.")

    class Listening(Face):
        def on_paged_list_load_failed(self, message: PagedList.LoadFailed) -> None:
            failures.append(message.error.message)

    listing = example_list()
    face = Listening(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Rows(4))
        await face.workers.wait_for_complete()
        listing.load(Failing(9))
        await face.workers.wait_for_complete()
        await pilot.pause()
        assert failures == ["The disk is gone."]
        assert listing.count == 4


async def test_the_sorted_column_is_marked(tmp_path: Path) -> None:
    """The header line shows which column orders the rows, and which way."""
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test(size=(80, 24)):
        assert "Name ↑" in listing.render_line(0).text


@pytest.mark.parametrize(("width", "titles"), [(50, {"Name", "State"}), (80, {"Name", "Scope", "State", "Expires"})])
async def test_columns_that_do_not_fit_are_left_out(tmp_path: Path, width: int, titles: Sequence[str]) -> None:
    """A narrow list shows the columns that say what matters, each line exactly as wide as the list."""
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test(size=(max(width, 60), 24)):
        listing.styles.width = width
        listing.load(Rows(5))
        await face.workers.wait_for_complete()
        header = listing.render_line(0).text
        assert all(title in header for title in titles)
        assert ("Scope" in header) == ("Scope" in titles)
        assert len({listing.render_line(y).cell_length for y in range(6)}) == 1
    assert len(COLUMNS) == 6
