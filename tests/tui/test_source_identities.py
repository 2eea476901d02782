"""The screens of source identities: made in a guided form, tested by themselves, changed, and kept while used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from jackfield.model.errors import NotFound
from jackfield.model.secret import FieldValue, Secret
from jackfield.services.connections import Definition
from jackfield.services.identities import Identity
from jackfield.tui.screens.identities.detail import IdentityScreen
from jackfield.tui.screens.identities.form import IdentityFormScreen
from jackfield.tui.screens.identities.screen import IdentitiesScreen
from jackfield.tui.widgets.picker import Picker
from providers.gcp.vendor import ACCOUNT, METHOD, SOURCE, Gcp, key_file
from support.face import until
from support.stage import Inside, Stage, opened, said, shows

SIZE = (100, 34)
FIELDS: dict[str, FieldValue] = {"sourceCredentials": Secret(key_file())}


@pytest.fixture
def google() -> Iterator[Gcp]:
    with Gcp() as world:
        yield world


@pytest.fixture
def inside(tmp_path: Path, google: Gcp) -> Iterator[Inside]:
    with opened(tmp_path, google.network) as vault:
        yield vault


@pytest.fixture
def tools(inside: Inside) -> Identity:
    return inside.session.identities.create("tools", "gcp", "source", FIELDS)


@pytest.fixture
def stage(inside: Inside) -> Stage:
    return Stage(inside, lambda vault: IdentitiesScreen(vault.session, vault.engine))


def used(inside: Inside, tools: Identity) -> None:
    """Let a connection start from it."""
    definition = Definition("deploy", "gcp", METHOD)
    inside.session.connections.create(inside.scope, definition, {"serviceAccountEmail": ACCOUNT}, identity=tools)


async def listed(pilot: Pilot[Any], *texts: str) -> None:
    """Wait for the list and its first row."""
    await until(pilot, lambda: isinstance(pilot.app.screen, IdentitiesScreen), turns=3000)
    await shows(pilot, *texts)


async def begun(pilot: Pilot[Any]) -> IdentityFormScreen:
    """Choose Google's kind of source identity, and wait for its form."""
    await listed(pilot, "None yet")
    await pilot.press("n")
    await until(pilot, lambda: isinstance(pilot.app.screen, Picker), turns=3000)
    picker = pilot.app.screen
    assert isinstance(picker, Picker)
    await pilot.press(*"source cred")
    await until(pilot, lambda: picker._list.count == 1, turns=3000)
    await pilot.press("enter")
    await shows(pilot, "source identities › new", "Source credentials of impersonations", "Name")
    screen = pilot.app.screen
    assert isinstance(screen, IdentityFormScreen)
    await until(pilot, lambda: screen.focused is not None, turns=3000)
    return screen


async def paste(pilot: Pilot[Any], text: str) -> None:
    """Paste into the field at the cursor, as a terminal does."""
    from textual.events import Paste

    pilot.app.post_message(Paste(text))
    await pilot.pause()


async def test_one_is_made_tested_and_listed(stage: Stage, inside: Inside, google: Gcp) -> None:
    """Its name and fields are judged while they are typed; what the test says stands in the list afterwards."""
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        screen = await begun(pilot)
        await pilot.press(*"Not a slug", "enter")
        await shows(pilot, "✖", "A name holds only a-z")
        await pilot.press("ctrl+u", *"tools", "enter")
        await until(pilot, lambda: getattr(getattr(screen.focused, "parent", None), "key", "") == "sourceCredentials")
        await paste(pilot, "{not json")
        await shows(pilot, "is not JSON")
        await pilot.press("ctrl+u")
        await paste(pilot, key_file())
        await pilot.press("ctrl+t")
        await shows(pilot, "✔ passed", SOURCE, "authenticate")
        await pilot.press("ctrl+s")
        await listed(pilot, "tools", "✔ passed")
    made = inside.session.identities.find("tools")
    assert inside.session.identities.fields(made, reason="test") == FIELDS
    last = inside.session.identities.last_said(made)
    assert last is not None
    assert last.outcome == "passed"


async def test_what_was_not_tested_is_saved_only_when_that_is_meant(stage: Stage, inside: Inside) -> None:
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await begun(pilot)
        await pilot.press(*"tools", "enter", "ctrl+s")
        await shows(pilot, "Source credentials is needed.")
        await paste(pilot, key_file("wrong"))
        await pilot.press("ctrl+s")
        await shows(pilot, "Save it without a test?")
        await pilot.press("n", "ctrl+t")
        await shows(pilot, "✖ rejected")
        await pilot.press("ctrl+s")
        await shows(pilot, "Save it though its test failed (rejected)?")
        await pilot.press("y")
        await listed(pilot, "tools", "✖ rejected")


async def test_leaving_says_that_what_was_typed_is_lost(stage: Stage, inside: Inside) -> None:
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await begun(pilot)
        await pilot.press(*"tools", "escape")
        await shows(pilot, "Leave it unsaved?")
        await pilot.press("n")
        await shows(pilot, "source identities › new", "tools")
        await pilot.press("escape", "y")
        await listed(pilot, "None yet")
    assert inside.session.identities.page() == ()


async def test_a_stored_one_is_tested_with_its_steps(stage: Stage, inside: Inside, tools: Identity) -> None:
    """t opens it and tests it: the steps, who it is, and the verdict, which the list shows from then on."""
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot, "tools", "○ untested")
        await pilot.press("t")
        await shows(pilot, "authenticate", SOURCE, "Last said     ✔ passed")
        await pilot.press("escape")
        await listed(pilot, "✔ passed")


async def test_one_gets_another_name(stage: Stage, inside: Inside, tools: Identity) -> None:
    """One that is taken is refused, and stays to be mended; a rename does not unsay the last test."""
    inside.session.identities.create("other", "gcp", "source", FIELDS)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot, "other", "tools")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, IdentityScreen), turns=3000)
        await pilot.press("t")
        await shows(pilot, "Last said     ✔ passed")
        await pilot.press("r")
        await shows(pilot, "Rename tools")
        await pilot.press("ctrl+u", *"other", "enter")
        await shows(pilot, "A source identity other exists already.", "Rename tools")
        await pilot.press("ctrl+u", *"hub", "enter")
        await shows(pilot, "source identities › hub", "Last said     ✔ passed")
    assert inside.session.identities.find("hub").id == tools.id


async def test_one_gets_other_keys(stage: Stage, inside: Inside, tools: Identity) -> None:
    """What was said before is no longer said; the connection that starts from it uses the new ones."""
    used(inside, tools)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot, "tools")
        await pilot.press("t")
        await shows(pilot, "Last said     ✔ passed", "deploy")
        await pilot.press("e")
        await shows(pilot, "new keys of tools", "Source credentials")
        screen = pilot.app.screen
        await until(pilot, lambda: screen.focused is not None, turns=3000)
        await paste(pilot, key_file("wrong"))
        await pilot.press("ctrl+s", "y")
        await shows(pilot, "source identities › tools", "○ untested", "It has new keys.")
    connection = inside.session.connections.find("deploy")
    given = inside.session.connections.fields(connection, reason="test")["sourceCredentials"]
    assert given == Secret(key_file("wrong"))


async def test_one_in_use_is_not_deleted(stage: Stage, inside: Inside, tools: Identity) -> None:
    """It says what starts from it; another one goes when that was asked."""
    used(inside, tools)
    inside.session.identities.create("another", "gcp", "source", FIELDS)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot, "another", "tools")
        await pilot.press("end", "d")
        await shows(pilot, "Connections start from the source identity tools.", "connection deploy")
        await pilot.press("escape", "home", "d")
        await shows(pilot, "Delete the source identity another?")
        await pilot.press("y")
        await until(pilot, lambda: "another  " not in said(stage), turns=3000)
    assert [one.name for one in inside.session.identities.page()] == ["tools"]
    with pytest.raises(NotFound):
        inside.session.identities.find("another")


async def test_what_is_typed_is_found_nowhere(stage: Stage, inside: Inside, tmp_path: Path) -> None:
    """The canary in the masked field: on no screen, in no file, in no entry of the trail."""
    canary = "canary-77c0de51"
    shown = []
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        screen = await begun(pilot)
        await pilot.press(*"tools", "enter")
        await until(pilot, lambda: getattr(getattr(screen.focused, "parent", None), "key", "") == "sourceCredentials")
        await paste(pilot, f"not JSON {canary}")
        shown.append(said(stage))
        await pilot.press("ctrl+u")
        await paste(pilot, key_file("wrong", private_key_id=canary))
        await pilot.press("ctrl+t")
        await shows(pilot, "→")
        shown.append(said(stage))
        await pilot.press("ctrl+s")
        await shows(pilot, "Save it")
        await pilot.press("y")
        await listed(pilot, "tools")
        shown += [said(stage), *(str(entry) for entry in inside.session.audit.page(limit=50))]
    assert not [text for text in shown if canary in text]
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and canary.encode() in file.read_bytes()]
