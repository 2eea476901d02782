"""Google Cloud in miniature: a source that signs, an account it may act as, and one project that knows permissions."""

import base64
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from jackfield.providers.contract.functions import jwt_claims
from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

METHOD = "service-account-impersonation"
SOURCE = "platform@acme-tools.iam.gserviceaccount.com"
ACCOUNT = "kms-0f0e0d0c0b0a@acme-prod.iam.gserviceaccount.com"
MINTED = "deploy@acme-prod.iam.gserviceaccount.com"
PROJECT = "acme-prod"
LOCATION = "europe-west3"
KEY_ID = "4f1d2c3b4a59687766554433221100ffeeddccbb"
SOURCE_TOKEN = "ya29.c.source-token"
ACCOUNT_TOKEN = "ya29.c.account-token"
MINT = "iam.serviceAccounts.getAccessToken"
TOKEN_URL = "https://oauth2.googleapis.com/token"


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(name: str = "good", **changes: Any) -> str:
    """A service account's key file, whose key Google knows under the name `good`."""
    pem = private_key(name).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = {
        "type": "service_account",
        "project_id": "acme-tools",
        "private_key_id": KEY_ID,
        "private_key": pem.decode(),
        "client_email": SOURCE,
        "token_uri": TOKEN_URL,
        "universe_domain": "googleapis.com",
    }
    return json.dumps(file | changes)


def refused(status: int, code: str, reason: str = "", message: str = "The request was refused.") -> Answer:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    return Answer(status, json={"error": {"code": status, "status": code, "message": message, "details": details}})


class Gcp(HttpWorld):
    hosts = (
        "oauth2.googleapis.com",
        "iamcredentials.googleapis.com",
        "iam.googleapis.com",
        "cloudresourcemanager.googleapis.com",
        "serviceusage.googleapis.com",
        "secretmanager.googleapis.com",
        f"secretmanager.{LOCATION}.rep.googleapis.com",
    )
    # Google describes its token endpoint and the keys of accounts elsewhere.
    undescribed_paths = ("/token", "/v1/projects/-/serviceAccounts/[^/]+/keys")
    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {
        "secret-sync/secret-manager": {"project": PROJECT, "location": LOCATION},
        "pki/certificate-manager": {"project": PROJECT, "binding": "yes"},
        "dynamic-secret/access-tokens": {"account": MINTED},
    }
    offers: ClassVar = {
        "projects": ({}, [PROJECT, "acme-test"]),  # from two pages
        "locations": ({"project": PROJECT}, [LOCATION]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.held = {name for fact in ("sync_rights", "certificate_rights") for name in NEEDED[fact]}
        self.mints = {ACCOUNT, MINTED}
        self.unknown: set[str] = set()  # names that a project cannot be asked about
        self.enabled = True
        self.valid_before = "9999-12-31T23:59:59Z"
        self.login: Answer | None = None
        self.credentials_api = True
        self.account_exists = True
        self.revoked = False

        def on(verb: str, host: str, path: str, handler: Callable[[Request], Any]) -> None:
            def answer(request: Request) -> Any:
                return handler(request) if request.headers["host"] == f"{host}.googleapis.com" else Answer(404)

            vendor.route(verb, path)(answer)

        accounts = "/v1/projects/-/serviceAccounts/{account}"
        on("POST", "oauth2", "/token", self._token)
        on("GET", "iam", f"{accounts}/keys", self._as_source(self._keys))
        on("POST", "iamcredentials", f"{accounts}:generateAccessToken", self._as_source(self._generate))
        on("POST", "iam", f"{accounts}:testIamPermissions", self._as_source(self._test_account))
        on("GET", "iam", accounts, self._as_account(self._account))
        on("GET", "cloudresourcemanager", "/v1/projects", self._as_account(self._projects))
        on("GET", "cloudresourcemanager", "/v1/projects/{project}", self._as_account(self._project))
        on("POST", "cloudresourcemanager", "/v1/projects/{project}:testIamPermissions", self._as_account(self._test))
        on("GET", "serviceusage", "/v1/projects/{project}/services/{service}", self._as_account(self._service))
        on("GET", "secretmanager", "/v1/projects/{project}/secrets", self._as_account(self._secrets))
        on("GET", "secretmanager", "/v1/projects/{project}/locations", self._as_account(self._locations))
        on(
            "GET",
            f"secretmanager.{LOCATION}.rep",
            "/v1/projects/{project}/locations/{location}/secrets",
            self._as_account(self._secrets),
        )

    # Logging in.

    def _token(self, request: Request) -> Any:
        if self.login is not None:
            return self.login
        form = request.form()
        if form == {
            "grant_type": "refresh_token",
            "client_id": "gcloud",
            "client_secret": "of-gcloud",
            "refresh_token": "1//of-ada",
        }:
            return {"access_token": SOURCE_TOKEN, "expires_in": 3599, "token_type": "Bearer"}
        if form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return Answer(400, json={"error": "unsupported_grant_type"})
        text, _, signature = form["assertion"].rpartition(".")
        claims = jwt_claims(form["assertion"])
        try:
            private_key("good").public_key().verify(
                base64.urlsafe_b64decode(signature + "=="), text.encode(), PKCS1v15(), SHA256()
            )
        except InvalidSignature:
            return Answer(400, json={"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
        fresh = claims["iat"] <= time.time() <= claims["exp"] <= claims["iat"] + 3600
        if (claims["iss"], claims["aud"], fresh) != (SOURCE, TOKEN_URL, True):
            return Answer(400, json={"error": "invalid_grant", "error_description": "Invalid JWT."})
        return {"access_token": SOURCE_TOKEN, "expires_in": 3599, "token_type": "Bearer"}

    def _as_source(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        return lambda request: (
            handler(request) if request.bearer == SOURCE_TOKEN and not self.revoked else unauthenticated()
        )

    def _as_account(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            return handler(request) if request.bearer == ACCOUNT_TOKEN and not self.revoked else unauthenticated()

        return answer

    # As the source.

    def _keys(self, request: Request) -> Any:
        assert request.params["account"] == SOURCE
        name = f"projects/acme-tools/serviceAccounts/{SOURCE}/keys"
        old = {"name": f"{name}/0000", "validBeforeTime": "2020-01-01T00:00:00Z"}
        return {"keys": [old, {"name": f"{name}/{KEY_ID}", "validBeforeTime": self.valid_before}]}

    def _generate(self, request: Request) -> Any:
        assert request.json() == {"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "3600s"}
        if not self.credentials_api:
            return refused(403, "PERMISSION_DENIED", "SERVICE_DISABLED")
        if not self.account_exists:
            return refused(404, "NOT_FOUND")
        if request.params["account"] not in self.mints:
            return refused(403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
        return {"accessToken": ACCOUNT_TOKEN, "expireTime": "2031-01-01T01:00:00Z"}

    def _test_account(self, request: Request) -> Any:
        asked = request.json()["permissions"]
        return {"permissions": asked} if asked == [MINT] and request.params["account"] in self.mints else {}

    # As the account.

    def _account(self, request: Request) -> Any:
        if request.params["account"] not in self.mints:
            return refused(404, "NOT_FOUND")
        return {"email": ACCOUNT, "uniqueId": "1122", "displayName": "KMS", "name": "projects/acme-prod/…"}

    def _test(self, request: Request) -> Any:
        asked = request.json()["permissions"]
        assert 0 < len(asked) <= 100
        if request.params["project"] != PROJECT:
            return refused(403, "PERMISSION_DENIED")
        if self.unknown & set(asked):
            return refused(400, "INVALID_ARGUMENT", message="Permission is not valid for this resource.")
        granted = [name for name in asked if name in self.held]
        return {"permissions": granted} if granted else {}

    def _projects(self, request: Request) -> Any:
        assert request.query["filter"] == "lifecycleState:ACTIVE"
        if request.query.get("pageToken") == "second":
            return {"projects": [{"projectId": "acme-test", "name": "Test"}]}
        return {"projects": [{"projectId": PROJECT, "name": "Production"}], "nextPageToken": "second"}

    def _project(self, request: Request) -> Any:
        if request.params["project"] != PROJECT or "resourcemanager.projects.get" not in self.held:
            return refused(403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
        return {"projectId": PROJECT, "lifecycleState": "ACTIVE"}

    def _service(self, request: Request) -> Any:
        assert request.params["service"] in {"secretmanager.googleapis.com", "certificatemanager.googleapis.com"}
        if "serviceusage.services.get" not in self.held:
            return refused(403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
        return {"state": "ENABLED" if self.enabled else "DISABLED"}

    def _secrets(self, request: Request) -> Any:
        assert request.query == {"pageSize": "1"}
        if "secretmanager.secrets.list" not in self.held:
            return refused(403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
        return {}

    def _locations(self, _: Request) -> Any:
        return {"locations": [{"locationId": LOCATION}]}

    # The suite.

    def fields(self, method: str) -> dict[str, Any]:
        return {"serviceAccountEmail": ACCOUNT, "sourceCredentials": key_file()}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "sourceCredentials": key_file("of nobody")}

    def remove(self, method: str, use: str, permission: str) -> None:
        if use.startswith("dynamic-secret"):
            self.mints.remove(MINTED)
        else:
            self.held.remove(permission)

    def add_excess(self, method: str) -> str:
        self.held.add("iam.serviceAccountKeys.create")
        return f"iam.serviceAccountKeys.create on {PROJECT}"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        sources = {
            "federated-source": json.dumps({"type": "external_account", "audience": "//iam.googleapis.com/x"}),
            "no-credentials": json.dumps({"installed": {"client_id": "x"}}),
            "broken-key": key_file(private_key="-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"),
        }
        match failure:
            case "source-refused":
                return self.wrong_fields(method)
            case "clock":
                body = {
                    "error": "invalid_grant",
                    "error_description": "Invalid JWT: Token must be a short-lived token.",
                }
                self.login = Answer(400, json=body, headers={"date": "Mon, 01 Jan 2024 00:00:00 GMT"})
            case "credentials-api-off":
                self.credentials_api = False
            case "no-token-creator":
                self.mints.clear()
            case "no-account":
                self.account_exists = False
            case _:
                return {**self.fields(method), "sourceCredentials": sources[failure]}
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True


def unauthenticated() -> Answer:
    return refused(401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED")


NEEDED = {
    "sync_rights": (
        "resourcemanager.projects.get",
        "serviceusage.services.get",
        "secretmanager.locations.list",
        *(f"secretmanager.secrets.{verb}" for verb in ("list", "get", "create", "update", "delete")),
        *(f"secretmanager.versions.{verb}" for verb in ("add", "access", "list")),
    ),
    "certificate_rights": (
        *(
            f"certificatemanager.{kind}.{verb}"
            for kind in ("certs", "certmapentries")
            for verb in ("list", "get", "create", "update", "delete")
        ),
        "serviceusage.services.list",
    ),
}
