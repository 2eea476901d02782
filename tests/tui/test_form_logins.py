"""Logging in from the form and from the detail screen, at a real OpenID provider, by every way."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from jackfield.model.connection import Connection, State
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.providers.contract import oauth
from jackfield.providers.contract.registry import _Source
from jackfield.services.connections import Definition
from jackfield.services.form import Form
from jackfield.services.logins import Prompt, Way
from jackfield.services.session import Session
from jackfield.services.tokens import oauth_client
from jackfield.services.trial import stored_form
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.form.keeper import DraftKeeper
from jackfield.tui.screens.form.login import LoginScreen, _left
from jackfield.tui.screens.form.screen import FormScreen
from providers.test_oauth import openid_provider
from support.face import until
from support.servers.oauth import OpenId
from support.stage import Inside, Stage, opened, said, shows

SIZE = (100, 36)
PAST = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def inside(tmp_path: Path, openid: OpenId, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    """The provider names no pace, and ours is not to wait."""
    monkeypatch.setattr(oauth, "INTERVAL", 0.0)
    monkeypatch.setattr(oauth, "SLOWER", 0.0)
    with opened(tmp_path, lambda: Network(roots=openid.ca_pem)) as vault:
        vault.session.registry._loaded["openid"] = openid_provider(openid.url)
        vault.session.registry._sources["openid"] = _Source(Path("openid.yaml"), "", own=True)
        yield vault


@pytest.fixture
def form(inside: Inside) -> Form:
    made = Form.new(inside.session.registry.get("openid"), inside.scope)
    made.type("clientId", "terminal")
    made.private_allowed = True
    return made


def stage_of(inside: Inside, form: Form) -> Stage:
    return Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))


async def prompted(pilot: Pilot[Any], way: Way) -> Prompt:
    """Choose a way, and what it asks the person to do."""
    await shows(pilot, "How do you log in?")
    await pilot.press(*(["down"] if way is Way.BROWSER else []), "enter")
    screen = pilot.app
    await until(pilot, lambda: isinstance(screen.screen, LoginScreen) and screen.screen._prompt, turns=3000)
    assert isinstance(screen.screen, LoginScreen)
    assert screen.screen._prompt is not None
    return screen.screen._prompt


async def to_login(pilot: Pilot[Any], way: Way) -> Prompt:
    await shows(pilot, "What is it for?")
    await pilot.press("ctrl+n", "ctrl+n")
    await shows(pilot, "f6 logs in")
    await pilot.press("f6")
    return await prompted(pilot, way)


def token_of(session: Session, connection: Connection) -> str:
    value = session.connections.fields(connection, reason="test")["accessToken"]
    assert isinstance(value, Secret)
    return value.reveal()


async def logged_in(openid: OpenId, session: Session) -> dict[str, FieldValue]:
    """The fields of a finished login whose access token has ended."""
    provider = session.registry.get("openid")
    network = Network(roots=openid.ca_pem)
    login = oauth_client(
        provider, provider.method("oauth"), {"clientId": "terminal"}, network, organization_id="", private_allowed=True
    )
    visits: list[asyncio.Future[str]] = []
    obtained = await login.log_in_by_browser(
        lambda prompt: visits.append(asyncio.ensure_future(asyncio.to_thread(openid.visit, prompt.url)))
    )
    await visits[0]
    return {"clientId": "terminal", **obtained, "accessToken": Secret("ended"), "expiresAt": PAST}


def stored(inside: Inside, fields: dict[str, FieldValue]) -> Connection:
    definition = Definition("id", "openid", "oauth", private_address_allowed=True)
    return inside.session.connections.create(inside.scope, definition, fields)


async def test_a_code_typed_on_another_device_fills_and_tests_the_form(
    inside: Inside, form: Form, openid: OpenId
) -> None:
    stage = stage_of(inside, form)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        prompt = await to_login(pilot, Way.DEVICE)
        await shows(pilot, prompt.code, "█", "It holds for")
        await asyncio.to_thread(openid.visit, prompt.scanned)
        await shows(pilot, "✔ passed")
    assert openid.whose(form.texts["accessToken"]) == "ada"


async def test_a_browser_of_this_machine_comes_back_by_itself(inside: Inside, form: Form, openid: OpenId) -> None:
    stage = stage_of(inside, form)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        prompt = await to_login(pilot, Way.BROWSER)
        assert "code_challenge_method=S256" in prompt.url
        await asyncio.to_thread(openid.visit, prompt.url)
        await shows(pilot, "✔ passed")
    assert openid.whose(form.texts["accessToken"]) == "ada"


async def test_the_address_that_a_browser_elsewhere_ends_at_is_pasted(
    inside: Inside, form: Form, openid: OpenId
) -> None:
    stage = stage_of(inside, form)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        prompt = await to_login(pilot, Way.BROWSER)
        await pilot.press("ctrl+y")
        assert stage.clipboard == prompt.url
        address = await asyncio.to_thread(openid.visit, prompt.url, elsewhere=True)
        await pilot.press(*address, "enter")
        await shows(pilot, "✔ passed")
        assert form.texts["accessToken"] not in said(stage)
    assert openid.whose(form.texts["accessToken"]) == "ada"


async def test_a_refused_login_says_so_and_fills_nothing(inside: Inside, form: Form, openid: OpenId) -> None:
    stage = stage_of(inside, form)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        prompt = await to_login(pilot, Way.BROWSER)
        await asyncio.to_thread(openid.visit, prompt.url, refuse=True)
        await shows(pilot, "The login was refused at OpenID.", "→ Log in again")
        await pilot.press("escape")
        await shows(pilot, "Client ID")
    assert "accessToken" not in form.texts


async def test_logging_in_again_keeps_the_connection(inside: Inside, openid: OpenId) -> None:
    """From the detail screen: new tokens under the same id, tested at once."""
    made = stored(inside, {"clientId": "terminal", "accessToken": Secret("ended"), "expiresAt": PAST})
    stage = Stage(inside, lambda vault: DetailScreen(vault.session, vault.engine, made.id))
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "○ untested")
        await pilot.press("f6")
        prompt = await prompted(pilot, Way.BROWSER)
        await asyncio.to_thread(openid.visit, prompt.url)
        await shows(pilot, "✔ passed")
    after = inside.session.connections.get(made.id)
    assert after.state is State.PASSED
    assert openid.whose(token_of(inside.session, after)) == "ada"


async def test_an_edit_is_tested_with_a_token_that_is_renewed_first(inside: Inside, openid: OpenId) -> None:
    """What had ended is renewed under the lock and stored, and saving the edit keeps the new pair."""
    made = stored(inside, await logged_in(openid, inside.session))
    form = stored_form(inside.session, made)
    form.description = "edited"
    stage = stage_of(inside, form)
    async with stage.run_test(size=SIZE, notifications=True) as pilot:
        await shows(pilot, "Client ID")
        await pilot.press("ctrl+t")
        await shows(pilot, "✔ passed")
        assert openid.whose(token_of(inside.session, made)) == "ada"
        await pilot.press("ctrl+n")
        await shows(pilot, "Description")
        await pilot.press("ctrl+s")
        await shows(pilot, "✔ Saved id")
    after = inside.session.connections.get(made.id)
    fields = inside.session.connections.fields(after, reason="test")
    assert (after.description, after.state) == ("edited", State.PASSED)
    assert openid.whose(token_of(inside.session, after)) == "ada"
    assert str(fields["expiresAt"]) > PAST


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(899, "15 minutes"), (61, "2 minutes"), (59, "60 seconds"), (8, "10 seconds"), (-1, "Its time is over")],
)
def test_the_time_that_is_left_is_said_as_it_is(seconds: float, words: str) -> None:
    assert words in _left(datetime.now(UTC) + timedelta(seconds=seconds + 0.9))


def test_another_method_alone_begins_no_draft(inside: Inside) -> None:
    """Nothing of it is worth offering again; with something typed, the draft holds the method as well."""
    form = Form.new(inside.session.registry.get("gitlab"), inside.scope)
    keeper = DraftKeeper(inside.session, form, None)
    form.choose_method("oauth")
    keeper.keep()
    assert inside.session.drafts.all() == ()
    form.type("clientId", "terminal")
    keeper.keep()
    (draft,) = inside.session.drafts.all()
    assert draft.content["method"] == "oauth"
    form.choose_method("access-token")
    keeper.keep()
    (draft,) = inside.session.drafts.all()
    assert draft.content["method"] == "access-token"
