"""A Chef server in miniature: an organization, its groups and a data bag, behind signatures of version 1.3."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

METHOD = "user-key"
USE = "secret-sync/data-bag-item"
SERVER = "https://chef.example.com"
ORGANIZATION = "/organizations/acme"
USER = "kms"
CLIENT = "web-1"
SIGNED = ("x-ops-content-hash", "x-ops-sign", "x-ops-timestamp", "x-ops-userid", "x-ops-server-api-version")
SPELLED = ("X-Ops-Content-Hash", "X-Ops-Sign", "X-Ops-Timestamp", "X-Ops-UserId", "X-Ops-Server-API-Version")


@cache
def key(name: str = "good") -> rsa.RSAPrivateKey:
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(private: rsa.RSAPrivateKey, passphrase: bytes = b"") -> str:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8 if passphrase else serialization.PrivateFormat.TraditionalOpenSSL
    return private.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


def public_pem(private: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def said(status: int, text: str) -> Answer:
    return Answer(status, json={"error": [text]})


FORBIDDEN = said(403, "missing read permission")


class Chef(HttpWorld):
    """A user who holds the rights of the sync: some itself, some by a group, some by a group in a group."""

    hosts = ("chef.example.com",)
    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {
        USE: {"dataBagName": "secrets", "dataBagItemName": "web", "deletes": "yes", "choices": "yes"},
    }

    offers: ClassVar = {
        "data_bags": ({}, ["secrets"]),
        "data_bag_items": ({"dataBagName": "secrets"}, ["db"]),
        "organizations": ({}, ["acme"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.keys = {USER: key(), CLIENT: key("client")}
        self.members = {USER}
        self.groups: dict[str, dict[str, list[str]]] = {
            "kms-sync": {"users": [USER], "groups": []},
            "writers": {"users": ["ada"], "groups": ["kms-sync", "writers"]},
            "admins": {"users": ["ada"], "groups": []},
        }
        self.closed_groups: set[str] = set()
        self.rights: dict[str, dict[str, list[str]]] = {
            "read": {"users": [], "groups": ["admins", "kms-sync"]},
            "update": {"users": [], "groups": ["admins", "writers"]},
            "create": {"users": [USER], "groups": []},
            "delete": {"users": [], "groups": ["kms-sync"]},
            "grant": {"users": [USER], "groups": ["admins"]},
        }
        self.lists_bags = True
        self.items: dict[str, Any] = {"db": {"id": "db"}}
        self.expires = "2030-01-01T00:00:00Z"
        self.default_key = key()
        self.checks_signatures = True
        self.refusal: Answer | None = None
        self.clock = timedelta()
        self.revoked = False
        organization = ORGANIZATION
        self._route(f"{organization}/users/{{name}}", self._member)
        self._route(f"{organization}/clients/{{name}}", self._client)
        self._route("/users/{name}/keys/default", self._key)
        self._route("/users/{name}/organizations", lambda _: [{"organization": {"name": "acme", "full_name": "Acme"}}])
        self._route(f"{organization}/groups/{{name}}", self._group)
        self._route(f"{organization}/data", self._bags)
        self._route(f"{organization}/data/{{bag}}", self._bag)
        self._route(f"{organization}/data/{{bag}}/{{item}}", self._item)
        self._route(f"{organization}/data/{{bag}}/_acl", self._acl)
        self._route(
            "/organizations/nowhere/users/{name}", lambda _: said(404, "organization 'nowhere' does not exist.")
        )

    def _route(self, path: str, handler: Callable[[Request], Any]) -> None:
        def answer(request: Request) -> Answer:
            now = datetime.now(UTC) + self.clock
            found = self._unauthenticated(request, now) or self.refusal or handler(request)
            answered = found if isinstance(found, Answer) else Answer(json=found)
            headers = {"date": format_datetime(now, usegmt=True), "x-ops-api-info": "flavor=cs;version:15.9.20"}
            return Answer(answered.status, answered.json, headers)

        self.vendor.get(path)(answer)

    def _unauthenticated(self, request: Request, now: datetime) -> Answer | None:
        if not self.checks_signatures:
            return None
        if any(name not in request.headers for name in (*SIGNED, "x-ops-authorization-1", "x-chef-version")):
            return said(400, "missing required authentication header(s)")
        user = request.headers["x-ops-userid"]
        when = datetime.strptime(request.headers["x-ops-timestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(now - when) > timedelta(minutes=15):
            return said(401, f"Failed to authenticate as {user}. Synchronize the clock on your host.")
        if user not in self.keys:
            return said(
                401, f"Failed to authenticate as '{user}'. Ensure that your node_name and client key are correct."
            )
        if self.revoked or not self._is_signed(request, self.keys[user]):
            return said(401, f"Invalid signature for user or client '{user}'")
        return None

    def _is_signed(self, request: Request, private: rsa.RSAPrivateKey) -> bool:
        hashed = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        if request.headers["x-ops-content-hash"] != hashed or request.headers["x-ops-sign"] != "version=1.3":
            return False
        slices = [value for name, value in request.headers.items() if name.startswith("x-ops-authorization-")]
        lines = [f"Method:{request.method}", f"Path:{request.path}"]
        lines += [f"{spelled}:{request.headers[name]}" for spelled, name in zip(SPELLED, SIGNED, strict=True)]
        try:
            private.public_key().verify(
                base64.b64decode("".join(slices)), "\n".join(lines).encode(), PKCS1v15(), SHA256()
            )
        except InvalidSignature:
            return False
        return all(len(part) <= 60 for part in slices)

    def _holds(self, right: str) -> bool:
        entry = self.rights[right]
        return USER in entry["users"] or any(self._is_in(name, set()) for name in entry["groups"])

    def _is_in(self, group: str, seen: set[str]) -> bool:
        if group in seen:
            return False
        seen.add(group)
        known = self.groups[group]
        return USER in known["users"] or any(self._is_in(inner, seen) for inner in known["groups"])

    def _member(self, request: Request) -> Any:
        name = request.params["name"]
        if name == USER and USER not in self.members:
            return said(403, f"'{name}' is not associated with organization 'acme'")
        if name != USER:
            return said(404, f"Cannot find a user {name} in organization acme")
        return {"username": USER, "display_name": "KMS", "email": "kms@example.com", "first_name": "K"}

    def _client(self, request: Request) -> Any:
        name = request.params["name"]
        return {"name": name, "validator": False} if name == CLIENT else said(404, f"Cannot load client {name}")

    def _key(self, request: Request) -> Any:
        assert request.params["name"] == USER
        return {"name": "default", "public_key": public_pem(self.default_key), "expiration_date": self.expires}

    def _group(self, request: Request) -> Any:
        name = request.params["name"]
        if name in self.closed_groups:
            return FORBIDDEN
        known = self.groups.get(name)
        return {"groupname": name, "actors": known["users"], "clients": [], **known} if known else said(404, name)

    def _bags(self, _: Request) -> Any:
        return {"secrets": f"{SERVER}{ORGANIZATION}/data/secrets"} if self.lists_bags else FORBIDDEN

    def _bag(self, request: Request) -> Any:
        if request.params["bag"] != "secrets":
            return said(404, f"Cannot load data bag {request.params['bag']}")
        return dict.fromkeys(self.items, "url") if self._holds("read") else FORBIDDEN

    def _item(self, request: Request) -> Any:
        refused = self._bag(request)
        if isinstance(refused, Answer):
            return refused
        return self.items.get(request.params["item"]) or said(404, "Cannot load data bag item")

    def _acl(self, request: Request) -> Any:
        if request.params["bag"] != "secrets":
            return said(404, "Cannot load data bag")
        assert request.query == {"detail": "granular"}
        if not self._holds("grant"):
            return FORBIDDEN
        return {right: {"actors": [], "clients": [], **entry} for right, entry in self.rights.items()}

    def fields(self, method: str) -> dict[str, Any]:
        return {
            "serverUrl": f"{SERVER}/organizations/acme/", "orgName": "acme", "userName": USER, "privateKey": pem(key()),
        }  # fmt: skip

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "privateKey": pem(key("other"))}

    def remove(self, method: str, use: str, permission: str) -> None:
        thing, _, right = permission.partition(": ")
        if thing == "container data":
            self.lists_bags = False
        else:
            self.rights[right] = {"users": ["ada"], "groups": ["admins"]}

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        fields = self.fields(method)
        match failure:
            case "not-a-key":
                return {**fields, "privateKey": "this is not a key"}
            case "sealed-key":
                return {**fields, "privateKey": pem(key(), b"passphrase")}
            case "clock":
                self.clock = timedelta(minutes=20)
            case "unknown-user":
                return {**fields, "userName": "Kms"}
            case "bad-key":
                return self.wrong_fields(method)
            case "wrong-organization":
                return {**fields, "orgName": "nowhere"}
            case "node-client":
                return {**fields, "userName": CLIENT, "privateKey": pem(key("client"))}
            case "no-such-user":
                self.refusal = said(404, "Cannot find a user kms")
            case "forbidden":
                self.refusal = FORBIDDEN
            case "api-version":
                self.refusal = Answer(406, json={"error": "invalid-x-ops-server-api-version", "max_version": "0"})
        return None

    def add_excess(self, method: str) -> str:
        self.groups["admins"]["users"].append(USER)
        return "group admins"

    def revoke(self, method: str) -> None:
        self.revoked = True
