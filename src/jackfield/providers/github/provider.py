"""GitHub Apps: an app signs an assertion with its private key and exchanges it for an installation's token."""

import time
from collections.abc import Generator, Mapping
from typing import Final
from urllib.parse import quote

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.providers.contract.assertion import rsa_key, signed_jwt
from jackfield.providers.contract.call import Call

_TOKEN: Final = "installation token"  # noqa: S105 - the name it is kept under
_BACKDATED: Final = 60  # seconds, for a vendor's clock that is a little behind
_LIFE: Final = 300  # seconds; GitHub accepts at most 600


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request


def app_auth(call: Call) -> httpx.Auth:
    """Requests as the app itself. Raises NetFailure when the private key cannot sign."""
    return _Bearer(signed_assertion(call.text("appId"), call.text("privateKey"), int(time.time())))


def installation_auth(call: Call) -> httpx.Auth:
    """Requests as the installation; its token was minted before."""
    return _Bearer(str(call.kept[_TOKEN]))


async def mint_installation_token(call: Call) -> Mapping[str, object]:
    """Exchange the app's assertion for a token of one hour, which is kept for this check and told to no rule.

    Arguments: `url` of the API, and the `installation`. The fact holds the status alone.
    """
    address = f"{call.arguments['url']}/app/installations/{quote(str(call.arguments['installation']), safe='')}"
    client = call.http()
    reply = await client.request(
        "POST", f"{address}/access_tokens", auth=app_auth(call), accept="application/vnd.github+json"
    )
    token = reply.body.get("token") if isinstance(reply.body, dict) else None
    if reply.status == 201 and isinstance(token, str) and token:
        call.kept[_TOKEN] = token
        return {"status": 201}
    return {
        "status": 0 if reply.status == 201 else reply.status,
        "error": str(reply.status),
        "undecided": reply.status == 429 or reply.status >= 500,
    }


def signed_assertion(app: str, private_key: str, now: int) -> str:
    """A JWT by which an app proves itself, signed RS256. Raises NetFailure when the key is no RSA private key."""
    key = rsa_key(private_key)
    if key is None:
        raise NetFailure(
            FailureKind.MISCONFIGURED,
            "The private key of this app cannot be used: it is no RSA key, or it is encrypted.",
            "Paste the .pem file as GitHub made it, or generate a new one.",
        )
    return signed_jwt(key, {"iat": now - _BACKDATED, "exp": now + _LIFE, "iss": app})
