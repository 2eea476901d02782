"""Keys that are typed faster than the interface works, as on a slow line."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from jackfield.net.network import Network
from jackfield.services.form import Form
from jackfield.services.home import Home
from jackfield.tui.app import JackfieldApp
from jackfield.tui.screens.form.rows import FormRow
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.widgets.paged_list import PagedList
from jackfield.tui.widgets.picker import Item, Picker
from support.face import Face, until
from support.stage import Inside, Stage, opened, shows
from support.whole import Filling, Whole, enter


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    with opened(tmp_path, Network) as vault:
        yield vault


def send(stage: JackfieldApp, *keys: str) -> None:
    """All at once, as one read from the terminal brings them."""
    for key in keys:
        stage.post_message(events.Key(key, key if len(key) == 1 else None))


@asynccontextmanager
async def at_home(tmp_path: Path) -> AsyncIterator[tuple[Whole, Pilot[int]]]:
    """The whole program, opened, with a connection in each state listed."""
    filling = Filling.of(tmp_path)
    filling.one_of_each()
    filling.session.lock()
    app = Whole(filling.home)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "6 connections")
        yield app, pilot


async def test_what_follows_a_tab_lands_in_the_next_field(inside: Inside) -> None:
    form = Form.new(inside.session.registry.get("postgres"), inside.scope)
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "User name")
        send(stage, *"abc", "tab", *"12", "shift+tab", *"d", "tab", "tab", *"ef")
        await until(pilot, lambda: form.texts.get("database") == "ef")
        assert (form.texts["host"], form.texts["port"]) == ("abcd", "543212")


async def test_what_follows_enter_in_a_field_lands_in_the_next_one(inside: Inside) -> None:
    form = Form.new(inside.session.registry.get("postgres"), inside.scope)
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "User name")
        send(stage, *"abc", "enter", *"12", "enter", *"de")
        await until(pilot, lambda: form.texts.get("database") == "de")
        assert (form.texts["host"], form.texts["port"]) == ("abc", "543212")


async def test_what_is_shown_after_a_tab_is_all_that_was_typed(inside: Inside) -> None:
    """A value that is normalised when the field is left keeps the keys that were still under way."""
    form = Form.new(inside.session.registry.get("postgres"), inside.scope)
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "User name")
        await pilot.press("space", "a")
        await until(pilot, lambda: form.texts.get("host") == "a")
        send(stage, *"bc", "tab", "1")
        await until(pilot, lambda: form.texts.get("port") == "54321")
        (host,) = [row for row in stage.screen.query(FormRow) if row.key == "host"]
        assert (host.text, form.texts["host"]) == ("abc", "abc")


@pytest.mark.parametrize(("leads", "typed"), [((), "state:passed"), (("n",), "vercel")], ids=["connections", "gallery"])
async def test_what_follows_the_key_of_a_filter_filters(tmp_path: Path, leads: tuple[str, ...], typed: str) -> None:
    """Not one letter is taken for the key of an action: t would test, and d delete."""
    async with at_home(tmp_path) as (app, pilot):
        await pilot.press(*leads)
        await shows(pilot, "choose a provider" if leads else "6 connections")
        send(app, "slash", *typed)
        await shows(pilot, f" {typed}")


async def test_what_follows_a_key_that_opens_a_screen_is_typed_there(tmp_path: Path) -> None:
    """None of it acts on the screen before: o would change the place, s the order, and t would test."""
    async with at_home(tmp_path) as (app, pilot):
        send(app, *"npostgres", "enter")
        await shows(pilot, "New connection › PostgreSQL")
        await pilot.press("escape", "escape", "escape")
        await shows(pilot, "6 connections", "Name ↑", "untested")


async def test_moves_typed_with_the_key_that_opens_a_list_move_in_it(tmp_path: Path) -> None:
    """The second provider is opened, and the highlight of the list before stays where it was."""
    async with at_home(tmp_path) as (app, pilot):
        listing = app.screen.query_one(PagedList)
        send(app, "n", "down", "down", "up", "enter")
        await shows(pilot, "New connection › CircleCI")
        assert listing.cursor == 0


async def test_keys_after_a_filter_are_about_what_it_leads_to(tmp_path: Path) -> None:
    """Out of the field, and on: never the row that was highlighted before."""
    async with at_home(tmp_path) as (app, pilot):
        listing = app.screen.query_one(PagedList)
        last = listing._row(listing.count - 1)
        send(app, "slash", *last.name, "enter", "d")
        await shows(pilot, f"Delete {last.name}?")


async def test_a_key_after_a_choice_is_about_what_was_chosen(inside: Inside) -> None:
    """The next method is chosen, and it is that one's login that the next key begins."""
    form = Form.new(inside.session.registry.get("gitlab"), inside.scope)
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "glpat-")
        send(stage, "up", "right", "f6")
        await shows(pilot, "How do you log in?")


async def test_what_follows_a_tab_at_the_first_run_is_the_second_passphrase(tmp_path: Path) -> None:
    app = Whole(Home(tmp_path / "home"))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shows(pilot, "a recovery key, shown once")
        send(app, *"a tram of lanterns", "tab", *"a tram of lanterns")
        await shows(pilot, "are the same.")


async def test_enter_after_a_filter_takes_what_matches(tmp_path: Path) -> None:
    """Before the matches are there, too: else the palette would do what was highlighted before."""
    items = [Item("delete", "Delete", ""), Item("lock", "Lock", "")]
    chosen: list[str | None] = []
    face = Face(tmp_path)
    async with face.run_test() as pilot:
        await face.push_screen(Picker("What do you want to do?", items), chosen.append)
        await until(pilot, lambda: face.screen.query_one(PagedList).highlighted == items[0])
        send(face, *"lo", "enter")
        await until(pilot, lambda: chosen)
    assert chosen == ["lock"]
