"""Working with many: changes of the marked, and taking a deletion back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.model.connection import State
from support.face import until
from support.stage import said, shows
from support.whole import Filling, Whole, enter

SIZE = (100, 30)


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    yield made
    made.session.lock()


async def test_the_marked_are_moved_and_the_refused_are_told(filling: Filling) -> None:
    """One notice: what moved, whose name is taken there; the picker offers every change."""
    filling.connection("api", where="web")
    filling.connection("api")
    filling.connection("cdn")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("space", "space", "space", "m")
        await shows(pilot, "Change 3 connections", "put tags on", "asks first")
        await pilot.press(*"move", "enter")
        await shows(pilot, "acme › web")
        await pilot.press(*"web", "enter")
        await shows(pilot, "Moved 2 connections.", "1 refused: api: A connection api exists already here.")
        await until(pilot, lambda: not screen._list.marked)
    places = {filling.scopes[name]: name for name in filling.scopes}
    found = filling.session.connections
    names = {(row.name, places[row.scope]) for row in found.page(screen._list.rows()._wanted)}
    assert names == {("api", "web"), ("api", "org"), ("cdn", "web")}


async def test_tags_are_typed_until_they_are_some(filling: Filling) -> None:
    """What is no tag stays to be mended, with the reason; the highlighted one is changed where none is marked."""
    one = filling.connection("api")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("plus", *"Web Nightly", "enter")
        await shows(pilot, "A name holds only a-z", "Web Nightly")
        await pilot.press(*["backspace"] * 11, *"web nightly", "enter")
        await shows(pilot, "Tagged api.")
        assert filling.session.connections.get(one.id).tags == ("nightly", "web")
        await pilot.press("minus", *"web", "enter")
        await shows(pilot, "Untagged api.")
        await pilot.press("i", *"never", "enter")
        await shows(pilot, "Tested by itself not any more")
    now = filling.session.connections.get(one.id)
    assert (now.tags, now.test_every_minutes) == (("nightly",), None)


async def test_u_brings_back_what_was_deleted_until_the_vault_locks(filling: Filling) -> None:
    """Both that went by one answer come back together, with the state they had; after a lock there is nothing left."""
    made = filling.one_of_each()
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("space", "space", "d")
        await shows(pilot, "Delete 2 connections?", "u takes it back")
        await pilot.press("y")
        await until(pilot, lambda: screen._list.count == 4, turns=3000)
        await pilot.press("u")
        await until(pilot, lambda: screen._list.count == 6, turns=3000)
        await shows(pilot, "Put back 2 connections.")
        assert filling.session.connections.get(made["failed"].id).state is State.FAILED
        await pilot.press("d", "y")
        await until(pilot, lambda: screen._list.count == 5, turns=3000)
        await pilot.press("ctrl+l")
        await shows(pilot, "Passphrase")
        screen = await enter(pilot)
        await pilot.press("u")
        await shows(pilot, "Nothing was deleted since the vault was opened.")
        assert "5 connections" in said(app)
