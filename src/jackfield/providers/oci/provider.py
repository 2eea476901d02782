"""OCI: signed requests, what can be told of a key before it is used, and rights out of policies."""

import base64
import hashlib
import re
from collections.abc import Generator, Mapping, Sequence
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient, Reply
from jackfield.providers.contract.call import Call
from jackfield.providers.oci.policies import Compartment, Holder, Statement, Tree, judge

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_DOMAINS: Final = {
    "oc1": "oraclecloud.com",
    "oc2": "oraclegovcloud.com",
    "oc3": "oraclegovcloud.com",
    "oc4": "oraclegovcloud.uk",
    "oc19": "oraclecloud.eu",
    **{f"oc{number}": f"oraclecloud{number}.com" for number in (5, 8, 9, 10, 14, 15, 16, 17, 20, 21, 23, 24, 26, 29)},
}
_SMALLEST_KEY: Final = 2048  # bits
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)
_LONGEST_LISTING: Final = 10  # pages
_MOST_GROUPS: Final = 20


async def read_key(call: Call) -> Mapping[str, object]:
    """What can be told before anything is sent: whether the key signs, has this fingerprint, and where its realm is.

    `error` is `pem`, `passphrase` or `small`; `domain` is empty for a realm that is not known.
    """
    realm = [*call.text("tenancyOcid").split("."), "", "", ""][2]
    told: dict[str, object] = {"error": "", "matches": False, "domain": _DOMAINS.get(realm, "")}
    try:
        key = _signing_key(call.text("privateKey"))
    except TypeError:
        return {**told, "error": "passphrase"}
    if key is None:
        return {**told, "error": "pem"}
    if key.key_size < _SMALLEST_KEY:
        return {**told, "error": "small"}
    return {**told, "matches": _fingerprint(key) == call.text("fingerprint")}


def sign(call: Call) -> httpx.Auth:
    """Signs requests without a body, as all of them here are."""
    return _Signature(call)


async def list_all(call: Call) -> Mapping[str, object]:
    """A listing to its end, under `items`; `status` is that of its last page. Arguments: `url` and `query`."""
    given: Mapping[str, Any] = call.arguments
    client = call.http()
    status, items, complete = await _listing(client, call, given["url"], given.get("query", {}))
    return {"status": status, "items": items, "undecided": _is_undecided(status) or not complete}


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
    def __init__(self, call: Call) -> None:
        self._key_id = f"{call.text('tenancyOcid')}/{call.text('userOcid')}/{call.text('fingerprint')}"
        try:
            self._key = _signing_key(call.text("privateKey"))
        except TypeError:
            self._key = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        if self._key is None:
            raise NetFailure(FailureKind.MISCONFIGURED, "The private key cannot be used.", "Paste it whole.")
        date = formatdate(usegmt=True)
        target = f"{request.method.lower()} {request.url.raw_path.decode('ascii')}"
        signed = f"date: {date}\n(request-target): {target}\nhost: {request.headers['host']}"
        signature = base64.b64encode(self._key.sign(signed.encode(), PKCS1v15(), SHA256())).decode()
        request.headers["date"] = date
        request.headers["authorization"] = (
            f'Signature version="1",keyId="{self._key_id}",algorithm="rsa-sha256",'
            f'headers="date (request-target) host",signature="{signature}"'
        )
        yield request


def _signing_key(text: str) -> "RSAPrivateKey | None":
    """The first key in a text, which may go on with a label line. Raises TypeError for one with a passphrase."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found = _PEM.search(text)
    try:
        key = load_pem_private_key(found[0].encode(), password=None) if found else None
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPrivateKey) else None


def _fingerprint(key: "RSAPrivateKey") -> str:
    """As OCI shows it: the MD5 of the public key, in pairs."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.md5(public, usedforsecurity=False).digest().hex(":")
