"""OCI: signed requests, what can be told of a key before it is used, and rights out of policies."""

import asyncio
import base64
import hashlib
import re
from collections.abc import Generator, Mapping, Sequence
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import quote

import httpx

from jackfield.model.check import FailureKind
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient, Reply
from jackfield.providers.contract.call import Call
from jackfield.providers.oci.keys import SMALLEST_KEY, fingerprint_of, new_key, public_pem, signing_key
from jackfield.providers.oci.policies import Compartment, Holder, Statement, Tree, judge
from jackfield.text import cleaned

_DOMAINS: Final = {
    "oc1": "oraclecloud.com",
    "oc2": "oraclegovcloud.com",
    "oc3": "oraclegovcloud.com",
    "oc4": "oraclegovcloud.uk",
    "oc19": "oraclecloud.eu",
    **{f"oc{number}": f"oraclecloud{number}.com" for number in (5, 8, 9, 10, 14, 15, 16, 17, 20, 21, 23, 24, 26, 29)},
}
_REGION: Final = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]+")  # as the field asks for it
_ENDED: Final = frozenset({"DELETING", "DELETED"})
_LONGEST_LISTING: Final = 10  # pages
_MOST_GROUPS: Final = 20


async def read_key(call: Call) -> Mapping[str, object]:
    """What can be told before anything is sent: whether the key signs, has this fingerprint, and where its realm is.

    `error` is `pem`, `passphrase` or `small`; `domain` is empty for a realm that is not known.
    """
    told: dict[str, object] = {"error": "", "matches": False, "domain": _DOMAINS.get(_realm(call), "")}
    try:
        key = signing_key(call.text("privateKey"))
    except TypeError:
        return {**told, "error": "passphrase"}
    if key is None:
        return {**told, "error": "pem"}
    if key.key_size < SMALLEST_KEY:
        return {**told, "error": "small"}
    return {**told, "matches": fingerprint_of(key) == call.text("fingerprint")}


def sign(call: Call) -> httpx.Auth:
    """Signs requests, with the body where there is one."""
    return _Signature(call)


async def list_all(call: Call) -> Mapping[str, object]:
    """A listing to its end, under `items`; `status` is that of its last page. Arguments: `url` and `query`."""
    given: Mapping[str, Any] = call.arguments
    client = call.http()
    status, items, complete = await _listing(client, call, given["url"], given.get("query", {}))
    return {"status": status, "items": items, "undecided": _is_undecided(status) or not complete}


# --- exchanging an API key of the user itself -------------------------------------------------------------------------


async def make_key(call: Call) -> Mapping[str, FieldValue]:
    """A new key pair, as fields; nothing is asked for it."""
    del call
    pem, fingerprint = await asyncio.to_thread(new_key)
    return {"privateKey": Secret(pem), "fingerprint": fingerprint}


async def held_keys(call: Call) -> Sequence[str]:
    """The fingerprints of the user's API keys. Raises NetFailure."""
    status, keys, complete = await _listing(call.http(), call, await _own_keys(call), {})
    if status != 200 or not complete:
        raise _not_allowed("list", str(status))
    return [str(one.get("fingerprint", "")).lower() for one in keys if one.get("lifecycleState") not in _ENDED]


async def add_key(call: Call, new: Mapping[str, FieldValue]) -> None:
    """Have a key pair that was made here accepted as well. Raises NetFailure."""
    secret = new["privateKey"]
    key = signing_key(secret.reveal()) if isinstance(secret, Secret) else None
    assert key is not None
    url, body = await _own_keys(call), {"key": public_pem(key)}
    reply = await call.http().request("POST", url, json=body, auth=sign(call))
    if reply.status != 200:
        raise _not_allowed("add", _code(reply))


async def remove_key(call: Call, fingerprint: str) -> None:
    """Remove an API key of the user, if it is there. Raises NetFailure."""
    url = f"{await _own_keys(call)}/{fingerprint}"
    reply = await call.http().request("DELETE", url, auth=sign(call))
    if reply.status >= 300 and fingerprint in await held_keys(call):
        raise _not_allowed("remove", _code(reply))


async def _own_keys(call: Call) -> str:
    """Where the user's own keys are listed and changed: in the home region, which alone takes changes."""
    region = await call.once("home region", lambda: _home_region(call))
    return f"{_identity(call, region)}/users/{quote(call.text('userOcid'), safe='')}/apiKeys"


async def _home_region(call: Call) -> str:
    """The tenancy's home region; the connection's own where the user may not read which that is.

    It becomes part of an address, so that only what reads as a region is taken.
    """
    url = f"{_identity(call, call.text('region'))}/tenancies/{quote(call.text('tenancyOcid'), safe='')}"
    status, regions, _ = await _listing(call.http(), call, f"{url}/regionSubscriptions", {})
    named = (str(one.get("regionName")) for one in regions if one.get("isHomeRegion") is True)
    home = filter(_REGION.fullmatch, named)
    return next(home, call.text("region")) if status == 200 else call.text("region")


def _identity(call: Call, region: str) -> str:
    return f"https://identity.{region}.{_DOMAINS[_realm(call)]}/20160918"


def _realm(call: Call) -> str:
    return [*call.text("tenancyOcid").split("."), "", "", ""][2]


def _code(reply: Reply) -> str:
    code = reply.body.get("code") if isinstance(reply.body, dict) else None
    return cleaned(str(code or reply.status), limit=100)


def _not_allowed(verb: str, code: str) -> NetFailure:
    return NetFailure(
        FailureKind.FORBIDDEN,
        f"OCI did not let the user {verb} its own API keys ({code}).",
        "A federated user may need a policy that lets it manage its own API keys; at most three may be there.",
    )


# --- rights -----------------------------------------------------------------------------------------------------------


async def read_rights(call: Call) -> Mapping[str, object]:
    """What policies give the user in one compartment: `held` maps each of `wanted` to granted, implied or missing.

    Arguments: `url` of the identity service, `compartments` as listed, `compartment` and `wanted`. `readable` is false
    when the user may not read policies, its groups, or a policy that could give it more.
    """
    given: Mapping[str, Any] = call.arguments
    tree = _tree(call.text("tenancyOcid"), given["compartments"])
    path = tree.path(given["compartment"])
    client = call.http()
    holder = await _holder(client, call, given["url"])
    statements = await _statements(client, call, given["url"], path)
    if holder is None or statements is None:
        return {"readable": False, "held": {}}
    whole = path[-1] == call.text("tenancyOcid")
    verdicts = {right: judge(right, statements, holder, tree, path) for right in given["wanted"]}
    settled = {"granted", "implied", "missing"} if whole else {"granted", "implied"}
    return {"readable": True, "held": {right: verdict for right, verdict in verdicts.items() if verdict in settled}}


async def _holder(client: HttpClient, call: Call, url: str) -> Holder | None:
    query = {"compartmentId": call.text("tenancyOcid"), "userId": call.text("userOcid")}
    status, memberships, complete = await _listing(client, call, f"{url}/userGroupMemberships", query)
    if status != 200 or not complete or len(memberships) > _MOST_GROUPS:
        return None
    ids = {str(one.get("groupId")) for one in memberships}
    names: set[str] = set()
    for group in sorted(ids):
        reply = await _get(client, call, f"{url}/groups/{quote(group, safe='')}", {})
        if reply.status != 200 or not isinstance(reply.body, dict):
            return None
        names.add(str(reply.body.get("name", "")).lower())
    return Holder(ids, names)


async def _statements(client: HttpClient, call: Call, url: str, path: Sequence[str]) -> list[Statement] | None:
    """Every statement of the policies attached along a path; None when one of them may not be read."""
    found: list[Statement] = []
    for compartment in path:
        status, policies, complete = await _listing(client, call, f"{url}/policies", {"compartmentId": compartment})
        if status != 200 or not complete:
            return None
        found += [Statement(str(text), compartment) for one in policies for text in one.get("statements", ())]
    return found


async def _listing(
    client: HttpClient, call: Call, url: str, query: Mapping[str, str]
) -> tuple[int, list[dict[str, Any]], bool]:
    """Status, items, and whether the listing was read to its end."""
    items: list[dict[str, Any]] = []
    page: dict[str, str] = {}
    for _ in range(_LONGEST_LISTING):
        reply = await _get(client, call, url, {**query, **page})
        if reply.status != 200 or not isinstance(reply.body, list):
            return reply.status, items, reply.status != 200
        items += [one for one in reply.body if isinstance(one, dict)]
        if not reply.headers.get("opc-next-page"):
            return reply.status, items, True
        page = {"page": reply.headers["opc-next-page"]}
    return 200, items, False


async def _get(client: HttpClient, call: Call, url: str, query: Mapping[str, str]) -> Reply:
    reply = await client.request("GET", url, query=query, auth=sign(call))
    if reply.status == 401:
        raise NetFailure(
            FailureKind.REJECTED,
            "OCI accepted this credential at first and refused it later in the test.",
            "It may have been revoked meanwhile: test again.",
        )
    return reply


def _is_undecided(status: int) -> bool:
    return status not in {200, 400, 403, 404}


def _tree(tenancy: str, listed: Sequence[Mapping[str, Any]]) -> Tree:
    known = {str(one.get("id")): Compartment(str(one.get("name")), str(one.get("compartmentId"))) for one in listed}
    return Tree({**known, tenancy: Compartment("", "")})


class _Signature(httpx.Auth):
    requires_request_body = True

    def __init__(self, call: Call) -> None:
        self._key_id = f"{call.text('tenancyOcid')}/{call.text('userOcid')}/{call.text('fingerprint')}"
        try:
            self._key = signing_key(call.text("privateKey"))
        except TypeError:
            self._key = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        if self._key is None:
            raise NetFailure(FailureKind.MISCONFIGURED, "The private key cannot be used.", "Paste it whole.")
        request.headers["date"] = formatdate(usegmt=True)
        names = ["date", "(request-target)", "host"]
        if request.content:
            digest = hashlib.sha256(request.content).digest()
            request.headers["x-content-sha256"] = base64.b64encode(digest).decode()
            names += ["content-length", "content-type", "x-content-sha256"]
        target = f"{request.method.lower()} {request.url.raw_path.decode('ascii')}"
        values = {**request.headers, "(request-target)": target}
        signed = "\n".join(f"{name}: {values[name]}" for name in names)
        signature = base64.b64encode(self._key.sign(signed.encode(), PKCS1v15(), SHA256())).decode()
        request.headers["authorization"] = (
            f'Signature version="1",keyId="{self._key_id}",algorithm="rsa-sha256",'
            f'headers="{" ".join(names)}",signature="{signature}"'
        )
        yield request
