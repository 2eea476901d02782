"""What the form asks to be typed before it does it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.services.form import Form
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.form.rows import FormRow
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.widgets.typed_confirm import TypedConfirm
from support.face import until
from support.stage import Inside, Stage, opened, said, shows

SIZE = (80, 24)
SWITCH = "sslRejectUnauthorized"


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    with opened(tmp_path, Network) as vault:
        yield vault


@pytest.fixture
def form(inside: Inside) -> Form:
    made = Form.new(inside.session.registry.get("postgres"), inside.scope)
    for name, text in (("host", "127.0.0.1"), ("database", "app"), ("username", "bob"), ("password", "canary")):
        made.type(name, text)
    return made


async def switch_off(pilot: Pilot[Any]) -> None:
    """Choose no where the certificate is verified."""
    await pilot.press("ctrl+n", "ctrl+n")
    await shows(pilot, "Verify the certificate")
    (row,) = [row for row in pilot.app.screen.query(FormRow) if row.key == SWITCH]
    row.editor.focus()
    await pilot.press("right")
    await until(pilot, lambda: isinstance(pilot.app.screen, TypedConfirm))


async def test_verification_goes_off_when_the_host_is_typed(inside: Inside, form: Form) -> None:
    """The question says what may happen; another word does nothing; the saved connection stays marked."""
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await switch_off(pilot)
        await shows(pilot, "Connect without verifying TLS?", "could take its", "Type  127.0.0.1")
        await pilot.press(*"yes", "enter")
        await shows(pilot, "That is not  127.0.0.1  yet")
        await pilot.press("backspace", "backspace", "backspace", *"127.0.0.1", "enter")
        await until(pilot, lambda: isinstance(stage.screen, FormScreen))
        assert form.problems() == ()
        await pilot.press("ctrl+n")
        await shows(pilot, "Description")
        await pilot.press("ctrl+s")
        await shows(pilot, "Save it without a test?")
        await pilot.press("y")
        await shows(pilot, "✔ Saved postgres")
    made = inside.session.connections.find("postgres")
    overview = Stage(inside, lambda vault: DetailScreen(vault.session, vault.engine, made.id))
    async with overview.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "⚠ TLS not verified")


async def test_a_declined_question_leaves_the_verification_on(inside: Inside, form: Form) -> None:
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await switch_off(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(stage.screen, FormScreen) and form.texts[SWITCH] == "true")
        (row,) = [row for row in stage.screen.query(FormRow) if row.key == SWITCH]
        assert row.text == "true"


async def test_a_test_asks_again_for_another_host(inside: Inside, form: Form) -> None:
    form.type(SWITCH, "false")
    form.accept_unverified()
    form.type("host", "localhost")
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "Verify the certificate")
        await pilot.press("ctrl+t")
        await shows(pilot, "Type  localhost")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(stage.screen, FormScreen))
        assert form.unverified_host == "127.0.0.1"


async def test_a_form_starts_from_an_identity(inside: Inside) -> None:
    """Chosen in the third step: what it gives is not asked any more, and is again without it."""
    fields: dict[str, FieldValue] = {"accessKeyId": "AKIA" + "X" * 16, "secretAccessKey": Secret("x" * 40)}
    hub = inside.session.identities.create("hub-account", "aws", "access-key", fields)
    form = Form.new(inside.session.registry.get("aws"), inside.scope)
    form.type("roleArn", "arn:aws:iam::123456789012:role/jackfield")
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "Starts from", "Source access key ID")
        (row,) = [row for row in stage.screen.query(FormRow) if row.key == "identity|"]
        row.editor.focus()
        await pilot.press("right")
        await until(pilot, lambda: form.identity == hub and "Source access key ID" not in said(stage))
        await shows(pilot, "What a source identity gives is not asked here.")
        await pilot.press("ctrl+n")
        await shows(pilot, "Description")
        await pilot.press("ctrl+s")
        await shows(pilot, "Save it without a test?")
        await pilot.press("y")
        await shows(pilot, "✔ Saved aws")
    made = inside.session.connections.find("aws")
    assert inside.session.identities.of_connection(made.id) == hub
    overview = Stage(inside, lambda vault: DetailScreen(vault.session, vault.engine, made.id))
    async with overview.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "source identity hub-account")
        await pilot.press("v")
        await shows(pilot, "At AWS", inside.scope.organization_id)


async def test_a_pasted_block_says_what_was_left_out_and_what_is_refused(inside: Inside, form: Form) -> None:
    stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "Verify the certificate")
        stage.post_message(events.Paste("PGHOST=db.example\nEDITOR=vi\n"))
        await shows(pilot, "Filled from what was pasted: Host.", "Left out: EDITOR.")
        stage.post_message(events.Paste("x" * (10 << 20)))
        await shows(pilot, "10,485,760 characters were pasted", "Nothing was")
        stage.post_message(events.Paste("first\nsecond"))
        await shows(pilot, "its first line alone was taken")
        assert len("".join(form.texts.values())) < 200
