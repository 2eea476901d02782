"""The import screen: what was found, choosing, importing, stopping, and what cannot be read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from jackfield.model.connection import State
from jackfield.services.importing.plan import Planned
from jackfield.tui.screens import importing as importing_screen
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.tui.screens.importing import ImportScreen
from jackfield.tui.widgets.confirm import Confirm
from providers.netlify.vendor import GOOD, Netlify
from support.face import until
from support.stage import shows
from support.whole import Filling, Whole, enter

SIZE: Final = (100, 30)
SIZES: Final = {"80x24": (80, 24), "120x40": (120, 40)}


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with files of four tools; the environment holds one token, and nothing of whoever runs this."""
    home = tmp_path / "user"
    files = {
        ".pgpass": "db.example.com:5432:app:bob:canary\n*:*:*:*:x\n",
        ".netrc": "machine api.heroku.com login a password HRKU-canary\nmachine [b]evil[/b] login a password b\n",
        ".config/gh/hosts.yml": "github.com:\n  users:\n    mona:\n      oauth_token: ghp_canary\n    hubot:\n",
    }
    for name, text in files.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
    home.joinpath(".aws").mkdir()
    home.joinpath(".aws", "credentials").symlink_to(home / ".netrc")
    machine = importing_screen.Machine(home, {"NETLIFY_AUTH_TOKEN": GOOD})
    monkeypatch.setattr(importing_screen.Machine, "here", lambda: machine)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return home


@pytest.fixture
def filling(tmp_path: Path, user: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    made.session.projects.delete(made.session.projects.named(made.scopes["org"].organization_id, "billing"))
    yield made
    made.session.lock()


async def open_import(pilot: Pilot[Any]) -> ImportScreen:
    """Unlock, go to the import, and wait for what it finds."""
    await enter(pilot)
    await pilot.press("I")
    await shows(pilot, "netlify-env")
    screen = pilot.app.screen
    assert isinstance(screen, ImportScreen)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    return screen


def marked(screen: ImportScreen) -> set[str]:
    """Names of what is chosen."""
    return {row.name for row in screen._rows if row.id in screen._list.marked}


NEW: Final = {"netlify-env", "db-example-com-app-bob", "github-com-mona", "api-heroku-com-a"}


async def test_what_is_new_is_chosen_and_enter_imports_it(filling: Filling) -> None:
    """Asked first; made untested in the place that was looked at; offered to be tested, and left."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await open_import(pilot)
        assert marked(screen) == NEW
        await shows(pilot, "Import › acme › all projects", "7 found · 4 chosen", "Netlify", "+ new", "– not usable")
        await pilot.press("enter")
        await shows(pilot, "Import 4 connections into acme › all projects?", "github-com-mona  gh, mona at github.com")
        assert sum(filling.session.connections.counts().values()) == 0
        await pilot.press("y")
        await shows(pilot, "Test all 4 now?", "Imported 4 connections, untested.")
        assert filling.session.connections.counts() == {**dict.fromkeys(State, 0), State.UNTESTED: 4}
        await pilot.press("n")
        await shows(pilot, "7 found · 0 chosen", "= secret stored", "netlify-env holds the same secret.")
        await pilot.press("escape")
        await shows(pilot, "4 connections", "untested")


async def test_no_to_the_question_writes_nothing(filling: Filling) -> None:
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await open_import(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        assert sum(filling.session.connections.counts().values()) == 0
        assert marked(screen) == NEW


async def test_what_was_imported_is_tested_when_asked_for(filling: Filling) -> None:
    with Netlify() as world:
        app = Whole(filling.home, network=world.network)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            screen = await open_import(pilot)
            await pilot.press("a", "space")
            assert marked(screen) == {"netlify-env"}
            await pilot.press("enter")
            await shows(pilot, "Import 1 connection into acme")
            await pilot.press("y")
            await shows(pilot, "Test it now?")
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen), turns=3000)
            await until(pilot, lambda: filling.session.connections.counts().get(State.UNTESTED, 0) == 0, turns=3000)
            assert sum(filling.session.connections.counts().values()) == 1


async def test_what_cannot_be_imported_takes_no_mark(filling: Filling) -> None:
    """And enter on it says why."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await open_import(pilot)
        await pilot.press("a")
        assert marked(screen) == set()
        await pilot.press("end", "space")
        await pilot.pause()
        assert screen._list.marked == frozenset()
        await shows(pilot, "No provider is known for this host.", "[b]evil[/b]")
        await pilot.press("enter")
        await shows(pilot, "space chooses what can be imported.")
        await pilot.press("a")
        assert marked(screen) == NEW


async def test_a_file_that_is_not_read_is_told_and_no_value_is(filling: Filling) -> None:
    app = Whole(filling.home)
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await open_import(pilot)
        await shows(pilot, "credentials is not read: it is a link.", "Access token ••••••••")
        for _ in range(7):
            assert "canary" not in app.export_screenshot()
            await pilot.press("down")
        await pilot.pause()


async def test_it_goes_where_it_is_told_to(filling: Filling) -> None:
    """Into a project; with several organizations and none chosen it asks for one first."""
    other = filling.session.organizations.create("globex")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("I")
        await shows(pilot, "Choose first where it goes")
        await pilot.press("o")
        await shows(pilot, "all organizations")
        await pilot.press("home", "enter")
        await shows(pilot, "belongs to one organization")
        await pilot.press("o")
        await shows(pilot, "globex", "Connections")
        await pilot.press("end", "enter")
        await shows(pilot, "globex › projects")
        await pilot.press("enter")
        await shows(pilot, "Import › globex › all projects", "netlify-env")
        await pilot.press("enter")
        await shows(pilot, "into globex › all projects?")
        await pilot.press("y")
        await shows(pilot, "Test all 4 now?")
        counts = filling.session.connections.counts(organization_id=other.id)
        assert counts[State.UNTESTED] == 4


async def test_looking_again_finds_what_is_there_now(filling: Filling, user: Path) -> None:
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await open_import(pilot)
        for name in (".pgpass", ".netrc", ".config/gh/hosts.yml", ".aws/credentials"):
            user.joinpath(name).unlink()
        await pilot.press("r")
        await shows(pilot, "1 found · 1 chosen")


async def test_nothing_on_the_machine_is_said(
    filling: Filling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = importing_screen.Machine(tmp_path / "nobody", {})
    monkeypatch.setattr(importing_screen.Machine, "here", lambda: nothing)
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("I")
        await shows(pilot, "Nothing to import was found on this machine.")
        await pilot.press("enter", "a", "space", "escape")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))


async def test_escape_stops_in_the_middle(filling: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made stays, the rest is not made, and how many it were is told."""
    begun, go_on = Event(), Event()
    real = importing_screen.carry_out

    def slow(session: Any, rows: list[Planned], scope: Any) -> Iterator[Any]:
        for done in real(session, rows, scope):
            begun.set()
            go_on.wait()
            yield done

    monkeypatch.setattr(importing_screen, "carry_out", slow)
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await open_import(pilot)
        await pilot.press("enter", "y")
        await until(pilot, begun.is_set, turns=3000)
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("I", "escape")
        assert app.screen is screen
        go_on.set()
        await shows(pilot, "Imported 1 of 4.", "Test it now?")
        assert sum(filling.session.connections.counts().values()) == 1


async def test_one_that_fails_is_told(filling: Filling) -> None:
    """Another process takes the name between the preview and the yes."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await open_import(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        filling.connection("netlify-env", token="nfp_other")
        await pilot.press("y")
        await shows(pilot, "Imported 3 of 4.", "netlify-env: A connection")


async def test_a_lock_in_the_middle_ends_it(filling: Filling) -> None:
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await open_import(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("ctrl+l")
        await shows(pilot, "The vault is locked.")
        assert sum(filling.session.connections.counts().values()) == 0


Compare = Callable[..., bool]


def _after(*steps: tuple[list[str], str]) -> Callable[[Pilot[Any]], Any]:
    async def ready(pilot: Pilot[Any]) -> None:
        await open_import(pilot)
        for keys, text in steps:
            await pilot.press(*keys)
            await shows(pilot, text)
        await pilot.pause()

    return ready


SHOWN: Final = {
    "import-not-usable": _after((["end"], "No provider is known")),
    "import-question": _after((["enter"], "Import 4 connections")),
}


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch, user: Path) -> None:
    """No path of this run shows: the file that is not read is not there."""
    user.joinpath(".aws", "credentials").unlink()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_it_did(name: str, size: str, filling: Filling, still: None, snap_compare: Compare) -> None:
    assert snap_compare(Whole(filling.home), run_before=SHOWN[name], terminal_size=SIZES[size])
