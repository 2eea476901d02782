"""Logging in to a vendor from a terminal, and staying logged in.

    OAuthClient      what a caller uses: log in by device (RFC 8628) or by browser (RFC 8252 with PKCE), refresh
    DeviceLogin      the protocol of one device login, without sockets and clocks
    BrowserLogin     the protocol of one browser login, likewise

Nothing is stored here. A refresh may end the old tokens at once, so whoever calls it holds a lock over the connection
and stores what it returns before using it.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from jackfield.model.check import FailureKind
from jackfield.model.errors import Refused
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.failure import NetFailure
from jackfield.net.http import Reply
from jackfield.providers.contract.expression import Template
from jackfield.providers.contract.fields import defaults, rule_names
from jackfield.providers.contract.loopback import LoopbackListener
from jackfield.providers.contract.spec import Device, Loopback, Method, OAuth, Provider
from jackfield.providers.contract.values import NOTHING
from jackfield.text import cleaned

INTERVAL: Final = 5.0  # seconds between polls where the vendor names none
SLOWER: Final = 5.0  # seconds that slow_down adds
MARGIN: Final = 1.2  # clocks of virtual machines run fast, and a poll too early earns slow_down again
LONGEST_WAIT: Final = 60.0
BROWSER_LIFE: Final = timedelta(minutes=10)
DEVICE_LIFE: Final = 900.0  # seconds a code lives where the vendor does not say
_VERIFIER_LENGTH: Final = 64
_WAIT: Final = frozenset({"authorization_pending", "slow_down"})


class LoginFailed(Refused):
    """A login or refresh that the vendor or the person refused; `error` is the OAuth word for it, if it has one."""

    def __init__(self, message: str, next_step: str = "", *, error: str = "") -> None:
        super().__init__(message, next_step)
        self.error = error

    @property
    def session_is_over(self) -> bool:
        """Whether only a new login helps."""
        return self.error in {"invalid_grant", "bad_refresh_token"}


@dataclass(frozen=True, slots=True)
class DevicePrompt:
    """What the person does on any device: open the address and type the code."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str  # with the code in it; empty where the vendor gives none
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BrowserPrompt:
    """What the person opens in a browser; the address it ends at may be pasted where the browser is elsewhere."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A form to be posted; it may hold secrets, which no repr shows."""

    url: str
    form: Mapping[str, str] = field(repr=False)


class Send(Protocol):
    """Posts a form; `HttpClient.request` is one. Raises NetFailure."""

    def __call__(self, method: str, url: str, /, *, form: Mapping[str, str]) -> Awaitable[Reply]: ...


class OAuthClient:
    """Logins and refreshes of one connection. Everything it waits for can be cancelled.

    `fields` are the connection's, typed; what comes back are the fields to store. Each method raises LoginFailed and
    NetFailure.
    """

    def __init__(
        self, provider: Provider, method: Method, fields: Mapping[str, FieldValue], send: Send, *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        if method.oauth is None:
            msg = f"{provider.slug}: {method.id} has no login"
            raise ValueError(msg)
        self._vendor = provider.name
        self._method = method
        self._oauth: OAuth = method.oauth
        given = {**defaults(method), **fields}
        self._names = {one.name: "" for one in method.fields} | rule_names(method.id, given)
        self._send = send
        self._now = now
        self._sleep = sleep

    async def log_in_by_device(self, show: Callable[[DevicePrompt], None]) -> dict[str, FieldValue]:
        """Show a code, then ask the vendor at its pace until the person has entered it."""
        if self._oauth.device is None:
            msg = f"{self._method.id} has no device login"
            raise ValueError(msg)
        login = DeviceLogin(self._vendor, self._oauth.device, self._names)
        prompt = login.started(await self._post(login.start()), self._now())
        show(prompt)
        while True:
            await self._sleep(login.wait)
            if self._now() >= prompt.expires_at:
                raise _failed(self._vendor, "expired_token")
            try:
                answer = login.polled(await self._post(login.poll()))
            except NetFailure as failure:
                if failure.kind is not FailureKind.UNREACHABLE:
                    raise
                login.back_off()
                continue
            if answer is not None:
                return self._to_store(answer)

    async def log_in_by_browser(
        self, show: Callable[[BrowserPrompt], None], pasted: Awaitable[str] | None = None
    ) -> dict[str, FieldValue]:
        """Send the person to the vendor and wait for the browser, or for the pasted address or code, to come back."""
        if self._oauth.loopback is None:
            msg = f"{self._method.id} has no browser login"
            raise ValueError(msg)
        async with LoopbackListener() as listener:
            login = BrowserLogin(self._vendor, self._oauth.loopback, self._names, listener.address)
            show(BrowserPrompt(login.url, self._now() + BROWSER_LIFE))
            came_back = await self._first_of(listener.answer(), pasted)
        request = login.came_back(came_back)
        return self._to_store(_token_answer(self._vendor, await self._post(request)))

    async def refresh(self) -> dict[str, FieldValue]:
        """New tokens for old. The old ones may be void from here on: store these before any use."""
        from oauthlib.oauth2 import WebApplicationClient

        flow = self._oauth.device or self._oauth.loopback
        refresh_token = str(self._names.get("refreshToken", ""))
        if flow is None or not self._oauth.refresh or not refresh_token:
            raise _failed(self._vendor, "invalid_grant")
        address = flow.poll if isinstance(flow, Device) else flow.token
        client = WebApplicationClient(_filled(flow.client_id, self._names))
        body = client.prepare_refresh_body(
            refresh_token=refresh_token, client_id=client.client_id, **_client(flow, self._names)
        )
        request = TokenRequest(_filled(address, self._names), dict(parse_qsl(body)))
        return self._to_store(_token_answer(self._vendor, await self._post(request)))

    async def _post(self, request: TokenRequest) -> Reply:
        return await self._send("POST", request.url, form=request.form)

    async def _first_of(self, arrived: Awaitable[str], pasted: Awaitable[str] | None) -> str:
        ways = [asyncio.ensure_future(way) for way in (arrived, pasted) if way is not None]
        patience = asyncio.ensure_future(self._sleep(BROWSER_LIFE.total_seconds()))
        try:
            await asyncio.wait((*ways, patience), return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                if way.done():
                    return way.result()
            raise _failed(self._vendor, "expired_token")
        finally:
            for one in (*ways, patience):
                one.cancel()
            await asyncio.gather(*ways, patience, return_exceptions=True)

    def _to_store(self, answer: Mapping[str, Any]) -> dict[str, FieldValue]:
        """The fields of `stores` that this answer gives; a refresh may leave some as they were."""
        known = {name: value for name, value in answer.items() if name != "expires_at"}
        if life := _seconds(answer, "expires_in"):
            known["expires_at"] = (self._now() + timedelta(seconds=life)).isoformat(timespec="seconds")
        found: dict[str, FieldValue] = {}
        for one in self._method.fields:
            rule = self._oauth.stores.get(one.name)
            value = rule.evaluate({**self._names, "answer": known}) if rule is not None else NOTHING
            if value is NOTHING or value is None or value == "":
                if rule is not None and one.required:
                    raise _failed(self._vendor, "missing_token")
                continue
            found[one.name] = Secret(str(value)) if one.is_secret else str(value)
        return found


class DeviceLogin:
    """RFC 8628 from start to end: what to send, what the answers mean, how long to wait."""

    def __init__(self, vendor: str, flow: Device, names: Mapping[str, object]) -> None:
        from oauthlib.oauth2 import DeviceClient

        self._vendor = vendor
        self._flow = flow
        self._names = names
        self._client = DeviceClient(_filled(flow.client_id, names))
        self._code = ""
        self._interval = INTERVAL

    @property
    def wait(self) -> float:
        """Seconds until the next poll."""
        return self._interval * MARGIN

    def start(self) -> TokenRequest:
        form = {"client_id": self._client.client_id, "scope": _filled(self._flow.scope, self._names)}
        return TokenRequest(_filled(self._flow.start, self._names), {name: text for name, text in form.items() if text})

    def started(self, reply: Reply, now: datetime) -> DevicePrompt:
        """What to show the person. Raises LoginFailed."""
        body = _object(self._vendor, reply)
        if "error" in body:
            raise _failed(self._vendor, body["error"])
        texts = {name: cleaned(str(body.get(name) or ""), limit=2_000, lines=False) for name in _PROMPT}
        self._code = str(body.get("device_code") or "")
        if not (self._code and texts["user_code"] and _is_page(texts["verification_uri"])):
            raise _failed(self._vendor, "no_code")
        self._interval = _seconds(body, "interval") or INTERVAL
        whole = texts["verification_uri_complete"]
        return DevicePrompt(
            texts["user_code"],
            texts["verification_uri"],
            whole if _is_page(whole) else "",
            now + timedelta(seconds=_seconds(body, "expires_in") or DEVICE_LIFE),
        )

    def poll(self) -> TokenRequest:
        body = self._client.prepare_request_body(self._code, include_client_id=True, **_client(self._flow, self._names))
        return TokenRequest(_filled(self._flow.poll, self._names), dict(parse_qsl(body)))

    def polled(self, reply: Reply) -> dict[str, Any] | None:
        """The token answer; None while the person has not finished. Raises LoginFailed."""
        if _is_busy(reply):
            self.back_off(reply.retry_after or 0)
            return None
        body = _object(self._vendor, reply)
        if body.get("error") not in _WAIT:
            return _token_answer(self._vendor, reply)
        if body["error"] == "slow_down":
            self._interval = max(self._interval + SLOWER, _seconds(body, "interval"))
        return None

    def back_off(self, at_least: float = 0) -> None:
        """Wait longer after an answer that never came."""
        self._interval = min(max(self._interval * 2, at_least), LONGEST_WAIT)


class BrowserLogin:
    """The authorization code grant with PKCE: the address to open, and the request that exchanges what comes back."""

    def __init__(self, vendor: str, flow: Loopback, names: Mapping[str, object], redirect_uri: str) -> None:
        from oauthlib.oauth2 import WebApplicationClient

        self._vendor = vendor
        self._flow = flow
        self._names = names
        self._redirect_uri = redirect_uri
        self._state = secrets.token_urlsafe(32)
        self._client = WebApplicationClient(_filled(flow.client_id, names))
        self._verifier: str = self._client.create_code_verifier(_VERIFIER_LENGTH)

    @property
    def url(self) -> str:
        """The address of the vendor's login."""
        return str(
            self._client.prepare_request_uri(
                _filled(self._flow.authorize, self._names),
                redirect_uri=self._redirect_uri,
                scope=_filled(self._flow.scope, self._names) or None,
                state=self._state,
                code_challenge=self._client.create_code_challenge(self._verifier, "S256"),
                code_challenge_method="S256",
                **self._flow.extra,
            )
        )

    def came_back(self, pasted: str) -> TokenRequest:
        """The exchange for the address the browser ended at, or for the bare code. Raises LoginFailed.

        A bare code carries no state; the verifier that never left this process still ties it to this login.
        """
        from oauthlib.oauth2 import OAuth2Error

        text = pasted.strip()
        try:
            query = urlsplit(text).query
        except ValueError:  # no address
            query = ""
        if query or "://" in text:
            try:
                # oauthlib asks for https here; on loopback the address itself is plain http, as RFC 8252 has it.
                text = self._client.parse_request_uri_response(f"https://127.0.0.1/?{query}", self._state)["code"]
            except OAuth2Error as error:
                raise _failed(self._vendor, error.error) from None
        if not re.fullmatch(r"[\x21-\x7e]+", text):
            raise _failed(self._vendor, "missing_code")
        named: dict[str, Any] = _client(self._flow, self._names)
        body = self._client.prepare_request_body(text, self._redirect_uri, code_verifier=self._verifier, **named)
        return TokenRequest(_filled(self._flow.token, self._names), dict(parse_qsl(body)))


_PROMPT: Final = ("user_code", "verification_uri", "verification_uri_complete")

# OAuth's words, and a few of vendors and of ours: what happened, and what to do.
_REFUSED: Final = ("The login was refused at {vendor}.", "Log in again and allow the access.")
_TOO_LATE: Final = ("The login was not finished in time.", "Start it again.")
_OVER: Final = ("{vendor} does not take up this session again.", "Log in again.")
_NO_APP: Final = ("{vendor} does not know this client ID.", "Copy it again from the app's settings.")
_NOT_THIS_WAY: Final = ("This app may not log in this way.", "Allow it in the app's settings at {vendor}.")
_SAYS: Final = {
    "access_denied": _REFUSED,
    "authorization_declined": _REFUSED,
    "expired_token": _TOO_LATE,
    "code_expired": _TOO_LATE,
    "invalid_grant": _OVER,
    "bad_refresh_token": _OVER,
    "invalid_client": _NO_APP,
    "incorrect_client_credentials": _NO_APP,
    "unauthorized_client": _NOT_THIS_WAY,
    "device_flow_disabled": _NOT_THIS_WAY,
    "unsupported_grant_type": _NOT_THIS_WAY,
    "invalid_scope": ("The app may not ask for these scopes.", "Allow them in the app's settings at {vendor}."),
    "redirect_uri_mismatch": ("The app does not accept this machine's address.", "Register http://127.0.0.1 for it."),
    "incorrect_device_code": ("{vendor} does not know this login any more.", "Start it again."),
    "mismatching_state": ("What came back belongs to another login.", "Start it again, and finish the page it opens."),
    "missing_code": ("What came back holds no code.", "Paste the whole address of the page the browser ended at."),
    "missing_token": ("{vendor} answered without a token.", "Start the login again."),
    "no_code": ("{vendor} answered without a code to enter.", "Check the host and the client ID."),
    "not_oauth": ("What answered is not the login of {vendor}.", "Check the host: a proxy may have answered."),
    "busy": ("{vendor} cannot answer just now.", "Try again in a few minutes."),
}


def _failed(vendor: str, error: object) -> LoginFailed:
    word = str(error) if re.fullmatch(r"[A-Za-z_]{1,40}", str(error)) else ""
    message, step = _SAYS.get(word, ("{vendor} refused the login.", "Check the app's settings, then start it again."))
    return LoginFailed(message.format(vendor=vendor), step.format(vendor=vendor), error=word)


def _token_answer(vendor: str, reply: Reply) -> dict[str, Any]:
    """The body of a token answer. Vendors answer errors with 200 too. Raises LoginFailed."""
    from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

    body = _object(vendor, reply)
    try:
        WebApplicationClient("").parse_request_body_response(json.dumps(body))
    except OAuth2Error as error:
        raise _failed(vendor, error.error) from None
    if reply.status >= 300:
        raise _failed(vendor, "not_oauth")
    return body


def _object(vendor: str, reply: Reply) -> dict[str, Any]:
    if _is_busy(reply):
        raise _failed(vendor, "busy")
    if not isinstance(reply.body, dict):
        raise _failed(vendor, "not_oauth")
    return reply.body


def _is_busy(reply: Reply) -> bool:
    return reply.status == 429 or reply.status >= 500


def _is_page(url: str) -> bool:
    return url.startswith("https://")


def _seconds(body: Mapping[str, Any], name: str) -> float:
    """A number of seconds, which some vendors write as text; 0 where there is none."""
    value = body.get(name)
    return float(value) if isinstance(value, int | str) and re.fullmatch(r"\d{1,9}", str(value)) else 0.0


def _client(flow: Device | Loopback, names: Mapping[str, object]) -> dict[str, str]:
    """How the app names itself in a form, with its secret where it has one."""
    secret = _filled(flow.client_secret, names) if flow.client_secret is not None else ""
    return {"client_secret": secret} if secret else {}


def _filled(text: Template, names: Mapping[str, object]) -> str:
    return str(text.render(names, absent=lambda _: ""))
