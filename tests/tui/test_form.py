"""The guided form, driven by keys against Netlify in miniature: the whole main job, and what may go wrong in it."""

import asyncio
import threading
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from jackfield.model.connection import Connection, IntendedUse, State
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.connections import ConnectionList, Definition
from jackfield.services.form import Form
from jackfield.services.logins import Prompt, Show, Way
from jackfield.services.trial import stored_form
from jackfield.tui.screens.form import screen as form_screen
from jackfield.tui.screens.form.connect import ConnectStep
from jackfield.tui.screens.form.login import LoginScreen
from jackfield.tui.screens.form.rows import FormRow
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.screens.locked import UnlockScreen
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.picker import Picker
from providers.netlify.vendor import GOOD, Netlify
from support.face import until
from support.stage import Inside, Stage, opened, said, shows, unlocked
from support.vendor import Answer

SIZE = (80, 24)
SYNC = IntendedUse("secret-sync/env", {"team": "acme"})


@pytest.fixture
def world() -> Iterator[Netlify]:
    with Netlify() as vendor:
        yield vendor


@pytest.fixture
def inside(tmp_path: Path, world: Netlify) -> Iterator[Inside]:
    with opened(tmp_path, world.network) as vault:
        yield vault


def stage_of(inside: Inside, slug: str = "netlify", *, form: Form | None = None) -> Stage:
    """The form of a provider on the stage."""
    chosen = form or Form.new(inside.session.registry.get(slug), inside.scope)
    return Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, chosen))


async def to_connect(pilot: Pilot[Any], *, team: str = "acme") -> None:
    """Through the first two steps, with the only use chosen."""
    await shows(pilot, "What is it for?")
    await pilot.press("space")
    await shows(pilot, "my-team")
    await pilot.press("enter", *team, "enter", "enter")  # the site may stay empty
    await shows(pilot, "Generate the token and copy it")
    await pilot.press("enter")
    await shows(pilot, "Access token")


class Hanging:
    """A vendor that answers who the token is only when it is let."""

    def __init__(self, world: Netlify) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.bearers: list[str] = []

        @world.vendor.get("/api/v1/user")
        def user(request: Any) -> Any:
            self.bearers.append(request.bearer)
            self.asked.set()
            self.go_on.wait(20)
            good = request.bearer == GOOD
            return {"id": "5f0", "email": "ada@example.com"} if good else Answer(401, json={"code": 401})


@pytest.fixture
def hanging(world: Netlify) -> Iterator[Hanging]:
    vendor = Hanging(world)
    yield vendor
    vendor.go_on.set()


@pytest.mark.parametrize("placed", [True, False], ids=["in a place", "in all places"])
async def test_the_main_job_from_the_first_key_to_the_saved_and_tested_connection(inside: Inside, placed: bool) -> None:
    """Uses, guide, token, test, name: afterwards the connection is stored as passed, and no draft is left."""
    stage = stage_of(inside, form=Form.new(inside.session.registry.get("netlify"), inside.scope if placed else None))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "enter")
        await shows(pilot, "◐ passed   ada@example.com", "team role Owner or Developer", "granted")
        await pilot.press("enter")
        await shows(pilot, "Description", "netlify-acme")
        await pilot.press("ctrl+s")
        await shows(pilot, "✔ Saved netlify-acme", "jackfield exec netlify-acme -- COMMAND")
        await pilot.press("enter")
        await until(pilot, lambda: stage.given)
    made = inside.session.connections.find("netlify-acme")
    assert stage.given == [made.id]
    assert made.state is State.PASSED
    assert made.uses == (replace(SYNC, targets={**SYNC.targets, "site": ""}),)
    assert inside.session.connections.fields(made, reason="test") == {"accessToken": Secret(GOOD)}
    assert inside.session.drafts.all() == ()


async def test_a_failure_says_the_cause_and_the_next_step(inside: Inside) -> None:
    """Large, in our words, before the steps; nothing is stored."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*"nfp_WrongTokenOfNobody", "ctrl+t")
        await shows(pilot, "✖ rejected", "Netlify does not accept this credential.", "→ The token was revoked")
    assert inside.session.connections.count(ConnectionList()) == 0


async def test_what_is_missing_keeps_a_test_from_running_and_is_pointed_at(inside: Inside, world: Netlify) -> None:
    """The cursor goes to the field, the reason and an example stand under it, and nobody is asked."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press("ctrl+t")
        await shows(pilot, "Access token is needed. Such as nfp_…")
    assert world.vendor.requests == []


async def test_a_cancelled_test_ends_at_once_and_what_it_still_tells_is_dropped(
    inside: Inside, hanging: Hanging
) -> None:
    """Cancel, type another token, test again: only the second result is ever shown."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*"nfp_Wrong", "ctrl+t")
        await until(pilot, hanging.asked.is_set, turns=3000)
        await pilot.press("ctrl+g")
        await shows(pilot, "Cancelled.")
        hanging.go_on.set()
        await pilot.press("ctrl+u", *GOOD, "ctrl+t")
        await shows(pilot, "◐ passed   ada@example.com")
        assert "rejected" not in said(stage)
    assert hanging.bearers[-1] == GOOD


async def test_escape_leaves_the_test_before_it_leaves_the_step(inside: Inside, hanging: Hanging) -> None:
    """The first escape cancels, the second goes back."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+t")
        await until(pilot, hanging.asked.is_set, turns=3000)
        await pilot.press("escape")
        await shows(pilot, "Cancelled.", "Access token")
        await pilot.press("escape")
        await shows(pilot, "Generate the token and copy it")


async def test_a_lock_in_the_middle_of_a_test_keeps_the_draft_and_nothing_else(
    inside: Inside, hanging: Hanging
) -> None:
    """The test ends, the screen is the locked one, and what was typed is there after the next unlocking."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+t")
        await until(pilot, hanging.asked.is_set, turns=3000)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(stage.screen, UnlockScreen))
        assert "Access token" not in said(stage)
    with unlocked(inside.home) as session:
        (draft,) = session.drafts.all()
        assert draft.content["texts"] == {"accessToken": GOOD}
        assert session.connections.count(ConnectionList()) == 0


async def test_a_resize_in_the_middle_of_a_test_loses_nothing(inside: Inside, hanging: Hanging) -> None:
    """Smaller, too small, larger: what is typed and what was found are there."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+t")
        await until(pilot, hanging.asked.is_set, turns=3000)
        for size in ((60, 12), (40, 8), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        hanging.go_on.set()
        await shows(pilot, "◐ passed   ada@example.com", "18 characters")


async def test_hostile_text_of_the_vendor_is_shown_as_it_is_and_acts_on_nothing(inside: Inside, world: Netlify) -> None:
    """Markup stays markup, control and direction characters are gone, and the screen stands."""
    name = "[bold red]Ada[/] [/] \x1b]52;c;QUJD\x07\x1b[2J\u202eevil\u2066 \x9b31m"
    world.vendor.answers("GET", "/api/v1/user", {"id": "5f0", "email": name, "full_name": name})
    stage = stage_of(inside)
    async with stage.run_test(size=(120, 40), notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+t")
        # 12 in each of two answers: where a row is unknown, the proof is asked once more.
        await shows(pilot, "[bold red]Ada[/] [/]", "24 characters that steer a terminal or hide taken out")
        text = said(stage)
        assert not [character for character in text if character != "\n" and not character.isprintable()]


async def test_a_draft_is_sealed_as_the_form_changes(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without leaving or locking, what was typed is in the vault a moment later."""
    monkeypatch.setattr(form_screen, "DRAFT_SECONDS", 0.01)
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*"nfp_half")
        await until(
            pilot,
            lambda: [draft.content["texts"] for draft in inside.session.drafts.all()] == [{"accessToken": "nfp_half"}],
            turns=3000,
        )


async def test_saving_without_a_test_is_asked_and_marked(inside: Inside) -> None:
    """No is the answer that has the focus; yes stores it as untested."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+n")
        await shows(pilot, "○ not tested")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(stage.screen, Confirm))
        await pilot.press("enter")
        await shows(pilot, "○ not tested")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(stage.screen, Confirm))
        await pilot.press("y")
        await shows(pilot, "✔ Saved netlify-acme   ○ untested")
    assert inside.session.connections.find("netlify-acme").state is State.UNTESTED


async def test_a_result_does_not_speak_of_what_was_changed_since(inside: Inside) -> None:
    """After a pass the token is changed: the save step says so, and the old result is not kept."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+t")
        await shows(pilot, "◐ passed")
        await pilot.press("x", "ctrl+n")
        await shows(pilot, "○ changed since its test")


async def test_a_name_that_is_no_slug_is_refused_with_a_better_one(inside: Inside) -> None:
    """The cursor stays in the name, the reason stands under the rows."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+t")
        await shows(pilot, "◐ passed")
        await pilot.press("ctrl+n")
        await shows(pilot, "Description")
        await pilot.press("ctrl+u", *"My Sites", "ctrl+s")
        await shows(pilot, "A name holds only a-z, 0-9 and single hyphens between them. Try my-sites.")


async def test_the_place_is_a_project_when_one_is_chosen(inside: Inside) -> None:
    """The scope that is stored is the one on the line."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+t")
        await shows(pilot, "◐ passed")
        await pilot.press("ctrl+n")
        await shows(pilot, "( ) acme › web")
        await pilot.press("down", "down", "right")
        await shows(pilot, "(•) acme › web")
        await pilot.press("ctrl+s")
        await shows(pilot, "✔ Saved")
    scope = inside.session.connections.find("netlify-acme").scope
    assert scope.project_id == inside.session.projects.named(inside.scope.organization_id, "web").id


async def test_the_vendor_lists_what_a_target_may_be(inside: Inside) -> None:
    """Asked with the typed credential; the chosen value is in the row."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot, team="")
        await pilot.press(*GOOD, "down")
        await shows(pilot, "f4 lists what the vendor has")
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(stage.screen, Picker), turns=3000)
        await shows(pilot, "Acme")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(stage.screen, FormScreen))
        await until(pilot, lambda: [row.text for row in stage.screen.query(FormRow)][-1] == "acme")


async def test_a_list_without_a_credential_says_what_to_do_first(inside: Inside, world: Netlify) -> None:
    """In the first step nothing is there to ask with."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "What is it for?")
        await pilot.press("space", "enter", "f4")
        await shows(pilot, "once there is a", "step 3")
    assert world.vendor.requests == []


async def test_a_pasted_block_fills_the_fields_it_knows(inside: Inside) -> None:
    """One URL, pasted into any field: host, port, user, password and database."""
    stage = stage_of(inside, "postgres")
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "User name")
        stage.post_message(events.Paste("postgres://ada:se%20cret@db.example.com:5433/shop"))
        await shows(pilot, "Filled from what was pasted: Host, Port, Database, User name, Password.")
        texts = {row.key: row.text for row in stage.screen.query(FormRow)}
        expected = {"host": "db.example.com", "port": "5433", "username": "ada", "password": "se cret"}
        assert expected.items() <= texts.items()
        assert "se cret" not in said(stage)


async def test_what_was_normalised_is_said_and_shown(inside: Inside) -> None:
    """A host typed as a URL is kept as a host, and the change is told."""
    stage = stage_of(inside, "github")
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "Installation ID")
        (host,) = [row for row in stage.screen.query(FormRow) if row.key == "host"]
        host.editor.focus()
        await pilot.press(*"https://GHE.example.com/login")
        await shows(pilot, "Kept as: scheme removed, path removed, made lower case.")
        await pilot.press("down")
        await until(pilot, lambda: host.text == "ghe.example.com")


async def test_a_value_is_read_from_a_file_or_a_variable(
    inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The offer is told before enter takes it; a file that is not there is named."""
    (tmp_path / "token").write_text("nfp_FromFile\n")
    monkeypatch.setenv("MY_TOKEN", "nfp_FromVariable")
    form = Form.new(inside.session.registry.get("netlify"), inside.scope)
    stage = stage_of(inside, form=form)
    async with stage.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        for typed, offered, value in (
            (f"@{tmp_path}/token", "↵ reads the file", "nfp_FromFile"),
            ("env:MY_TOKEN", "↵ reads the environment variable MY_TOKEN", "nfp_FromVariable"),
        ):
            await pilot.press("ctrl+u", *typed)
            await shows(pilot, offered)
            await pilot.press("enter")
            await until(pilot, partial(_has_token, form, value))
        await pilot.press("ctrl+u", *"@/nowhere/at/all", "enter")
        await shows(pilot, "/nowhere/at/all cannot be read")


def _has_token(form: Form, token: str) -> bool:
    return form.texts["accessToken"] == token


async def test_consent_to_private_addresses_is_a_switch_of_its_own(inside: Inside) -> None:
    """Off until it is switched on; providers of one fixed address have none."""
    form = Form.new(inside.session.registry.get("postgres"), inside.scope)
    stage = stage_of(inside, form=form)
    async with stage.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "Private addresses", "( ) yes   (•) no")
        (row,) = [row for row in stage.screen.query(FormRow) if row.key == "private|"]
        row.editor.focus()
        await pilot.press("left")
        await until(pilot, lambda: form.private_allowed)


def stored(inside: Inside, token: str = GOOD) -> Connection:
    definition = Definition("sites", "netlify", "access-token", uses=(SYNC,))
    return inside.session.connections.create(inside.scope, definition, {"accessToken": Secret(token)})


async def test_an_edit_keeps_the_stored_secret_unseen_and_tests_with_it(inside: Inside) -> None:
    """Opened, tested and saved without touching the field: the secret is the same, and no mask was stored."""
    made = stored(inside)
    stage = stage_of(inside, form=stored_form(inside.session, made))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "stored, kept as it is")
        await pilot.press("ctrl+t")
        await shows(pilot, "◐ passed   ada@example.com")
        await pilot.press("ctrl+n")
        await shows(pilot, "Description")
        await pilot.press("down", *"the sites", "ctrl+s")
        await shows(pilot, "✔ Saved sites   ◐ passed")
        assert GOOD not in said(stage)
    after = inside.session.connections.get(made.id)
    assert after.description == "the sites"
    assert inside.session.connections.fields(after, reason="test") == {"accessToken": Secret(GOOD)}


async def test_an_edit_that_lost_the_race_is_told_and_changes_nothing(inside: Inside) -> None:
    """Another process edited it meanwhile: the loser is told, and what was typed stays in the form."""
    made = stored(inside)
    form = stored_form(inside.session, made)
    stored_form(inside.session, made)
    inside.session.connections.edit(made, _renamed(made, "others"))
    stage = stage_of(inside, form=form)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "stored, kept as it is")
        await pilot.press("ctrl+n")
        await shows(pilot, "Description")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(stage.screen, Confirm))
        await pilot.press("y")
        await shows(pilot, "others", "Look at it again")
    assert inside.session.connections.get(made.id).name == "others"


def _renamed(connection: Connection, name: str) -> Any:
    from dataclasses import replace

    from jackfield.services.connections import Changes
    from jackfield.services.takeover import definition_of

    return Changes(replace(definition_of(connection), name=name), {})


async def test_the_least_policy_is_copied_and_written_but_replaces_no_file(inside: Inside, tmp_path: Path) -> None:
    """The clipboard gets the snippet of the chosen uses, a new file too, an existing one is left alone."""
    form = Form.new(inside.session.registry.get("postgres"), inside.scope)
    form.choose_use("secret-rotation/login-roles", wanted=True)
    form.set_target("secret-rotation/login-roles", "roles", "app_a")
    stage = stage_of(inside, form=form)
    copied: list[str] = []
    stage.copy = lambda text: copied.append(str(text))  # type: ignore[method-assign]
    file = tmp_path / "grants.sql"
    async with stage.run_test(size=(120, 40), notifications=True) as pilot:
        await shows(pilot, 'GRANT "app_a"')
        await pilot.press("ctrl+y")
        await until(pilot, lambda: copied == [form.snippet()])
        for answer in ("Written to", "exists already"):
            await pilot.press("f2")
            await shows(pilot, "Write it to which file?")
            await pilot.press("ctrl+u", *str(file), "enter")
            await shows(pilot, answer)
    assert file.read_text() == form.snippet() + ("" if form.snippet().endswith("\n") else "\n")
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_use_brings_the_method_it_needs(inside: Inside) -> None:
    """Chosen uses and method never disagree."""
    form = Form.new(inside.session.registry.get("github"), inside.scope)
    for use in form.provider.uses:
        form.choose_use(use.id, wanted=True)
    form.choose_method(form.provider.methods[-1].id)
    assert set(form.uses) <= {use.id for use in form.possible_uses()}


async def test_a_login_shows_what_to_do_and_takes_what_is_pasted(inside: Inside) -> None:
    """The address and the code are on the screen; what the person pastes reaches the login."""
    from datetime import UTC, datetime, timedelta

    async def begin(_: Network, show: Show, pasted: Awaitable[str]) -> dict[str, str]:
        show(Prompt(Way.PASTED, "https://vendor.example/login", "", "https://v.example", datetime.now(UTC)))
        return {"code": await pasted}

    async def device(_: Network, show: Show, __: Awaitable[str]) -> dict[str, str]:
        ends = datetime.now(UTC) + timedelta(minutes=15)
        show(Prompt(Way.DEVICE, "https://vendor.example/device", "WDJB-MJHT", "https://v.example", ends))
        await asyncio.Event().wait()
        return {}

    stage = Stage(inside, lambda vault: LoginScreen("Vendor", vault.engine, begin))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "https://vendor.example/login")
        await pilot.press(*"http://127.0.0.1/?code=42", "enter")
        await until(pilot, lambda: stage.given == [{"code": "http://127.0.0.1/?code=42"}], turns=3000)
        await stage.push_screen(LoginScreen("Vendor", inside.engine, device), stage.given.append)
        await shows(pilot, "https://vendor.example/device", "WDJB-MJHT", "█")
        await pilot.press("escape")
        await until(pilot, lambda: stage.given[1:] == [None])


async def test_a_step_is_shown_from_the_form_alone(inside: Inside) -> None:
    """Back and forth between steps: what was typed and found is there again."""
    stage = stage_of(inside)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await to_connect(pilot)
        await pilot.press(*GOOD, "ctrl+t")
        await shows(pilot, "◐ passed")
        await pilot.press("ctrl+b", "ctrl+b")
        await shows(pilot, "[x] Sync secrets", "acme")
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "◐ passed   ada@example.com", "18 characters")
        assert isinstance(stage.screen.query_one(ConnectStep), ConnectStep)
