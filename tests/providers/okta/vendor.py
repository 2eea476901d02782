"""Okta in miniature: an organization, a service user with a custom role, and an OIDC app."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "00" + "G" * 40
APP = "0oa0123456789"
ORN = "orn:okta:idp:00o1:apps:oidc_client"


def refused(status: int, code: str) -> Answer:
    return Answer(status, json={"errorCode": code, "errorSummary": "refused", "errorCauses": []})


class Okta(HttpWorld):
    hosts = ("acme.okta.com", "nobody.okta.com")
    credentials: ClassVar = {"api-token": {"instanceUrl": "https://acme.okta.com/", "apiToken": GOOD}}
    uses: ClassVar = {"secret-rotation/oidc-app": {"app": APP, "full": "yes"}}
    offers: ClassVar = {"apps": ({}, [APP])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.resources: list[str] | None = [f"{ORN}:{APP}"]  # of the custom role; None: may not be read
        self.assigned: list[dict[str, Any]] | None = [{"id": APP, "name": "oidc_client"}]  # of APP_ADMIN; [] means all
        self.app_type = "oidc_client"
        self.permissions = self._shown()
        self.roles: list[dict[str, Any]] = [
            {"id": "ra-1", "type": "CUSTOM", "role": "cr-1", "resource-set": "rs-1", "status": "ACTIVE"}
        ]
        self.reads_roles = True
        self.may = True
        self.own_tokens = 1
        self.revoked = False
        vendor.get("/.well-known/okta-organization")(self._organization)
        vendor.get("/api/v1/users/me")(self._guarded(self._me))
        vendor.get("/api/v1/api-tokens")(self._guarded(self._tokens))
        vendor.get("/api/v1/users/{id}/roles")(self._guarded(self._roles))
        vendor.get("/api/v1/iam/roles/{id}/permissions")(self._guarded(self._permissions))
        vendor.get("/api/v1/iam/resource-sets/rs-1/resources")(self._guarded(self._resources))
        vendor.get("/api/v1/users/00u1/roles/{id}/targets/catalog/apps")(self._guarded(self._targets))
        vendor.get("/api/v1/apps")(self._guarded(self._apps))
        vendor.get("/api/v1/apps/{id}")(self._guarded(lambda _: {"id": APP, "name": self.app_type, "status": "ACTIVE"}))

    def _shown(self) -> list[str]:
        """The permissions of the role that the shown call makes."""
        uses = [IntendedUse(use, targets) for use, targets in self.uses.items()]
        shown = merged_snippet(REGISTRY.get("okta"), uses, {"instanceUrl": "https://acme.okta.com"})
        return list(json.loads(shown[shown.index("'{") + 1 : shown.index("}'") + 1])["permissions"])

    def _organization(self, request: Request) -> Any:
        """Any subdomain serves a page; only an organization has this."""
        if request.headers["host"] != "acme.okta.com":
            return Answer(404, body="<html>no such organization</html>", content_type="text/html")
        return {"id": "00o1", "pipeline": "idx"}

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.headers.get("authorization") != f"SSWS {GOOD}" or self.revoked:
                return refused(401, "E0000011")
            return handler(request)

        return answer

    def _me(self, _: Request) -> Any:
        me = {"id": "00u1", "status": "ACTIVE", "profile": {"login": "kms@acme.example"}}
        return me if self.may else refused(403, "E0000006")

    def _tokens(self, _: Request) -> Any:
        mine = {"userId": "00u1", "expiresAt": "2026-12-20T00:00:00.000Z", "tokenWindow": "P30D"}
        return [{**mine, "userId": "00u9"}, *([mine] * self.own_tokens)]

    def _roles(self, _: Request) -> Any:
        return self.roles if self.reads_roles else refused(403, "E0000006")

    def _permissions(self, request: Request) -> Any:
        assert request.params["id"] == "cr-1"
        return {"permissions": [{"label": label} for label in self.permissions]}

    def _resources(self, request: Request) -> Any:
        """Two pages; what the role reaches stands on the second."""
        if self.resources is None:
            return refused(403, "E0000006")
        if request.query.get("after") == "two":
            return {"resources": [{"id": "r", "orn": orn} for orn in self.resources], "_links": {}}
        following = "https://acme.okta.com/api/v1/iam/resource-sets/rs-1/resources?after=two"
        return {
            "resources": [{"id": "g", "orn": f"{ORN.partition(':idp')[0]}:groups:00g1"}],
            "_links": {"next": {"href": following}},
        }

    def _targets(self, request: Request) -> Any:
        assert request.params["id"] == "ra-1"
        return self.assigned if self.assigned is not None else refused(403, "E0000006")

    def _apps(self, request: Request) -> Any:
        """Two pages; of three apps one is active and a client of OpenID Connect, and it stands on the second."""
        if "okta.apps.read" not in self.permissions and len(self.roles) < 2:
            return refused(403, "E0000006")
        kinds = [("0oa1", "saml_app", "ACTIVE"), ("0oa2", "oidc_client", "INACTIVE"), (APP, "oidc_client", "ACTIVE")]
        apps = [{"id": app, "label": f"app {app}", "name": kind, "status": status} for app, kind, status in kinds]
        if "after" in request.query:
            return apps[2:]
        return Answer(json=apps[:2], headers={"link": '<https://acme.okta.com/api/v1/apps?after=0oa2>; rel="next"'})

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "apiToken": "00" + "W" * 40}

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith("standard role")

    def remove(self, method: str, use: str, permission: str) -> None:
        self.permissions.remove(permission)

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "not-okta":
            return {**self.fields(method), "instanceUrl": "https://nobody.okta.com"}
        if failure == "bad-token":
            return self.wrong_fields(method)
        self.may = False
        return None

    def add_excess(self, method: str) -> str:
        self.roles.append({"id": "ra-2", "type": "ORG_ADMIN", "status": "ACTIVE"})
        return "ORG_ADMIN"

    def revoke(self, method: str) -> None:
        self.revoked = True
