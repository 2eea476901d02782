"""A host that could be taken for another is told wherever it is shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events

from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.connections import Definition
from jackfield.services.form import Form
from jackfield.services.trial import stored_form
from jackfield.tui.screens.form.rows import FormRow
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.screens.importing import ImportScreen
from support.stage import Inside, Stage, opened, shows

SIZE = (80, 24)
TOLD = ("xn--gthub-n2e.com", "reads gіthub.com", "can be taken for")


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    with opened(tmp_path, Network) as vault:
        yield vault


async def test_the_form_keeps_and_tells_what_is_looked_up(inside: Inside) -> None:
    """As it is pasted, and again when the stored connection is edited."""
    form = Form.new(inside.session.registry.get("postgres"), inside.scope)
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "Host", "Database")
        (row,) = [row for row in stage.screen.query(FormRow) if row.key == "host"]
        row.editor.focus()
        stage.screen.post_message(events.Paste("gіthub.com"))
        await shows(pilot, *TOLD)
        assert form.texts["host"] == "xn--gthub-n2e.com"


async def test_an_edit_tells_it_again(inside: Inside) -> None:
    fields = {"host": "xn--gthub-n2e.com", "database": "app", "username": "bob", "password": Secret("canary")}
    definition = Definition("db", "postgres", "username-and-password")
    made = inside.session.connections.create(inside.scope, definition, fields)
    form = stored_form(inside.session, made, reason="edit")
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n", "ctrl+b")
        await shows(pilot, "Database")
        (row,) = [row for row in stage.screen.query(FormRow) if row.key == "host"]
        row.editor.focus()
        await shows(pilot, *TOLD)


@pytest.mark.parametrize("host", ["gіthub.com", "xn--gthub-n2e.com"])
async def test_the_preview_of_an_import_tells_it(
    inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Whichever way the file writes it."""
    file = tmp_path / "user" / ".pgpass"
    file.parent.mkdir()
    file.write_text(f"{host}:5432:app:bob:secret\n")
    file.chmod(0o600)
    monkeypatch.setenv("HOME", str(file.parent))
    monkeypatch.delenv("PGPASSFILE", raising=False)
    stage = Stage(inside, lambda vault: ImportScreen(vault.session, vault.engine))
    async with stage.run_test(size=(120, 40), notifications=True) as pilot:
        await shows(pilot, *TOLD)
