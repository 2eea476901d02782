"""Logins from a terminal: against a real OpenID provider, and against GitHub's habit of answering errors with 200."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from jackfield.model.check import FailureKind
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient, Reply
from jackfield.net.network import Network
from jackfield.net.trace import Trace
from jackfield.providers.contract.oauth import BrowserPrompt, DevicePrompt, LoginFailed, OAuthClient, Send
from jackfield.providers.contract.spec import Provider
from providers.contract import REGISTRY
from support.servers.oauth import OpenId
from support.vendor import Answer, MiniatureVendor, Request

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """Time that passes only while somebody sleeps; `then` are run one by one after each sleep."""

    def __init__(self, *then: Callable[[], Any]) -> None:
        self.time = START
        self.waits: list[float] = []
        self._then = list(then)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += timedelta(seconds=seconds)
        if self._then:
            await asyncio.to_thread(self._then.pop(0))


async def forever(seconds: float) -> None:
    """A sleep that outlasts every test."""
    await asyncio.Event().wait()


def sending(network: Network) -> Send:
    """Posts a form with a deadline of its own, as a service does."""

    async def send(method: str, url: str, /, *, form: Any) -> Reply:
        async with HttpClient(network, deadline=Deadline(), trace=Trace(), private_allowed=True) as client:
            return await client.request(method, url, form=form)

    return send


def openid_provider(url: str) -> Provider:
    """A provider whose logins are those of the OpenID provider at `url`."""
    named = {"scope": "openid offline_access", "client_id": "{clientId}"}
    return Provider.model_validate(
        {
            "slug": "openid", "name": "OpenID", "category": "Identity", "base_url": url,
            "documentation": {"credentials": url, "permissions": url},
            "tested": {"kind": "real-server", "against": "oidc-provider"},
            "methods": [
                {
                    "id": "oauth", "name": "OAuth", "guide": ["Log in."], "auth": {"bearer": "accessToken"},
                    "fields": [
                        {"name": "clientId", "label": "Client ID", "required": True},
                        {"name": "accessToken", "label": "Token", "kind": "secret", "required": True, "obtained": True},
                        {"name": "refreshToken", "label": "Refresh", "kind": "secret", "obtained": True},
                        {"name": "expiresAt", "label": "Expires", "obtained": True},
                    ],
                    "oauth": {
                        "device": {"start": f"{url}/device/auth", "poll": f"{url}/token", **named},
                        "loopback": {
                            "authorize": f"{url}/auth", "token": f"{url}/token",
                            "extra": {"prompt": "consent"}, **named,
                        },
                        "stores": {
                            "accessToken": "answer.access_token",
                            "refreshToken": "answer.refresh_token",
                            "expiresAt": "answer.expires_at",
                        },
                        "refresh": True,
                    },
                }
            ],
            "facts": {"me": {"get": "/me", "effect": "introspect"}},
            "proof": {"fact": "me", "is": "me.status == 200"},
            "uses": [
                {
                    "id": "other/none", "feature": "other", "title": "None", "no_snippet": "nothing to paste",
                    "permissions": [
                        {"name": "none", "why": "-", "verified": "-", "unreadable": [{"when": "true", "why": "-"}]},
                    ],
                }
            ],
            "excess_unreadable": "nothing is granted",
        }
    )  # fmt: skip


def client(openid: OpenId, clock: Clock | None = None, **fields: FieldValue) -> OAuthClient:
    provider = openid_provider(openid.url)
    network = Network(roots=openid.ca_pem)
    times: dict[str, Any] = {"now": clock.now, "sleep": clock.sleep} if clock else {"sleep": forever}
    return OAuthClient(
        provider, provider.method("oauth"), {"clientId": "terminal", **fields}, sending(network), **times
    )


def revealed(value: FieldValue) -> str:
    assert isinstance(value, Secret)
    return value.reveal()


class TestDeviceLogin:
    async def test_code_that_is_entered_gives_tokens_that_work(self, openid: OpenId) -> None:
        """One poll comes too early, the person agrees, the next poll brings the tokens."""
        prompts: list[DevicePrompt] = []
        clock = Clock(lambda: None, lambda: openid.visit(prompts[0].verification_uri_complete))

        stored = await client(openid, clock).log_in_by_device(prompts.append)

        assert openid.whose(revealed(stored["accessToken"])) == "ada"
        assert prompts[0].user_code in prompts[0].verification_uri_complete
        assert prompts[0].expires_at == START + timedelta(seconds=600)
        assert clock.waits == [6.0, 6.0]
        assert stored["expiresAt"] == (clock.time + timedelta(seconds=7200)).isoformat(timespec="seconds")

    async def test_refusal_ends_it(self, openid: OpenId) -> None:
        """The person presses Abort: the login says so and asks no more."""
        prompts: list[DevicePrompt] = []
        clock = Clock(lambda: openid.visit(prompts[0].verification_uri_complete, refuse=True))

        with pytest.raises(LoginFailed, match="refused") as failed:
            await client(openid, clock).log_in_by_device(prompts.append)

        assert failed.value.error == "access_denied"

    async def test_client_id_that_nobody_knows_is_named(self, openid: OpenId) -> None:
        """The vendor refuses the app before any code is shown."""
        with pytest.raises(LoginFailed, match="does not know this client ID"):
            await client(openid, Clock(), clientId="nobody").log_in_by_device(lambda _: None)


class TestBrowserLogin:
    async def test_browser_that_comes_back_gives_tokens_that_work(self, openid: OpenId) -> None:
        """The provider demands PKCE and sends the browser to a free port of this machine."""
        visits: list[asyncio.Future[str]] = []

        def show(prompt: BrowserPrompt) -> None:
            visits.append(asyncio.ensure_future(asyncio.to_thread(openid.visit, prompt.url)))

        stored = await client(openid).log_in_by_browser(show)

        assert openid.whose(revealed(stored["accessToken"])) == "ada"
        assert (await visits[0]).startswith("http://127.0.0.1:")

    async def test_refusal_in_the_browser_is_told(self, openid: OpenId) -> None:
        """The browser comes back with an error instead of a code."""
        visits: list[asyncio.Future[str]] = []

        def show(prompt: BrowserPrompt) -> None:
            visits.append(asyncio.ensure_future(asyncio.to_thread(openid.visit, prompt.url, refuse=True)))

        with pytest.raises(LoginFailed, match="refused"):
            await client(openid).log_in_by_browser(show)

        await visits[0]

    async def test_pasted_address_serves_where_the_browser_is_on_another_machine(self, openid: OpenId) -> None:
        """Over SSH the browser ends at an address that does not open there; pasting it finishes the login."""
        pasted: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def show(prompt: BrowserPrompt) -> None:
            pasted.set_result(f"  {openid.visit(prompt.url, elsewhere=True)}\n")

        stored = await client(openid).log_in_by_browser(show, pasted)

        assert openid.whose(revealed(stored["accessToken"])) == "ada"

    async def test_bare_code_may_be_pasted(self, openid: OpenId) -> None:
        """Just the code out of the address is enough: the verifier ties it to this login."""
        pasted: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def show(prompt: BrowserPrompt) -> None:
            ended = urlsplit(openid.visit(prompt.url, elsewhere=True))
            pasted.set_result(parse_qs(ended.query)["code"][0])

        stored = await client(openid).log_in_by_browser(show, pasted)

        assert openid.whose(revealed(stored["accessToken"])) == "ada"

    async def test_answer_of_another_login_is_refused(self, openid: OpenId) -> None:
        """A request with a code and a state that is not ours ends the login; nothing is exchanged."""

        def show(prompt: BrowserPrompt) -> None:
            back = parse_qs(urlsplit(prompt.url).query)["redirect_uri"][0]
            visits.append(asyncio.ensure_future(asyncio.to_thread(httpx.get, f"{back}/?code=stolen&state=other")))

        visits: list[asyncio.Future[httpx.Response]] = []
        with pytest.raises(LoginFailed, match="another login"):
            await client(openid).log_in_by_browser(show)

        assert "stolen" not in (await visits[0]).text

    async def test_nothing_listens_when_it_is_over(self, openid: OpenId) -> None:
        """Icons and strange paths are waited past; cancelling closes the port."""
        prompts: list[BrowserPrompt] = []
        login = asyncio.ensure_future(client(openid).log_in_by_browser(prompts.append))
        while not prompts:
            await asyncio.sleep(0)
        back = parse_qs(urlsplit(prompts[0].url).query)["redirect_uri"][0]
        async with httpx.AsyncClient(trust_env=False) as browser:
            strange = [await browser.get(f"{back}{path}") for path in ("/favicon.ico", "/", "/other?code=x")]
            strange.append(await browser.post(f"{back}/?code=x"))

            login.cancel()
            with pytest.raises(asyncio.CancelledError):
                await login

            with pytest.raises(httpx.ConnectError):
                await browser.get(back)
        assert [reply.status_code for reply in strange] == [404, 404, 404, 404]

    async def test_patience_ends(self, openid: OpenId) -> None:
        """Nobody comes back within ten minutes."""
        clock = Clock()

        with pytest.raises(LoginFailed, match="not finished in time"):
            await client(openid, clock).log_in_by_browser(lambda _: None)

        assert clock.waits == [600.0]

    @pytest.mark.parametrize(
        "pasted", ["http://127.0.0.1:9", "http://127.0.0.1:9/?state=x", "two words", "", "http://["]
    )
    async def test_paste_without_a_code_is_refused(self, openid: OpenId, pasted: str) -> None:
        """What holds no code, or another login's, is told without asking the vendor."""
        with pytest.raises(LoginFailed, match="What came back"):
            await client(openid).log_in_by_browser(lambda _: None, asyncio.sleep(0, pasted))


class TestRefresh:
    async def test_new_pair_replaces_the_old_one(self, openid: OpenId) -> None:
        """Each refresh gives a new pair; the old refresh token opens nothing any more."""
        prompts: list[DevicePrompt] = []
        clock = Clock(lambda: openid.visit(prompts[0].verification_uri_complete))
        first = await client(openid, clock).log_in_by_device(prompts.append)

        second = await client(openid, clock, **first).refresh()

        assert openid.whose(revealed(second["accessToken"])) == "ada"
        assert revealed(second["refreshToken"]) != revealed(first["refreshToken"])
        with pytest.raises(LoginFailed) as failed:
            await client(openid, clock, **first).refresh()
        assert failed.value.session_is_over

    async def test_without_a_refresh_token_only_a_login_helps(self, openid: OpenId) -> None:
        """A connection that never had one is told to log in; nothing is sent."""
        with pytest.raises(LoginFailed, match="Log in again"):
            await client(openid, Clock()).refresh()


GRANTED = {"access_token": "gho_new", "token_type": "bearer", "scope": "repo"}


class Login(MiniatureVendor):
    """GitHub's device login: every answer has status 200, errors too. `answers` are given to polls in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.polls: list[Any] = []
        self.started: Any = {
            "device_code": "3584d83530557fdd1f46af8289938c8ef79f9dc5", "user_code": "WDJB-MJHT",
            "verification_uri": "https://github.com/login/device", "expires_in": 900, "interval": 5,
        }  # fmt: skip
        self.post("/login/device/code")(self._start)
        self.post("/login/oauth/access_token")(self._poll)

    def _start(self, request: Request) -> Any:
        assert request.form() == {"client_id": "Ov23liAda", "scope": "repo"}
        assert request.headers["accept"] == "application/json"
        return self.started

    def _poll(self, request: Request) -> Any:
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        code = self.started["device_code"]
        assert request.form() == {"client_id": "Ov23liAda", "device_code": code, "grant_type": grant}
        return self.polls.pop(0)


@pytest.fixture
def github() -> Iterator[Login]:
    with Login() as vendor:
        yield vendor


def github_login(vendor: Login, clock: Clock, send: Send | None = None, **fields: FieldValue) -> OAuthClient:
    provider = REGISTRY.get("github")
    return OAuthClient(
        provider, provider.method("oauth"), {"clientId": "Ov23liAda", "scope": "repo", **fields},
        send or sending(vendor.network("github.com", "ghe.example.com")), now=clock.now, sleep=clock.sleep,
    )  # fmt: skip


async def test_vendor_that_answers_errors_with_200_sets_the_pace(github: Login) -> None:
    """Pending goes on at the same pace, slow_down adds five seconds or takes the new interval, always with a margin."""
    clock = Clock()
    github.polls = [
        {"error": "authorization_pending"}, {"error": "slow_down", "interval": 10}, {"error": "slow_down"}, GRANTED,
    ]  # fmt: skip

    stored = await github_login(github, clock).log_in_by_device(lambda _: None)

    assert stored == {"accessToken": Secret("gho_new")}
    assert clock.waits == [6.0, 6.0, 12.0, 18.0]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("access_denied", "refused"),
        ("expired_token", "in time"),
        ("incorrect_device_code", "does not know this login"),
        ("device_flow_disabled", "may not log in this way"),
        ("unsupported_grant_type", "may not log in this way"),
        ("incorrect_client_credentials", "client ID"),
        ("something_new", "GitHub refused the login"),
    ],
)
async def test_every_refusal_of_a_poll_stops_it(github: Login, error: str, says: str) -> None:
    """An error with status 200 is an error: each ends the login in words of its own."""
    github.polls = [{"error": error, "error_description": "gho_secret"}]

    with pytest.raises(LoginFailed, match=says) as failed:
        await github_login(github, Clock()).log_in_by_device(lambda _: None)

    assert failed.value.error == error
    assert failed.value.next_step
    assert "gho_secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"error": "device_flow_disabled"}, "may not log in this way"),
        (
            {"device_code": "x", "user_code": "y", "verification_uri": "http://github.com/login/device"},
            "without a code",
        ),
        ({"device_code": "x"}, "without a code"),
        (Answer(200, body="<html>Sign in</html>", content_type="text/html"), "not the login of GitHub"),
        (Answer(404, json={"error": "Not Found"}), "refused the login"),
        (Answer(503, body="down"), "cannot answer just now"),
    ],
)
async def test_start_that_is_no_start_shows_no_code(github: Login, answer: Any, says: str) -> None:
    """A wrong host, a switched-off app or an address that is no https page: nothing is shown to the person."""
    github.started = answer
    shown: list[DevicePrompt] = []

    with pytest.raises(LoginFailed, match=says):
        await github_login(github, Clock()).log_in_by_device(shown.append)

    assert shown == []


async def test_code_that_nobody_enters_expires(github: Login) -> None:
    """The code lives as long as the vendor says; then the login ends by itself."""
    github.started = {**github.started, "expires_in": 20}
    github.polls = [{"error": "authorization_pending"}] * 10
    clock = Clock()

    with pytest.raises(LoginFailed, match="not finished in time"):
        await github_login(github, clock).log_in_by_device(lambda _: None)

    assert sum(clock.waits) == 24


async def test_vendor_in_trouble_is_asked_less_often(github: Login) -> None:
    """A fault, a rate limit and a lost connection in between do not end the login; they slow it down."""
    github.polls = [Answer(503), Answer(429, headers={"retry-after": "30"}), GRANTED]
    clock = Clock()
    post = sending(github.network("github.com"))
    lost = [False, True]

    async def send(method: str, url: str, /, *, form: Any) -> Reply:
        if lost and lost.pop(0):
            raise NetFailure(FailureKind.UNREACHABLE, "github.com did not answer.", "Wait.")
        return await post(method, url, form=form)

    await github_login(github, clock, send).log_in_by_device(lambda _: None)

    assert clock.waits == [6.0, 12.0, 24.0, 48.0]


async def test_certificate_that_is_not_trusted_ends_it() -> None:
    """A failure that waiting cannot heal is raised as it is."""

    async def send(method: str, url: str, /, *, form: Any) -> Reply:
        raise NetFailure(FailureKind.TLS, "The certificate is self-signed.", "Check it.")

    with Login() as vendor, pytest.raises(NetFailure):
        await github_login(vendor, Clock(), send).log_in_by_device(lambda _: None)


async def test_enterprise_server_is_logged_in_to_at_its_own_host(github: Login) -> None:
    """The fields say where the login lives."""
    github.polls = [GRANTED]
    asked: list[str] = []
    post = sending(github.network("ghe.example.com"))

    def send(method: str, url: str, /, *, form: Any) -> Awaitable[Reply]:
        asked.append(url)
        return post(method, url, form=form)

    login = github_login(github, Clock(), send, instanceType="server", host="ghe.example.com")
    await login.log_in_by_device(lambda _: None)

    assert {urlsplit(url).hostname for url in asked} == {"ghe.example.com"}


async def test_login_can_be_cancelled_while_it_waits(github: Login) -> None:
    """Nothing swallows a cancellation between two polls."""
    provider = REGISTRY.get("github")
    shown = asyncio.Event()
    login = OAuthClient(
        provider, provider.method("oauth"), {"clientId": "Ov23liAda", "scope": "repo"},
        sending(github.network("github.com")), sleep=forever,
    )  # fmt: skip
    waiting = asyncio.ensure_future(login.log_in_by_device(lambda _: shown.set()))
    await shown.wait()

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(github.requests) == 1
