"""Logging in for a form and again for a stored connection."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from jackfield.model.check import Outcome
from jackfield.model.connection import Connection, Scope, State
from jackfield.model.errors import Conflict, InvalidField, Refused
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.providers.contract import oauth
from jackfield.services.connections import Definition
from jackfield.services.engine import Engine
from jackfield.services.form import Form
from jackfield.services.logins import Prompt, Way, log_in, qr_lines, repair, ways
from jackfield.services.session import Session
from jackfield.services.trial import stored_form
from support.vendor import MiniatureVendor, Request

ADDRESS = "https://github.com/login/device"


class GitHub(MiniatureVendor):
    """GitHub's device login, which the person has finished when `done`."""

    def __init__(self) -> None:
        super().__init__()
        self.done = True
        self.polled = Event()
        self.post("/login/device/code")(
            lambda _: {"device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": ADDRESS, "expires_in": 900}
        )
        self.post("/login/oauth/access_token")(self._poll)
        self.get("/user")(lambda request: {"login": "ada", "id": 1, "token": request.bearer})
        self.get("/user/orgs")(lambda _: [])

    def _poll(self, request: Request) -> Any:
        assert request.form()["client_id"] == "Ov23liAda"
        self.polled.set()
        return {"access_token": "gho_new", "token_type": "bearer"} if self.done else {"error": "authorization_pending"}


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """It names no pace, and ours is not to wait."""
    monkeypatch.setattr(oauth, "INTERVAL", 0.0)
    with GitHub() as world:
        yield world


@pytest.fixture
def network(vendor: GitHub) -> Network:
    return vendor.network("github.com", "api.github.com")


@pytest.fixture
def form(session: Session, scope: Scope) -> Form:
    made = Form.new(session.registry.get("github"), scope)
    made.choose_method("oauth")
    made.type("clientId", "Ov23liAda")
    made.name = "hub"
    return made


@pytest.fixture
def stored(session: Session, scope: Scope) -> Connection:
    fields: dict[str, FieldValue] = {
        "clientId": "Ov23liAda",
        "accessToken": Secret("gho_old"),
        "refreshToken": Secret("ghr_old"),
    }
    return session.connections.create(scope, Definition("hub", "github", "oauth"), fields)


async def test_login_fills_the_form(session: Session, form: Form, network: Network) -> None:
    prompts: list[Prompt] = []

    form.logged_in(await log_in(session, form, network, prompts.append))

    assert form.problems() == ()
    assert form.values()["accessToken"] == Secret("gho_new")
    (prompt,) = prompts
    assert (prompt.way, prompt.url, prompt.code, prompt.scanned) == (Way.DEVICE, ADDRESS, "WDJB-MJHT", ADDRESS)
    assert prompt.qr()


async def test_login_asks_for_the_fields_it_needs_first(
    session: Session, form: Form, vendor: GitHub, network: Network
) -> None:
    form.type("clientId", "")
    with pytest.raises(InvalidField, match="Client ID is needed"):
        await log_in(session, form, network, lambda _: None)
    assert vendor.requests == []


async def test_way_that_the_method_has_not_is_refused(session: Session, form: Form, network: Network) -> None:
    with pytest.raises(Refused, match="no such login"):
        await log_in(session, form, network, lambda _: None, way=Way.BROWSER)


async def test_login_for_an_edited_connection_uses_what_is_stored(
    session: Session, stored: Connection, network: Network
) -> None:
    form = stored_form(session, stored)
    form.logged_in(await log_in(session, form, network, lambda _: None))
    assert form.values()["accessToken"] == Secret("gho_new")


async def test_repair_keeps_the_connection_and_replaces_its_tokens(
    session: Session, stored: Connection, network: Network
) -> None:
    repaired = await repair(session, stored, network, lambda _: None)

    assert (repaired.id, repaired.name, repaired.state) == (stored.id, stored.name, State.UNTESTED)
    fields = session.connections.fields(repaired, reason="test")
    assert fields["accessToken"] == Secret("gho_new")
    assert "refreshToken" not in fields, "it belonged to the old login"
    assert (await session.tests.run(stored.id, network)).outcome is Outcome.PASSED


async def test_repair_of_a_connection_that_was_edited_meanwhile_changes_nothing(
    session: Session, stored: Connection, network: Network
) -> None:
    """The tokens may belong to another host or app than the connection has now."""

    def edit(_: Prompt) -> None:
        session.connections.set_expiry(session.connections.get(stored.id), None)

    with pytest.raises(Conflict):
        await repair(session, stored, network, edit)
    assert session.connections.fields(stored, reason="test")["accessToken"] == Secret("gho_old")


def test_login_in_the_engine_ends_when_it_is_cancelled(session: Session, form: Form, vendor: GitHub) -> None:
    vendor.done = False
    engine = Engine(session, network=lambda: vendor.network("github.com"))
    engine.start()
    shown: list[Prompt] = []
    job = engine.run(lambda network: log_in(session, form, network, shown.append))
    assert vendor.polled.wait(timeout=30)

    job.cancel()
    engine.stop()

    assert job.future.cancelled()
    assert len(shown) == 1


def test_ways_of_methods(session: Session) -> None:
    assert ways(session.registry.get("github").method("oauth")) == (Way.DEVICE,)
    assert ways(session.registry.get("heroku").method("oauth")) == (Way.BROWSER, Way.PASTED)
    assert ways(session.registry.get("github").method("pat")) == ()


def test_both_forms_of_a_code_show_the_same_modules() -> None:
    """The half blocks and the ASCII form agree on every module, and have the eye of a code in three corners."""
    halves = {" ": (True, True), "▄": (True, False), "▀": (False, True), "█": (False, False)}
    drawn = [[halves[letter][half] for letter in line] for line in qr_lines(ADDRESS) for half in (0, 1)]
    ascii_lines = qr_lines(ADDRESS, ascii_only=True)
    plain = [[line[at : at + 2] == "  " for at in range(0, len(line), 2)] for line in ascii_lines]

    assert drawn[: len(plain)] == plain
    assert len(plain) == len(plain[0])
    side = len(plain)
    for top, left in ((2, 2), (2, side - 9), (side - 9, 2)):
        ring = "".join("#" if plain[top + row][left + column] else "." for row in range(7) for column in range(7))
        assert ring == "########.....##.###.##.###.##.###.##.....########"


def test_address_too_long_for_a_code_has_none() -> None:
    assert qr_lines("https://login.example.com/" + "x" * 3000) == ()
