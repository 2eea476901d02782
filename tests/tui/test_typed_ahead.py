"""Keys that are typed faster than the interface works, as on a slow line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events

from jackfield.net.network import Network
from jackfield.services.form import Form
from jackfield.tui.screens.form.rows import FormRow
from jackfield.tui.screens.form.screen import FormScreen
from support.face import until
from support.stage import Inside, Stage, opened, shows


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    with opened(tmp_path, Network) as vault:
        yield vault


def send(stage: Stage, *keys: str) -> None:
    """All at once, as one read from the terminal brings them."""
    for key in keys:
        stage.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_what_follows_a_tab_lands_in_the_next_field(inside: Inside) -> None:
    form = Form.new(inside.session.registry.get("postgres"), inside.scope)
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "User name")
        send(stage, *"abc", "tab", *"12", "shift+tab", *"d", "tab", "tab", *"ef")
        await until(pilot, lambda: form.texts.get("database") == "ef")
        assert (form.texts["host"], form.texts["port"]) == ("abcd", "543212")


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
