"""Working with many: changes of the marked, and taking a deletion back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.model.connection import State
from jackfield.services.filters import SavedFilters
from jackfield.tui.screens.form.screen import FormScreen
from support.face import until
from support.stage import said, shows
from support.whole import USE, Filling, Whole, enter

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


async def test_a_clone_has_everything_but_name_and_secrets(filling: Filling) -> None:
    """The form of a new connection: uses and targets are there, the token and the name are not."""
    filling.connection("api", where="web", every=15)
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, FormScreen), turns=3000)
        assert isinstance(app.screen, FormScreen)
        form = app.screen._form
        assert (form.connection, form.name, form.texts.get("accessToken", ""), form.stored) == (None, "", "", {})
        assert (form.uses, form.every_minutes, form.scope) == ({USE: {"team": "acme"}}, 15, filling.scopes["web"])


async def test_a_filter_is_saved_used_and_forgotten(filling: Filling) -> None:
    """The text is kept under a name, narrows the list again, and is gone when it is forgotten."""
    filling.one_of_each()
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("f")
        await shows(pilot, "No filter is saved yet.")
        await pilot.press("slash", *"state:failed", "enter", "f")
        await shows(pilot, "Save this filter")
        await pilot.press(*"save", "enter", *"broken", "enter")
        await shows(pilot, "Saved as broken.")
        await pilot.press("escape")
        await until(pilot, lambda: screen._list.count == 6, turns=3000)
        await pilot.press("f", *"broken", "enter")
        await until(pilot, lambda: screen._list.count == 1, turns=3000)
        await pilot.press("f", *"forget", "enter", "enter")
        await shows(pilot, "Forgot the filter broken.")
    assert SavedFilters(filling.session.store).all() == ()


async def test_a_pasted_secret_lists_those_that_hold_it(filling: Filling) -> None:
    """Masked while it is typed; esc lists everything again. One that nobody holds lists nothing."""
    filling.connection("one")
    filling.connection("two", token="another-token-of-netlify")
    filling.connection("three")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("p", *"another-token-of-netlify")
        await shows(pilot, "Which secret shall they hold?", "\u2022\u2022\u2022\u2022")
        assert "another-token" not in said(app)
        await pilot.press("enter")
        await until(pilot, lambda: screen._list.count == 1, turns=3000)
        await shows(pilot, "that hold the secret")
        highlighted = screen._list.highlighted
        assert highlighted is not None
        assert highlighted.name == "two"
        await pilot.press("escape")
        await until(pilot, lambda: screen._list.count == 3, turns=3000)
        await pilot.press("p", *"nobody", "enter")
        await shows(pilot, "Nothing matches the filter: esc lifts it.")
