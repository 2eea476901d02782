"""Chef: requests signed as version 1.3 of its protocol, and the rights of a data bag with the groups behind them."""

import base64
import binascii
import hashlib
import re
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient, Reply
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.expression import path_escape

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_RIGHTS: Final = ("create", "read", "update", "delete")
_SIGN: Final = "version=1.3"
_API_VERSION: Final = "1"
_SLICE: Final = 60  # characters of the signature in one header
_MOST_GROUPS: Final = 20
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)


async def read_key(call: Call) -> Mapping[str, object]:
    """What can be told before anything is sent: `error` is empty, `pem` or `passphrase`; `public` is the other half."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = _signing_key(call.text("privateKey"))
    except TypeError:
        return {"error": "passphrase", "public": ""}
    if key is None:
        return {"error": "pem", "public": ""}
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"error": "", "public": public.decode().strip()}


def sign(call: Call) -> httpx.Auth:
    """Signs each request with the user's key."""
    return _Signature(call)


async def look_at_item(call: Call) -> Mapping[str, object]:
    """Whether an item exists and is encrypted. Arguments: `organization` (its URL), `bag`, `item`."""
    given = call.arguments
    path = f"data/{path_escape(str(given['bag']))}/{path_escape(str(given['item']))}"
    client = call.http()
    reply = await _get(client, call, f"{given['organization']}/{path}")
    values = reply.body.values() if isinstance(reply.body, dict) else ()
    encrypted = any(isinstance(value, dict) and "encrypted_data" in value for value in values)
    return {"status": reply.status, "encrypted": encrypted}


async def read_rights(call: Call) -> Mapping[str, object]:
    """What the user holds on a data bag: `held` maps each right to true or false. Arguments: `organization`, `bag`.

    A right that hangs on a group whose members may not be read is left out.
    """
    organization = str(call.arguments["organization"])
    client = call.http()
    # Granular rights keep users and clients apart, which may have the same name.
    path = f"data/{path_escape(str(call.arguments['bag']))}/_acl"
    reply = await _get(client, call, f"{organization}/{path}", {"detail": "granular"})
    if reply.status != 200 or not isinstance(reply.body, dict):
        return {"status": reply.status, "held": {}, "undecided": reply.status not in {403, 404}}
    groups = _Groups(client, call, organization)
    held = {right: await _holds(groups, reply.body.get(right)) for right in _RIGHTS}
    return {"status": reply.status, "held": {right: verdict for right, verdict in held.items() if verdict is not None}}


async def _holds(groups: "_Groups", entry: object) -> bool | None:
    if not isinstance(entry, dict):
        return None
    if groups.user in _names(entry.get("users", entry.get("actors"))):
        return True
    return await groups.include_user(_names(entry.get("groups")), set())


class _Groups:
    """The groups of an organization, each asked for once and no more than a check can afford."""

    def __init__(self, client: HttpClient, call: Call, organization: str) -> None:
        self.user = call.text("userName")
        self._client = client
        self._call = call
        self._organization = organization
        self._known: dict[str, Mapping[str, Any] | None] = {}

    async def include_user(self, names: Sequence[str], seen: set[str]) -> bool | None:
        """Whether the user is in one of the groups or in a group inside; None where one that matters is closed."""
        closed = False
        for name in names:
            if name in seen:
                continue
            seen.add(name)
            group = await self._read(name)
            if group is None:
                closed = True
                continue
            if self.user in _names(group.get("users")):
                return True
            inner = await self.include_user(_names(group.get("groups")), seen)
            if inner:
                return True
            closed = closed or inner is None
        return None if closed else False

    async def _read(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._known:
            if len(self._known) == _MOST_GROUPS:
                return None
            reply = await _get(self._client, self._call, f"{self._organization}/groups/{path_escape(name)}")
            known = reply.status == 200 and isinstance(reply.body, dict)
            self._known[name] = reply.body if known and isinstance(reply.body, dict) else None
        return self._known[name]


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


async def _get(client: HttpClient, call: Call, url: str, query: Mapping[str, str] | None = None) -> Reply:
    reply = await client.request("GET", url, query=query, auth=sign(call))
    if reply.status == 401:
        raise NetFailure(
            FailureKind.REJECTED,
            "Chef accepted this key at first and refused it later in the test.",
            "It may have been replaced meanwhile: test again.",
        )
    return reply


class _Signature(httpx.Auth):
    requires_request_body = True

    def __init__(self, call: Call) -> None:
        self._user = call.text("userName")
        try:
            self._key = _signing_key(call.text("privateKey"))
        except TypeError:
            self._key = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        if self._key is None:
            raise NetFailure(FailureKind.MISCONFIGURED, "The private key cannot be used.", "Paste it whole.")
        headers = {
            "X-Ops-Content-Hash": base64.b64encode(hashlib.sha256(request.content).digest()).decode(),
            "X-Ops-Sign": _SIGN,
            "X-Ops-Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "X-Ops-UserId": self._user,
            "X-Ops-Server-API-Version": _API_VERSION,
        }
        lines = [("Method", request.method), ("Path", _signed_path(request.url)), *headers.items()]
        text = "\n".join(f"{name}:{value}" for name, value in lines)
        signature = base64.b64encode(self._key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
        request.headers.update(headers)
        request.headers["X-Chef-Version"] = "14.0.0"
        for number, start in enumerate(range(0, len(signature), _SLICE), start=1):
            request.headers[f"X-Ops-Authorization-{number}"] = signature[start : start + _SLICE]
        yield request


def _signed_path(url: httpx.URL) -> str:
    """The path as the server sees it, without a query, a double slash or a slash at its end."""
    path = url.raw_path.decode("ascii").partition("?")[0]
    return re.sub(r"/{2,}", "/", path).rstrip("/") or "/"


def _signing_key(text: str) -> "RSAPrivateKey | None":
    """The RSA key in a text: PEM, or the body of one without its lines. Raises TypeError for one with a passphrase."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    text = text.replace("\\n", "\n")
    found = _PEM.search(text)
    try:
        if found is not None:
            key = load_pem_private_key(found[0].encode(), password=None)
        else:
            key = load_der_private_key(base64.b64decode("".join(text.split()), validate=True), password=None)
    except (ValueError, UnsupportedAlgorithm, binascii.Error):
        return None
    return key if isinstance(key, RSAPrivateKey) else None
