"""OCI in miniature: a tenancy with two compartments, a user in a group, and policies that decide what is shown."""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

METHOD = "access-key"
REGION = "us-ashburn-1"
TENANCY = "ocid1.tenancy.oc1..aaaatenancy"
USER = "ocid1.user.oc1..aaaauser"
GROUP = "ocid1.group.oc1..aaaagroup"
APPS = "ocid1.compartment.oc1..aaaaapps"
PROD = "ocid1.compartment.oc1..aaaaprod"
VAULT = "ocid1.vault.oc1.iad.bbbb.vault"
KEY = "ocid1.key.oc1.iad.bbbb.key"
VAULT_HOST = "bbbb-management.kms.us-ashburn-1.oraclecloud.com"
_SIGNATURE = re.compile(
    r'Signature version="1",keyId="(?P<id>[^"]+)",algorithm="rsa-sha256",'
    r'headers="(?P<headers>[^"]+)",signature="(?P<is>[^"]+)"'
)


@cache
def key(name: str = "good", size: int = 2048) -> rsa.RSAPrivateKey:
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def pem(private: rsa.RSAPrivateKey, passphrase: bytes = b"") -> str:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def fingerprint(one: rsa.RSAPrivateKey | rsa.RSAPublicKey) -> str:
    public = one.public_key() if isinstance(one, rsa.RSAPrivateKey) else one
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digits = hashlib.md5(encoded).hexdigest()
    return ":".join(digits[place : place + 2] for place in range(0, 32, 2))


def refused(status: int, code: str) -> Answer:
    return Answer(status, json={"code": code, "message": "The required information to complete authentication …"})


HIDDEN = refused(404, "NotAuthorizedOrNotFound")


class Oci(HttpWorld):
    """A user whose rights stand in policies that it may not read."""

    hosts = (
        "identity.us-ashburn-1.oraclecloud.com",
        "identity.eu-frankfurt-1.oraclecloud.com",
        "kms.us-ashburn-1.oraclecloud.com",
        "vaults.us-ashburn-1.oci.oraclecloud.com",
        VAULT_HOST,
    )
    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {"secret-sync/vault": {"compartment": PROD, "vault": VAULT, "key": KEY}}
    offers: ClassVar = {
        "compartments": ({}, [APPS, PROD, TENANCY]),
        "vaults": ({"compartment": PROD}, [VAULT]),
        "keys": ({"compartment": PROD, "vault": VAULT}, [KEY]),
        "regions": ({}, ["eu-frankfurt-1", REGION]),
    }
    reads_policies = False

    def declare(self, vendor: MiniatureVendor) -> None:
        self.rights = {"manage secret-family", "use keys", "use vaults", "inspect compartments"}
        self.more: list[tuple[str, str]] = []  # further statements and where their policy stands
        self.reads_itself = True
        self.management = f"https://{VAULT_HOST}"
        self.clock: str = ""
        self.revoked = False
        identity, kms = f"identity.{REGION}.oraclecloud.com", f"kms.{REGION}.oraclecloud.com"

        self.home = REGION
        self.home_called = ""  # another name that it says its home region has
        self.keys = {fingerprint(key()): key().public_key()}
        self.may_change_keys = {"list", "add", "end"}

        def on(host: str, path: str, handler: Callable[[Request], Any], verb: str = "GET") -> None:
            def answer(request: Request) -> Any:
                if request.headers["host"] != host:
                    return Answer(404)
                return handler(request) if self._is_signed(request) else self._not_authenticated()

            vendor.route(verb, path)(answer)

        on(identity, "/20160918/users/{user}", self._user)
        self._declare_keys(vendor)
        on(identity, "/20160918/tenancies/{tenancy}", lambda _: {"name": "acme", "homeRegionKey": "IAD"})
        on(identity, "/20160918/tenancies/{tenancy}/regionSubscriptions", self._regions)
        on(identity, "/20160918/compartments", self._compartments)
        on(identity, "/20160918/userGroupMemberships", self._memberships)
        on(identity, "/20160918/groups/{group}", self._group)
        on(identity, "/20160918/policies", self._policies)
        on(kms, "/20180608/vaults", self._vaults)
        on(VAULT_HOST, "/20180608/keys", self._keys)
        on(f"vaults.{REGION}.oci.oraclecloud.com", "/20180608/secrets", self._secrets)

    # Who asks.

    def _is_signed(self, request: Request) -> bool:
        found = _SIGNATURE.fullmatch(request.headers.get("authorization", ""))
        if found is None or self.revoked or self.clock:
            return False
        names = found["headers"].split(" ")
        assert {"date", "(request-target)", "host"} <= set(names)
        if request.method == "POST":
            assert {"content-length", "content-type", "x-content-sha256"} <= set(names)
            digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
            assert request.headers["x-content-sha256"] == digest
        target = request.path + (f"?{urlencode(request.query)}" if request.query else "")
        values = {**request.headers, "(request-target)": f"{request.method.lower()} {target}"}
        signed = "\n".join(f"{name}: {values[name]}" for name in names)
        late = abs((datetime.now(UTC) - parsedate_to_datetime(request.headers["date"])).total_seconds())
        tenancy, user, name = found["id"].split("/")
        if name not in self.keys:
            return False
        try:
            self.keys[name].verify(base64.b64decode(found["is"]), signed.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return late < 300 and (tenancy, user) == (TENANCY, USER)

    def _not_authenticated(self) -> Answer:
        answer = refused(401, "NotAuthenticated")
        return Answer(401, json=answer.json, headers={"date": self.clock} if self.clock else {})

    # What it is told.

    def _user(self, request: Request) -> Any:
        if request.params["user"] != USER or not self.reads_itself:
            return HIDDEN
        return {"id": USER, "name": "kms", "email": "kms@example.com", "lifecycleState": "ACTIVE"}

    def _regions(self, request: Request) -> Any:
        assert request.params["tenancy"] == TENANCY
        subscribed = {REGION: "IAD", "eu-frankfurt-1": "FRA"}
        told = [
            {"regionName": name, "regionKey": short, "status": "READY", "isHomeRegion": name == self.home}
            for name, short in subscribed.items()
        ]
        if self.home_called:
            told[0]["regionName"] = self.home_called
        return told

    def _keys_of_user(self, request: Request) -> Any:
        if request.params["user"] != USER or not self.reads_itself or "list" not in self.may_change_keys:
            return HIDDEN
        made = {"timeCreated": "2025-02-03T04:05:06.000Z"}
        held = [{"fingerprint": name, "lifecycleState": "ACTIVE", **made} for name in self.keys]
        return [*held, {"fingerprint": "00:11", "lifecycleState": "DELETED", **made}]

    def _declare_keys(self, vendor: MiniatureVendor) -> None:
        """The user's own keys: read in each region, and changed in the home region alone."""

        def on(verb: str, path: str, handler: Callable[[Request], Any]) -> None:
            def answer(request: Request) -> Any:
                if not self._is_signed(request):
                    return self._not_authenticated()
                if verb != "GET" and request.headers["host"] != f"identity.{self.home}.oraclecloud.com":
                    return refused(403, "NotAllowed")
                return handler(request) if request.params["user"] == USER else HIDDEN

            vendor.route(verb, path)(answer)

        on("GET", "/20160918/users/{user}/apiKeys", self._keys_of_user)
        on("POST", "/20160918/users/{user}/apiKeys", self._add_key)
        on("DELETE", "/20160918/users/{user}/apiKeys/{fingerprint}", self._remove_key)

    def _add_key(self, request: Request) -> Any:
        if "add" not in self.may_change_keys:
            return HIDDEN
        if len(self.keys) >= 3:
            return refused(400, "LimitExceeded")
        public = serialization.load_pem_public_key(request.json()["key"].encode())
        assert isinstance(public, rsa.RSAPublicKey)
        name = fingerprint(public)
        self.keys[name] = public
        return {"fingerprint": name, "lifecycleState": "ACTIVE"}

    def _remove_key(self, request: Request) -> Any:
        if "end" not in self.may_change_keys or self.keys.pop(request.params["fingerprint"], None) is None:
            return HIDDEN
        return Answer(204)

    def _compartments(self, request: Request) -> Any:
        assert request.query["accessLevel"] == "ACCESSIBLE"
        assert (request.query["compartmentId"], request.query["compartmentIdInSubtree"]) == (TENANCY, "true")
        if request.query.get("page") != "2":
            first = {"id": APPS, "name": "Apps", "compartmentId": TENANCY, "lifecycleState": "ACTIVE"}
            return Answer(json=[first], headers={"opc-next-page": "2"})
        return [{"id": PROD, "name": "Prod", "compartmentId": APPS, "lifecycleState": "ACTIVE"}]

    def _memberships(self, request: Request) -> Any:
        assert request.query == {"compartmentId": TENANCY, "userId": USER}
        return [{"groupId": GROUP, "userId": USER}] if self.reads_policies else HIDDEN

    def _group(self, request: Request) -> Any:
        return {"id": GROUP, "name": "kms"} if self.reads_policies and request.params["group"] == GROUP else HIDDEN

    def _policies(self, request: Request) -> Any:
        if not self.reads_policies:
            return HIDDEN
        said = {
            "manage secret-family": ("Allow group kms to manage secret-family in compartment Apps:Prod", TENANCY),
            "use keys": (f"Allow group Others, kms to use keys in compartment id {PROD}", TENANCY),
            "use vaults": ("allow group 'Default'/'kms' to use vaults in compartment Prod", APPS),
            "inspect compartments": (f"Allow group id {GROUP} to inspect compartments in tenancy", TENANCY),
        }
        statements = [said[right] for right in sorted(self.rights)] + self.more
        statements.append(("Allow group Auditors to manage all-resources in tenancy", TENANCY))
        place = request.query["compartmentId"]
        return [{"name": "p", "statements": [text for text, where in statements if where == place]}]

    def _vaults(self, request: Request) -> Any:
        if request.query["compartmentId"] != PROD:
            return HIDDEN
        return [{"id": VAULT, "displayName": "prod", "lifecycleState": "ACTIVE", "managementEndpoint": self.management}]

    def _keys(self, request: Request) -> Any:
        assert request.query["compartmentId"] == PROD
        return [{"id": KEY, "displayName": "prod", "lifecycleState": "ENABLED"}]

    def _secrets(self, request: Request) -> Any:
        assert request.query["limit"] == "1"
        if request.query["compartmentId"] != PROD or "manage secret-family" not in self.rights:
            return HIDDEN
        return []

    # The suite.

    def fields(self, method: str) -> dict[str, Any]:
        return {
            "userOcid": USER,
            "tenancyOcid": TENANCY,
            "region": REGION,
            "fingerprint": fingerprint(key()),
            "privateKey": pem(key()),
        }

    def wrong_fields(self, method: str) -> dict[str, Any]:
        other = key("of nobody")
        return {**self.fields(method), "fingerprint": fingerprint(other), "privateKey": pem(other)}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.rights.remove(permission.partition(" in ")[0])

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        fields = self.fields(method)
        match failure:
            case "not-a-key":
                return {**fields, "privateKey": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"}
            case "passphrase":
                return {**fields, "privateKey": pem(key(), b"open sesame")}
            case "small-key":
                small = key("small", 1024)
                return {**fields, "privateKey": pem(small), "fingerprint": fingerprint(small)}
            case "other-key":
                return {**fields, "privateKey": pem(key("other"))}
            case "other-realm":
                return {**fields, "userOcid": USER.replace("oc1", "oc2")}
            case "unknown-realm":
                return {
                    **fields,
                    "userOcid": USER.replace("oc1", "oc77"),
                    "tenancyOcid": TENANCY.replace("oc1", "oc77"),
                }
            case "clock":
                self.clock = "Mon, 01 Jan 2024 00:00:00 GMT"
            case "hidden-user":
                self.reads_itself = False
            case _:
                return self.wrong_fields(method)
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True


class SelfReadingOci(Oci):
    """The same user, whose group may inspect policies and groups."""

    reads_policies = True
