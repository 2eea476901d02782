"""Databricks in miniature: one workspace, a service principal, a secret scope with ACLs and a principal to manage."""

import base64
from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

CLIENT = "11111111-2222-3333-4444-555555555555"
SECRET = "dose0123456789abcdef0123456789abcdef"
TOKEN = "eyJ-workspace-token"


def refused(status: int, code: str) -> Answer:
    return Answer(status, json={"error_code": code, "message": code.lower().replace("_", " ")})


class Databricks(HttpWorld):
    hosts = ("dbc-a1b2.cloud.databricks.com",)
    credentials: ClassVar = {
        "service-principal": {
            "workspaceUrl": "https://dbc-a1b2.cloud.databricks.com/",
            "clientId": CLIENT,
            "clientSecret": SECRET,
        }
    }
    uses: ClassVar = {
        "secret-sync/secret-scope": {"scope": "production"},
        "secret-rotation/principal-secrets": {"principal": "42"},
    }
    offers: ClassVar = {
        "scopes": ({}, ["production"]),
        "keys": ({"scope": "production"}, ["TOKEN"]),
        "principals": ({}, ["42", "7"]),
        "secrets": ({"principal": "42"}, ["s", "t"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.acl: dict[str, str] | None = {CLIENT: "WRITE", "users": "READ"}  # None: who does not manage is not told
        self.acl_key = "items"
        self.lists_keys = True
        self.groups = ["users", "admins"]
        self.manages = True
        self.in_workspace = True
        self.login: Answer | None = None
        self.backend = "DATABRICKS"
        self.revoked = False
        vendor.post("/oidc/v1/token")(self._log_in)
        vendor.get("/api/2.0/preview/scim/v2/Me")(self._guarded(self._me))
        vendor.get("/api/2.0/accounts/servicePrincipals/{id}/credentials/secrets")(self._guarded(self._secrets))
        vendor.get("/api/2.0/secrets/scopes/list")(self._guarded(self._scopes))
        vendor.get("/api/2.0/secrets/acls/list")(self._guarded(self._acl))
        vendor.get("/api/2.0/secrets/list")(self._guarded(self._keys))
        vendor.get("/api/2.0/preview/scim/v2/ServicePrincipals")(self._guarded(self._principals))
        vendor.post("/api/2.0/secrets/delete")(self._guarded(self._delete))

    def _log_in(self, request: Request) -> Any:
        if self.login is not None:
            return self.login
        assert request.form() == {"grant_type": "client_credentials", "scope": "all-apis"}
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return Answer(401, json={"error": "invalid_client", "error_description": "Client authentication failed"})
        return {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer != TOKEN or self.revoked:
                return refused(401, "UNAUTHENTICATED")
            if not self.in_workspace:
                return refused(403, "PERMISSION_DENIED")
            return handler(request)

        return answer

    def _me(self, _: Request) -> Answer:
        groups = [{"display": name} for name in self.groups]
        body = {"id": "7", "userName": CLIENT, "displayName": "kms", "groups": groups, "active": True}
        return Answer(json=body, content_type="application/scim+json")

    def _secrets(self, request: Request) -> Any:
        if request.params["id"] == "42" and not self.manages:
            return refused(403, "PERMISSION_DENIED")
        one = {"status": "ACTIVE", "create_time": "2026-06-01T00:00:00Z", "expire_time": "2027-06-01T00:00:00Z"}
        if request.params["id"] != "42":
            return {"secrets": [{"id": "s", **one}]}
        if request.query.get("page_token") == "second":
            return {"secrets": [{"id": "t", **one}]}
        return {"secrets": [{"id": "s", **one}], "next_page_token": "second"}

    def _principals(self, request: Request) -> Answer:
        """Two, one to a page."""
        known = [{"id": "42", "displayName": "deploy"}, {"id": "7", "displayName": "kms"}]
        start = int(request.query["startIndex"])
        body = {"Resources": known[start - 1 : start], "startIndex": start, "itemsPerPage": 1, "totalResults": 2}
        return Answer(json=body, content_type="application/scim+json")

    def _scopes(self, _: Request) -> Any:
        return {"scopes": [{"name": "production", "backend_type": self.backend}]}

    def _acl(self, request: Request) -> Any:
        assert request.query == {"scope": "production"}
        if self.acl is None:
            return refused(403, "PERMISSION_DENIED")
        return {self.acl_key: [{"principal": who, "permission": right} for who, right in self.acl.items()]}

    def _keys(self, _: Request) -> Any:
        return {"secrets": [{"key": "TOKEN"}]} if self.lists_keys else refused(403, "PERMISSION_DENIED")

    def _delete(self, request: Request) -> Any:
        assert request.json()["key"].startswith("jackfield-probe-")
        return refused(404, "RESOURCE_DOES_NOT_EXIST")

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "clientSecret": "dosefedcba9876543210fedcba9876543210"}

    def remove(self, method: str, use: str, permission: str) -> None:
        match permission:
            case "scope ACL WRITE":
                self.acl = {CLIENT: "READ"}
            case "scope ACL READ":
                self.lists_keys = False
            case "workspace admin (group admins)":
                self.groups = ["users"]
            case _:
                self.manages = False

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "bad-secret":
                return self.wrong_fields(method)
            case "bad-request":
                self.login = Answer(400, json={"error": "unsupported_grant_type"})
            case "not-a-workspace":
                self.login = refused(404, "ENDPOINT_NOT_FOUND")
            case _:
                self.in_workspace = False
        return None

    def add_excess(self, method: str) -> str:
        self.groups.append("data-engineers")
        return "group data-engineers"

    def revoke(self, method: str) -> None:
        self.revoked = True
