"""HashiCorp Vault: a token with its namespace on every request, given back at the end, and asked what it may do."""

import contextlib
import json
from collections.abc import Generator, Mapping
from typing import Any, Final

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.net.http import Reply
from jackfield.providers.contract.call import Call

_TOKEN: Final = "token of this check"  # noqa: S105 - the name it is kept under


def carry_token(call: Call) -> httpx.Auth:
    """Requests with the token: the given one, or that of this check's login."""
    return _Token(call)


def log_in(call: Call) -> httpx.Auth:
    """A login whose token is kept for this check, told to no rule's author, and revoked when the check ends."""
    return _Login(call)


async def ask_capabilities(call: Call) -> Mapping[str, object]:
    """What the token may do at some paths: `held` maps each name in `paths` to its capabilities; none is an empty list.

    `status` is 403 when the token may not ask. Raises NetFailure when the token was refused altogether.
    """
    paths: Any = call.arguments["paths"]
    reply = await _ask(call, "POST", "sys/capabilities-self", {"paths": sorted(set(paths.values()))})
    if reply.status == 403 and (await _ask(call, "GET", "auth/token/lookup-self")).status == 403:
        raise NetFailure(
            FailureKind.REJECTED,
            "Vault accepted this credential at first and refused it later in the test.",
            "It may have been revoked meanwhile, or had a limited number of uses: make a new one.",
        )
    told = reply.body.get("data") if reply.status == 200 and isinstance(reply.body, dict) else None
    if not isinstance(told, dict):
        return {"status": reply.status, "held": {}, "undecided": reply.status != 403}
    held = {name: _capabilities(told.get(path)) for name, path in paths.items() if path in told}
    return {"status": 200, "held": held}


def _capabilities(value: object) -> list[str]:
    return [str(one) for one in value if one != "deny"] if isinstance(value, list) else []


async def _ask(call: Call, verb: str, path: str, body: object = None) -> Reply:
    client = call.http()
    address = f"{call.text('instanceUrl').rstrip('/')}/v1/{path}"
    return await client.request(verb, address, headers={"x-vault-request": "true"}, json=body, auth=carry_token(call))


async def _revoke(call: Call) -> None:
    """Give the token of this check's login back. Where that fails, the token ends by itself."""
    with contextlib.suppress(NetFailure):
        await _ask(call, "POST", "auth/token/revoke-self")


class _Token(httpx.Auth):
    def __init__(self, call: Call) -> None:
        self._namespace = call.text("namespace")
        self._token = str(call.kept.get(_TOKEN, "")) or call.text("accessToken")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["x-vault-token"] = self._token
        if self._namespace:
            request.headers["x-vault-namespace"] = self._namespace
        yield request


class _Login(httpx.Auth):
    requires_response_body = True

    def __init__(self, call: Call) -> None:
        self._call = call

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if namespace := self._call.text("namespace"):
            request.headers["x-vault-namespace"] = namespace
        response = yield request
        token = _client_token(response)
        if token:
            self._call.kept[_TOKEN] = token
            self._call.http()  # opened before and so closed after the token is given back
            self._call.cleanup.push_async_callback(_revoke, self._call)


def _client_token(response: httpx.Response) -> str:
    try:
        token = json.loads(response.content)["auth"]["client_token"] if response.status_code == 200 else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return token if isinstance(token, str) else ""
