"""Organizations and projects: listed, made, renamed, deleted, and chosen as the place whose connections show."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.model.connection import Scope
from jackfield.services.settings import Settings
from jackfield.store import settings as stored
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.tui.screens.gallery import GalleryScreen
from jackfield.tui.screens.organizations import OrganizationsScreen
from jackfield.tui.screens.projects import ProjectsScreen
from jackfield.tui.widgets.refusal import Refusal
from support.face import until
from support.stage import shows
from support.whole import Filling, Whole, enter

SIZE = (100, 30)


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    yield made
    made.session.lock()


async def test_a_place_is_chosen_and_stays_chosen(filling: Filling) -> None:
    """Organization, then project: its connections show, are counted, and show again after the next unlock."""
    filling.connection("ours", where="web")
    filling.connection("theirs", where="billing")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await shows(pilot, "acme › all projects", "2 connections")
        await pilot.press("o")
        await shows(pilot, "Jackfield › organizations", "Everything that faces customers")
        await pilot.press("enter")
        await shows(pilot, "acme › projects", "all projects", "billing", "web")
        await pilot.press("end", "enter")
        await shows(pilot, "Jackfield › acme › web", "1 connection", "ours")
        assert screen._list.count == 1
        await pilot.press("ctrl+l")
        await shows(pilot, "The vault is locked.")
        await enter(pilot)
        await shows(pilot, "Jackfield › acme › web", "ours")


async def test_a_connection_made_in_a_project_belongs_there(filling: Filling) -> None:
    """The way to a new connection takes the place along."""
    Settings(filling.session.store).keep_place(filling.scopes["web"])
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "acme › web", "No connection here yet")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, GalleryScreen), turns=3000)
        assert isinstance(app.screen, GalleryScreen)
        assert app.screen._scope == filling.scopes["web"]


async def test_all_organizations_are_one_list(filling: Filling) -> None:
    """With several, the list of all says whose each is."""
    filling.connection("ours", where="web")
    other = filling.session.organizations.create("globex")
    filling.scopes["globex"] = Scope(other.id)
    filling.connection("theirs", where="globex")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "all organizations", "acme/web", "globex", "2 connections")
        await pilot.press("o", "end")
        await shows(pilot, "all organizations", "acme", "globex")
        await pilot.press("home", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))


async def test_organizations_and_projects_are_made_and_renamed(filling: Filling) -> None:
    """A name that is none is said while it is typed, one that is taken when it is saved; nothing typed is lost."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, OrganizationsScreen))
        await pilot.press("n", *"Acme Corp")
        await shows(pilot, "Try acme-corp.")
        await pilot.press(*["backspace"] * 9, *"acme", "enter")
        await shows(pilot, "An organization acme exists already.", "Choose another name.")
        await pilot.press(*"-2", "tab", *"second", "enter")
        await shows(pilot, "acme-2", "second", "all organizations")
        await pilot.press("r", *"-b", "enter")
        await shows(pilot, "acme-2-b", "second")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ProjectsScreen))
        await pilot.press("n", *"api", "enter")
        await shows(pilot, "acme-2-b › projects", "api")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
    assert [one.name for one in filling.session.organizations.page()] == ["acme", "acme-2-b"]


async def test_what_holds_something_is_refused_with_the_list(filling: Filling) -> None:
    """An organization with projects, a project with connections: what is in the way, and what to do first."""
    filling.connection("in-the-way", where="web")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("o")
        await shows(pilot, "Everything that faces customers")
        await pilot.press("d")
        await shows(pilot, "The organization is not empty.", "project billing", "project web")
        await pilot.press("escape", "enter")
        await shows(pilot, "acme › projects", "web")
        await pilot.press("end", "d")
        await until(pilot, lambda: isinstance(app.screen, Refusal), turns=3000)
        await shows(pilot, "The project still holds connections.", "connection in-the-way", "Delete them first.")
        await pilot.press("enter", "up", "d")
        await shows(pilot, "Delete the project billing?")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, ProjectsScreen) and app.screen._list.count == 2, turns=3000)
    assert [one.name for one in filling.session.projects.page(filling.scopes["org"].organization_id)] == ["web"]


async def test_a_place_that_is_gone_is_the_one_around_it(filling: Filling) -> None:
    """Another process deletes the project that is looked at: the organization's list shows."""
    project = filling.session.projects.named(filling.scopes["org"].organization_id, "web")
    Settings(filling.session.store).keep_place(filling.scopes["web"])
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "acme › web")
        filling.session.projects.delete(project)
        await pilot.press("o", "escape")
        await shows(pilot, "acme › all projects")


async def test_who_renamed_it_meanwhile_is_told(filling: Filling) -> None:
    """The loser of two renames keeps what was typed and reads who won."""
    organization = filling.session.organizations.named("acme")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("o")
        await shows(pilot, "Everything that faces customers")
        await pilot.press("r")
        await shows(pilot, "Organization acme")
        filling.session.organizations.edit(organization, name="theirs", description="")
        await pilot.press(*"-ours", "enter")
        await shows(pilot, "changed since you read it", "acme-ours")
        await pilot.press("escape")
        await shows(pilot, "theirs")


def test_a_broken_setting_is_the_usual_one(filling: Filling) -> None:
    """What is no place and no number of minutes counts as never set."""
    settings = Settings(filling.session.store)
    assert settings.place() is None
    assert settings.idle_minutes() == 5
    settings.keep_idle_minutes(None, filling.session.audit)
    assert settings.idle_minutes() is None
    settings.keep_place(filling.scopes["web"])
    assert settings.place() == filling.scopes["web"]
    settings.keep_place(None)
    assert settings.place() is None

    with filling.session.store.write() as tx:
        stored.put(tx, "place", [1, 2, 3])
        stored.put(tx, "idle_minutes", "soon")
    assert settings.place() is None
    assert settings.idle_minutes() == 5
