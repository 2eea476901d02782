"""GitHub Apps: an app signs an assertion with its private key and exchanges it for an installation's token."""

import base64
import json
import time
from collections.abc import Generator, Mapping
from typing import Final
from urllib.parse import quote

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient
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
    async with HttpClient(
        call.network,
        deadline=call.deadline,
        trace=call.trace,
        private_allowed=call.private_allowed,
        tls=call.tls,
    ) as client:
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
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise NetFailure(
            FailureKind.MISCONFIGURED,
            "The private key of this app cannot be used: it is no RSA key, or it is encrypted.",
            "Paste the .pem file as GitHub made it, or generate a new one.",
        )
    claims = {"iat": now - _BACKDATED, "exp": now + _LIFE, "iss": app}
    text = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{text}.{_base64(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _part(value: Mapping[str, object]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
