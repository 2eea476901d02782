"""Tokens of stored logins: renewed before they are used, once, whoever asks and whatever is cut off."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Event, Lock
from typing import Any

import pytest

from jackfield.model.check import FailureKind, Outcome
from jackfield.model.connection import Connection, Scope
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.providers.contract.registry import _Source
from jackfield.services.connections import Changes, Definition
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.services.takeover import definition_of
from jackfield.services.tokens import LEASE_SECONDS, NotRenewed, oauth_client
from jackfield.store.store import utc_now
from providers.test_oauth import openid_provider
from support.servers.oauth import OpenId
from support.vendor import Answer, MiniatureVendor, Request

from .conftest import PASSPHRASE

USES = 50
HOSTS = ("github.com", "api.github.com")


class Rotating(MiniatureVendor):
    """GitHub's tokens: each refresh voids the access token and the refresh token before it.

    With `grace` the last refresh token is answered again. `during` is called while a refresh is answered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.number = 1
        self.refreshes = 0
        self.grace = False
        self.instead: Answer | None = None
        self.during: Any = lambda: None
        self.before_user: Any = lambda: None
        self._lock = Lock()
        self.post("/login/oauth/access_token")(self._refresh)
        self.get("/user")(self._user)
        self.get("/user/orgs")(lambda _: [])

    def _refresh(self, request: Request) -> Any:
        form = request.form()
        assert form["grant_type"] == "refresh_token"
        with self._lock:
            self.refreshes += 1
            if self.instead is not None:
                return self.instead
            known = {f"ghr_{self.number}"} | ({f"ghr_{self.number - 1}"} if self.grace else set())
            if form["refresh_token"] not in known:
                return {"error": "bad_refresh_token"}
            self.number += 1
            answer = {"access_token": f"ghu_{self.number}", "refresh_token": f"ghr_{self.number}", "expires_in": 28800}
        self.during()
        return answer

    def _user(self, request: Request) -> Any:
        self.before_user()
        if request.bearer != f"ghu_{self.number}":
            return Answer(401, json={"message": "Bad credentials"})
        return {"login": "ada", "id": 1}


@pytest.fixture
def vendor() -> Iterator[Rotating]:
    with Rotating() as world:
        yield world


@pytest.fixture
def network(vendor: Rotating) -> Network:
    return vendor.network(*HOSTS)


def logged_in(session: Session, scope: Scope, *, ends_in: timedelta = timedelta(seconds=-1)) -> Connection:
    ends = (datetime.now(UTC) + ends_in).isoformat(timespec="seconds")
    fields: dict[str, FieldValue] = {
        "clientId": "Ov23liAda",
        "accessToken": Secret("ghu_1"),
        "refreshToken": Secret("ghr_1"),
        "expiresAt": ends,
    }
    definition = Definition("hub", "github", "oauth", test_every_minutes=60)
    return session.connections.create(scope, definition, fields)


@pytest.fixture
def connection(session: Session, scope: Scope) -> Connection:
    """A login whose access token has ended."""
    return logged_in(session, scope)


def access_token(session: Session, connection: Connection) -> str:
    return revealed(session.connections.fields(connection, reason="test"))


def revealed(fields: dict[str, FieldValue]) -> str:
    value = fields["accessToken"]
    assert isinstance(value, Secret)
    return value.reveal()


async def test_the_new_pair_is_stored_before_it_is_used(
    session: Session, connection: Connection, vendor: Rotating, network: Network
) -> None:
    stored: list[str] = []
    vendor.before_user = lambda: stored.append(access_token(session, connection))

    result = await session.tests.run(connection.id, network)

    assert result.outcome is Outcome.PASSED
    assert stored == ["ghu_2"]
    noted = [entry.event for entry in session.audit.page(about=connection.id)]
    assert [event.outcome for event in noted if event.action == "credential.renew"] == ["done", "begun"]


async def test_a_token_that_holds_is_left_alone(
    session: Session, scope: Scope, vendor: Rotating, network: Network
) -> None:
    connection = logged_in(session, scope, ends_in=timedelta(hours=1))
    assert (await session.tests.run(connection.id, network)).outcome is Outcome.PASSED
    assert vendor.refreshes == 0


async def test_a_token_that_is_refused_before_its_end_is_renewed(
    session: Session, scope: Scope, vendor: Rotating, network: Network
) -> None:
    connection = logged_in(session, scope, ends_in=timedelta(hours=1))
    vendor.get("/user")(lambda request: Answer(401, json={}) if request.bearer == "ghu_1" else vendor._user(request))

    result = await session.tests.run(connection.id, network)

    assert (result.outcome, vendor.refreshes) == (Outcome.PASSED, 1)
    assert access_token(session, connection) == "ghu_2"


def test_of_many_threads_one_refreshes_and_all_get_its_token(
    session: Session, connection: Connection, vendor: Rotating
) -> None:
    together = Barrier(USES)

    def use(_: int) -> str:
        together.wait(timeout=30)
        return revealed(session.tokens.fields_now(connection, reason="exec", network=lambda: vendor.network(*HOSTS)))

    with ThreadPoolExecutor(USES) as pool:
        got = list(pool.map(use, range(USES)))

    assert vendor.refreshes == 1
    assert set(got) == {"ghu_2"}


PROGRAM = """
import asyncio, pathlib, sys
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import Costs
home, roots, port, connection_id, uses = sys.argv[1:]
redirect = {(host, 443): ("127.0.0.1", int(port)) for host in ("github.com", "api.github.com")}
session = Session.unlock(Home(pathlib.Path(home)), Secret(input()), floor=Costs(memory_kib=16, passes=1, lanes=1))
connection = session.connections.get(connection_id)
print("ready", flush=True)
input()
async def main():
    network = Network(roots=pathlib.Path(roots).read_text(), redirect=redirect)
    async with asyncio.TaskGroup() as group:
        wanted = [session.tokens.fields(connection, network, reason="test") for _ in range(int(uses))]
        tasks = [group.create_task(one) for one in wanted]
    print(*{task.result()["accessToken"].reveal() for task in tasks}, flush=True)
asyncio.run(main())
session.lock()
"""


def start(home: Home, vendor: Rotating, folder: Path, connection: Connection, uses: int) -> "subprocess.Popen[str]":
    """A process with its own session on the home, which waits for a line before it uses the connection."""
    roots = folder / "roots.pem"
    roots.write_text(vendor.authority.ca_pem)
    words = [str(home.folder), str(roots), str(vendor.port), connection.id, str(uses)]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{PASSPHRASE.reveal()}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    return process


def test_of_two_processes_one_refreshes_and_both_get_its_token(
    home: Home, session: Session, connection: Connection, vendor: Rotating, tmp_path: Path
) -> None:
    both = [start(home, vendor, tmp_path, connection, USES // 2) for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    got = [process.communicate(timeout=60)[0].split() for process in both]

    assert got == [["ghu_2"], ["ghu_2"]]
    assert vendor.refreshes == 1
    assert access_token(session, connection) == "ghu_2"


@pytest.fixture
def cut_off(home: Home, session: Session, connection: Connection, vendor: Rotating, tmp_path: Path) -> Connection:
    """A connection whose refresh was answered to a process that was killed before it had the answer."""
    process = start(home, vendor, tmp_path, connection, 1)
    vendor.during = process.kill
    process.communicate("go\n", timeout=60)
    vendor.during = lambda: None
    session.store._clock = lambda: utc_now() + timedelta(seconds=LEASE_SECONDS + 1)
    return connection


async def test_a_refresh_whose_answer_was_lost_ends_in_words(
    session: Session, cut_off: Connection, vendor: Rotating, network: Network
) -> None:
    assert (vendor.refreshes, access_token(session, cut_off)) == (1, "ghu_1")

    result = await session.tests.run(cut_off.id, network)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.EXPIRED
    assert "may have been ended by a refresh whose answer was lost" in result.failure.message
    assert result.failure.next_step == "Log in again."
    assert session.connections.get(cut_off.id).automatic_tests_stopped
    with pytest.raises(NotRenewed, match="answer was lost"):
        await session.tokens.fields(cut_off, network, reason="exec")
    assert vendor.refreshes == 2


async def test_a_vendor_that_answers_the_lost_refresh_again_saves_the_session(
    session: Session, cut_off: Connection, vendor: Rotating, network: Network
) -> None:
    vendor.grace = True
    assert (await session.tests.run(cut_off.id, network)).outcome is Outcome.PASSED
    assert access_token(session, cut_off) == "ghu_3"


async def test_a_session_that_is_over_is_not_asked_for_again(
    session: Session, connection: Connection, vendor: Rotating, network: Network
) -> None:
    vendor.number = 7
    result = await session.tests.run(connection.id, network)
    assert result.failure is not None
    assert result.failure.message == "GitHub does not take up this session again."
    with pytest.raises(NotRenewed):
        await session.tokens.fields(connection, network, reason="exec")
    assert vendor.refreshes == 1


async def test_new_tokens_of_a_login_end_the_trouble(
    session: Session, connection: Connection, vendor: Rotating, network: Network
) -> None:
    vendor.number = 7
    await session.tests.run(connection.id, network)
    changes: dict[str, FieldValue] = {"accessToken": Secret("ghu_7"), "refreshToken": Secret("ghr_7")}
    now = session.connections.get(connection.id)
    session.connections.edit(now, Changes(definition_of(now), changes))

    assert (await session.tests.run(connection.id, network)).outcome is Outcome.PASSED


async def test_a_token_that_holds_a_little_longer_serves_while_the_vendor_is_busy(
    session: Session, scope: Scope, vendor: Rotating, network: Network
) -> None:
    connection = logged_in(session, scope, ends_in=timedelta(minutes=1))
    vendor.instead = Answer(503)
    assert (await session.tests.run(connection.id, network)).outcome is Outcome.PASSED
    vendor.instead = None
    assert (await session.tests.run(connection.id, network)).outcome is Outcome.PASSED
    assert access_token(session, connection) == "ghu_2"


async def test_a_busy_vendor_ends_nothing(
    session: Session, connection: Connection, vendor: Rotating, network: Network
) -> None:
    vendor.instead = Answer(503)
    result = await session.tests.run(connection.id, network)
    assert result.failure is not None
    assert result.failure.kind is FailureKind.VENDOR_FAULT
    assert not session.connections.get(connection.id).automatic_tests_stopped
    vendor.instead = None
    assert (await session.tests.run(connection.id, network)).outcome is Outcome.PASSED


async def test_a_use_that_is_cancelled_loses_no_token(
    session: Session, connection: Connection, vendor: Rotating, network: Network
) -> None:
    asked, go_on = Event(), Event()

    def hold() -> None:
        asked.set()
        go_on.wait(timeout=30)

    vendor.during = hold
    use = asyncio.ensure_future(session.tokens.fields(connection, network, reason="test"))
    await asyncio.to_thread(asked.wait, 30)
    use.cancel()
    with pytest.raises(asyncio.CancelledError):
        await use
    go_on.set()
    await asyncio.gather(*session.tokens._under_way)

    assert access_token(session, connection) == "ghu_2"


async def test_a_login_meanwhile_wins(
    session: Session, connection: Connection, vendor: Rotating, network: Network
) -> None:
    """What a login stored while a refresh was under way is not replaced by what the refresh brings."""
    changes: dict[str, FieldValue] = {"accessToken": Secret("ghu_login"), "refreshToken": Secret("ghr_login")}
    vendor.during = lambda: session.connections.edit(connection, Changes(definition_of(connection), changes))

    got = await session.tokens.fields(connection, network, reason="test")

    assert revealed(got) == "ghu_login"
    assert access_token(session, connection) == "ghu_login"


async def test_many_uses_of_a_real_provider_refresh_once(session: Session, scope: Scope, openid: OpenId) -> None:
    """oidc-provider voids a whole login when a refresh token is used twice: a token that works proves one refresh."""
    session.registry._loaded["openid"] = openid_provider(openid.url)
    session.registry._sources["openid"] = _Source(Path("openid.yaml"), "", own=True)
    network = Network(roots=openid.ca_pem)
    provider = session.registry.get("openid")
    prompts: list[Any] = []
    login = oauth_client(
        provider, provider.method("oauth"), {"clientId": "terminal"}, network, organization_id="", private_allowed=True
    )

    async def log_in() -> dict[str, FieldValue]:
        visits: list[asyncio.Future[str]] = []

        def show(prompt: Any) -> None:
            prompts.append(prompt)
            visits.append(asyncio.ensure_future(asyncio.to_thread(openid.visit, prompt.url)))

        obtained = await login.log_in_by_browser(show)
        await visits[0]
        return obtained

    fields = {"clientId": "terminal", **await log_in(), "expiresAt": "2020-01-01T00:00:00+00:00"}
    connection = session.connections.create(
        scope, Definition("id", "openid", "oauth", private_address_allowed=True), fields
    )

    async with asyncio.TaskGroup() as group:
        uses = [group.create_task(session.tokens.fields(connection, network, reason="test")) for _ in range(USES)]

    tokens = {revealed(use.result()) for use in uses}
    assert len(tokens) == 1
    assert openid.whose(tokens.pop()) == "ada"
