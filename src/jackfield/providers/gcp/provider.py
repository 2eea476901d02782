"""GCP: the credentials that stand at the beginning of an impersonation, and what a project says of permissions."""

import json
import re
import time
from collections.abc import Generator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient
from jackfield.providers.contract.assertion import rsa_key, signed_jwt
from jackfield.providers.contract.call import Call

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_ASSERTION_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_BACKDATED: Final = 30  # seconds, for a vendor's clock that is a little behind
_LIFE: Final = 600  # seconds; Google accepts at most 3600
_UNIVERSE: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_NEEDED: Final = {
    "service_account": ("client_email", "private_key"),
    "authorized_user": ("client_id", "client_secret", "refresh_token"),
}


async def read_source(call: Call) -> Mapping[str, object]:
    """What the pasted credentials are, before anything is sent: `kind`, `account`, `id` of the key, `universe`.

    `error` is `kind` for credentials of another kind, and `key` where a part is missing or the key cannot sign.
    """
    given = _source(call)
    kind, universe = str(given.get("type", "")), str(given.get("universe_domain") or "googleapis.com")
    if kind not in _NEEDED:
        return {"error": "kind", "kind": kind}
    whole = all(isinstance(given.get(name), str) and given[name] for name in _NEEDED[kind])
    usable = kind == "authorized_user" or rsa_key(str(given.get("private_key"))) is not None
    if not whole or not usable or not _UNIVERSE.fullmatch(universe):
        return {"error": "key", "kind": kind}
    return {
        "error": "",
        "kind": kind,
        "universe": universe,
        "account": given.get("client_email") or given.get("account") or "",
        "id": given.get("private_key_id", ""),
    }


def source_grant(call: Call) -> httpx.Auth:
    """Completes a token request with what the source credentials have to show: an assertion or a refresh token."""
    return _SourceGrant(_source(call))


async def ask_permissions(call: Call) -> Mapping[str, object]:
    """Which of `permissions` are held on `project`: `granted` maps each to true or false.

    Arguments: also `url` of the resource manager, and the `token` to ask with. One name that a project cannot be asked
    about makes the whole question fail with 400; it is found by halving and left out.
    """
    given: Mapping[str, Any] = call.arguments
    question = _Question(call.http(), given)
    await question.put(list(given["permissions"]))
    return {"granted": question.granted, "undecided": question.undecided}


class _Question:
    """testIamPermissions on one project, put as often as it takes."""

    def __init__(self, client: HttpClient, given: Mapping[str, Any]) -> None:
        self.granted: dict[str, bool] = {}
        self.undecided = False
        self._client = client
        self._address = f"{given['url']}/v1/projects/{quote(given['project'], safe='')}:testIamPermissions"
        self._headers = {"authorization": f"Bearer {given['token']}"}

    async def put(self, names: list[str]) -> None:
        reply = await self._client.request("POST", self._address, headers=self._headers, json={"permissions": names})
        if reply.status == 401:
            raise NetFailure(
                FailureKind.REJECTED,
                "GCP accepted this credential at first and refused it later in the test.",
                "It may have been revoked meanwhile: test again.",
            )
        if reply.status == 400 and len(names) > 1:
            middle = len(names) // 2
            await self.put(names[:middle])
            await self.put(names[middle:])
        elif reply.status == 200 and isinstance(reply.body, dict):
            held = reply.body.get("permissions", [])
            self.granted |= {name: isinstance(held, list) and name in held for name in names}
        elif reply.status not in {400, 403, 404}:
            self.undecided = True


class _SourceGrant(httpx.Auth):
    requires_request_body = True

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = source

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        form = dict(parse_qsl(request.content.decode())) | self._grant(str(request.url))
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        yield httpx.Request(request.method, request.url, headers=headers, data=form, extensions=request.extensions)

    def _grant(self, token_url: str) -> dict[str, str]:
        if self._source.get("type") == "authorized_user":
            secrets = {name: str(self._source[name]) for name in _NEEDED["authorized_user"]}
            return {"grant_type": "refresh_token", **secrets}
        return {"grant_type": _ASSERTION_GRANT, "assertion": _signed_assertion(self._source, token_url)}


def _signed_assertion(source: Mapping[str, Any], audience: str) -> str:
    """A JWT by which a service account proves that it holds its key, signed RS256. Raises NetFailure without a key."""
    key = rsa_key(str(source.get("private_key")))
    if key is None:
        raise NetFailure(
            FailureKind.MISCONFIGURED,
            "The private key of the source credentials cannot be used.",
            "Paste the whole file, as it was downloaded.",
        )
    now = int(time.time())
    claims = {
        "iss": source["client_email"],
        "scope": _SCOPE,
        "aud": audience,
        "iat": now - _BACKDATED,
        "exp": now + _LIFE,
    }
    return signed_jwt(key, claims, kid=source.get("private_key_id", ""))


def _source(call: Call) -> dict[str, Any]:
    try:
        given = json.loads(call.text("sourceCredentials"))
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}
