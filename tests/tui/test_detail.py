"""One connection: its pages, its tests, and what can be done with it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jackfield.model.connection import Connection, IntendedUse
from jackfield.model.errors import NotFound
from jackfield.model.secret import Secret
from jackfield.services.connections import Changes, Definition
from jackfield.services.takeover import definition_of
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.screens.reading import ReadingScreen
from jackfield.tui.widgets.typed_confirm import TypedConfirm
from providers.netlify.vendor import GOOD, Netlify
from support.face import until
from support.stage import Inside, Stage, opened, said, shows

SIZE = (80, 24)
WIDE = (120, 40)


@pytest.fixture
def world() -> Iterator[Netlify]:
    with Netlify() as vendor:
        yield vendor


@pytest.fixture
def inside(tmp_path: Path, world: Netlify) -> Iterator[Inside]:
    with opened(tmp_path, world.network) as vault:
        yield vault


@pytest.fixture
def made(inside: Inside) -> Connection:
    uses = (IntendedUse("secret-sync/env", {"team": "acme"}),)
    definition = Definition("sites", "netlify", "access-token", description="the [web] sites", uses=uses, tags=("web",))
    return inside.session.connections.create(inside.scope, definition, {"accessToken": Secret(GOOD)})


def detail(inside: Inside, made: Connection) -> Stage:
    return Stage(inside, lambda vault: DetailScreen(vault.session, vault.engine, made.id))


def tested(inside: Inside, made: Connection) -> None:
    inside.engine.test(made.id).future.result(timeout=20)


async def test_the_overview_says_who_where_until_when_and_for_what(inside: Inside, made: Connection) -> None:
    """Identity, address, certificate, expiry, place, uses, id and the last test with its steps."""
    tested(inside, made)
    stage = detail(inside, made)
    async with stage.run_test(size=WIDE) as pilot:
        await shows(
            pilot, "acme › sites", "◐ passed", "the [web] sites", "ada@example.com", "127.0.0.1:",
            "Jackfield Test Authority", "not known", "Netlify · Personal access token", "acme (every project)",
            "Sync secrets to site or team environment variables acme", made.id, "✔ authenticate",
        )  # fmt: skip
        assert GOOD not in said(stage)


async def test_a_test_from_here_shows_its_steps_and_renews_what_is_said(
    inside: Inside, made: Connection, world: Netlify
) -> None:
    """Never tested, then passed, then limited, without leaving the screen."""
    stage = detail(inside, made)
    async with stage.run_test(size=WIDE) as pilot:
        await shows(pilot, "○ untested", "never tested")
        await pilot.press("t")
        await shows(pilot, "◐ passed   tested", "✔ reach", "ada@example.com")
        world.role = "Reviewer"
        await pilot.press("t")
        await shows(pilot, "▲ limited   tested")


async def test_what_the_background_finds_shows_by_itself(inside: Inside, made: Connection, world: Netlify) -> None:
    """A test that the schedule ran turns the state on the screen."""
    stage = detail(inside, made)
    async with stage.run_test(size=WIDE) as pilot:
        await shows(pilot, "○ untested")
        world.sso_refuses = True
        tested(inside, made)
        await shows(pilot, "✖ forbidden   tested", "SSO")


async def test_permissions_show_how_each_is_known(inside: Inside, made: Connection, world: Netlify) -> None:
    """The worst first; enter says what was asked for it and what came back."""
    world.role = "Reviewer"
    tested(inside, made)
    stage = detail(inside, made)
    async with stage.run_test(size=WIDE) as pilot:
        await shows(pilot, "▲ limited")
        await pilot.press("right")
        await shows(pilot, "1 of 3 held", "✖ MISSING", "? unreadable", "✔ granted")
        assert said(stage).index("MISSING") < said(stage).index("unreadable") < said(stage).index("granted")
        await pilot.press("down", "enter")
        await shows(
            pilot, "team role Owner or Developer   ✖ MISSING", "probed: by a harmless read",
            "GET https://api.netlify.com/api/v1/acme/members", "200,",
        )  # fmt: skip
        await pilot.press("escape", "x")
        await shows(pilot, "Add: a chosen use needs it", "+ team role Owner or Developer", "Team settings › Members")


async def test_history_is_drawn_and_says_why_it_changed(inside: Inside, made: Connection, world: Netlify) -> None:
    """One bar a test; the reason stands where the outcome turned, and enter shows the steps."""
    tested(inside, made)
    world.sso_refuses = True
    tested(inside, made)
    world.sso_refuses = False
    tested(inside, made)
    stage = detail(inside, made)
    async with stage.run_test(size=WIDE) as pilot:
        await shows(pilot, "◐ passed")
        await pilot.press("left", "left")
        await shows(pilot, "3 tests, 2 passed", "forbidden is over", "The credential is valid, but may not do this.")
        assert any(bar in said(stage) for bar in "▁▂▃▄▅▆▇█")
        await pilot.press("down", "enter")
        await shows(pilot, "✖ forbidden", "→ The team enforces SSO", "authenticate")
        await pilot.press("escape", "right")
        await shows(pilot, "connection.create", "connection.test", "credential.open")


async def test_deleting_what_is_in_use_asks_for_its_name(inside: Inside, made: Connection) -> None:
    """What would break is listed; only the typed name deletes it."""
    inside.session.connections.record_use(made, kind="command", name="deploy.sh")
    stage = detail(inside, made)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "○ untested")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(stage.screen, TypedConfirm))
        await shows(pilot, "deploy.sh stops working")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(stage.screen, DetailScreen))
        assert inside.session.connections.get(made.id).name == "sites"
        await pilot.press("d")
        await until(pilot, lambda: isinstance(stage.screen, TypedConfirm))
        await pilot.press(*"sites", "enter")
        await until(pilot, lambda: stage.given == [None])
    with pytest.raises(NotFound):
        inside.session.connections.get(made.id)


async def test_a_connection_deleted_elsewhere_closes_its_screen(inside: Inside, made: Connection) -> None:
    """It is told, and the screen goes."""
    stage = detail(inside, made)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "○ untested")
        inside.session.connections.delete(made)
        await pilot.press("d", "escape")
        await pilot.press("t")
        await until(pilot, lambda: stage.given == [None], turns=3000)


async def test_edit_opens_the_same_form_and_what_it_saved_shows(inside: Inside, made: Connection) -> None:
    """The form begins at the fields; after saving, the overview says the new description."""
    stage = detail(inside, made)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "the [web] sites")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(stage.screen, FormScreen))
        await shows(pilot, "Edit › sites", "stored, kept as it is")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(stage.screen, DetailScreen))
        changed = replace(definition_of(made), description="renewed")
        inside.session.connections.edit(made, Changes(changed, {}))
        await pilot.press("e", "escape")
        await shows(pilot, "renewed")


async def test_the_least_policy_is_shown_to_be_copied(inside: Inside, made: Connection) -> None:
    """For the chosen uses, with what is said where nothing can be pasted."""
    stage = detail(inside, made)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "○ untested")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(stage.screen, ReadingScreen))
        await shows(pilot, "sites › the least it needs", "A personal token carries the whole access of its person.")


async def test_a_credential_that_cannot_be_managed_says_what_to_do(inside: Inside, made: Connection) -> None:
    """No question where there is nothing to answer."""
    stage = detail(inside, made)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "○ untested")
        await pilot.press("m")
        await shows(pilot, "Jackfield cannot manage this kind of", "Change it at the vendor")
