"""Which columns the list of connections shows, in which order its rows stand, and that both are kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.services.list_view import ListColumn, ListView
from jackfield.services.settings import Settings
from jackfield.store import settings
from jackfield.store.listing import Sort
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.tui.widgets.choice import ChoiceList
from support.face import until
from support.stage import said, shows
from support.whole import Filling, Whole, enter

SMALL, LARGE = (80, 24), (120, 40)


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    made.one_of_each()
    yield made
    made.session.lock()


def _titles(screen: ConnectionsScreen) -> list[str]:
    return [column.title for column in screen._list.drawn_columns]


async def test_columns_are_chosen_with_keys_and_kept(filling: Filling) -> None:
    """Without the provider, with the method: at once, and after the next start; so is the order."""
    app = Whole(filling.home)
    async with app.run_test(size=SMALL) as pilot:
        screen = await enter(pilot)
        await pilot.press("v")
        await shows(pilot, "Which columns?", "Name and State are always shown.")
        await pilot.press("space", "down", "space", "enter")
        await until(pilot, lambda: _titles(screen) == ["Name", "Method", "Scope", "State", "Expiry", "Tested"])
        await shows(pilot, "access-to…")
        assert "Netlify  " not in said(app)
        await pilot.press("s", "S")
        await shows(pilot, "State ↓")
        await app.workers.wait_for_complete()
    again = Whole(filling.home)
    async with again.run_test(size=SMALL) as pilot:
        screen = await enter(pilot)
        await shows(pilot, "Name ", "Method", "State ↓")
        assert _titles(screen) == ["Name", "Method", "Scope", "State", "Expiry", "Tested"]
        assert screen._list.view.sort is Sort.STATE


async def test_escape_leaves_the_columns_as_they_were(filling: Filling) -> None:
    app = Whole(filling.home)
    async with app.run_test(size=SMALL) as pilot:
        screen = await enter(pilot)
        before = _titles(screen)
        await pilot.press("v")
        await until(pilot, lambda: app.screen.query(ChoiceList))
        await pilot.press("space", "down", "space", "escape")
        await until(pilot, lambda: app.screen is screen)
        await app.workers.wait_for_complete()
        assert _titles(screen) == before
        assert Settings(filling.session.store).list_view() == ListView()


@pytest.mark.parametrize("size", [(60, 12), SMALL, LARGE])
async def test_columns_always_fit_and_name_and_state_stay(filling: Filling, size: tuple[int, int]) -> None:
    """With every column chosen the widths add up to the room there is; those without room come back with it."""
    every = ListView().with_columns(ListColumn)
    Settings(filling.session.store).keep_list_view(every)
    app = Whole(filling.home)
    async with app.run_test(size=size) as pilot:
        screen = await enter(pilot)
        listing = screen._list
        drawn = listing.drawn_columns
        assert sum(width + 2 for _, width in listing._widths) + 3 <= listing.scrollable_content_region.width
        assert {"Name", "State"} <= {column.title for column in drawn}
        assert all(width >= column.need for column, width in listing._widths)
        assert (len(drawn) == len(every.columns)) is (size == LARGE)
        if size == SMALL:
            await pilot.press("v")
            await shows(pilot, "Id  has no room in this window")
            await pilot.press("escape")
            await pilot.resize_terminal(*LARGE)
            await until(pilot, lambda: len(listing.drawn_columns) == len(every.columns))


async def test_an_order_whose_column_is_hidden_is_told(filling: Filling) -> None:
    """No header can show it, so the line above does."""
    view = ListView((), Sort.EXPIRY, descending=True).with_columns(["provider"])
    Settings(filling.session.store).keep_list_view(view)
    app = Whole(filling.home)
    async with app.run_test(size=SMALL) as pilot:
        screen = await enter(pilot)
        await shows(pilot, "by expiry ↓")
        await pilot.press("S")
        await shows(pilot, "by expiry ↑")
        await pilot.press("s", "s", "s")
        await shows(pilot, "Name ↑")
        assert not screen._list.note(running=0).text


@pytest.mark.parametrize(
    "kept",
    [None, 7, [], ["name"], [[], "colour", True], [["name"], "name", "yes"], {"columns": []}, [None, "name", False]],
)
def test_what_cannot_be_read_is_as_shipped(filling: Filling, kept: settings.JsonValue | None) -> None:
    """A setting of another version, or of nobody, is no reason not to show the list."""
    with filling.session.store.write() as tx:
        settings.put(tx, "connection_list", kept)
    assert Settings(filling.session.store).list_view() == ListView()


def test_name_and_state_are_in_every_view() -> None:
    """Whatever was chosen or kept; unknown columns are passed over, and the columns stand in their order."""
    assert ListView().with_columns([]).columns == (ListColumn.NAME, ListColumn.STATE)
    assert ListView.of_kept([["id", "colour", 3, "provider"], "tested", True]) == ListView(
        (ListColumn.NAME, ListColumn.PROVIDER, ListColumn.STATE, ListColumn.ID), Sort.TESTED, descending=True
    )
