"""Humanitec in miniature: a service user, her organization role and her role in one application."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "hum-token-of-a-service-user"
APPLICATION = "/orgs/acme/apps/web"


class Humanitec(HttpWorld):
    hosts = ("api.humanitec.io",)
    credentials: ClassVar = {"api-token": {"apiToken": GOOD}}
    uses: ClassVar = {"secret-sync/shared-values": {"organization": "acme", "application": "web", "deploy": "yes"}}
    offers: ClassVar = {
        "organizations": ({}, ["acme"]),
        "applications": ({"organization": "acme"}, ["billing", "web"]),
        "environments": ({"organization": "acme", "application": "web"}, ["development", "production"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.roles = {"/orgs/acme": "member", APPLICATION: "developer"}
        self.not_a_user = False
        self.revoked = False
        self.organizations: list[dict[str, Any]] = [{"id": "acme", "name": "Acme"}]
        self.tokens = [{"id": "kms", "description": "kms", "expires_at": "2027-05-01T00:00:00Z"}]
        vendor.get("/current-user")(self._guarded(self._me))
        vendor.get("/orgs")(self._guarded(lambda _: self.organizations))
        vendor.get("/orgs/{org}/apps/{app}/users/{user}")(self._guarded(self._membership))
        vendor.get("/orgs/{org}/apps/{app}/values")(self._guarded(self._values))
        applications = [{"id": name, "name": name.title()} for name in ("web", "billing")]
        environments = [{"id": name, "name": name.title(), "type": name} for name in ("production", "development")]
        vendor.get("/orgs/acme/apps")(self._guarded(lambda _: applications))
        vendor.get("/orgs/acme/apps/web/envs")(self._guarded(lambda _: environments))
        vendor.get("/users/{user}/tokens")(self._guarded(lambda _: self.tokens))

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer != GOOD or self.revoked:
                return Answer(401, json={"error": "API-001", "message": "unauthorized"})
            if self.not_a_user:
                return Answer(403, json={"error": "API-003", "message": "token is not valid for a user"})
            return handler(request)

        return answer

    def _me(self, _: Request) -> Any:
        return {"id": "s-1", "name": "kms", "type": "service", "roles": self.roles}

    def _membership(self, request: Request) -> Any:
        role = self.roles.get(f"/orgs/{request.params['org']}/apps/{request.params['app']}")
        return {"id": request.params["user"], "role": role} if role else Answer(404, json={"error": "RES-104"})

    def _values(self, request: Request) -> Any:
        if f"/orgs/{request.params['org']}/apps/{request.params['app']}" not in self.roles:
            return Answer(403, json={"error": "API-403"})
        return [{"key": "TOKEN", "is_secret": True, "value": "s3cret-value"}]

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiToken": "hum-token-of-nobody"}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission.startswith("organization"):
            self.roles["/orgs/acme"] = "orgViewer"
        else:
            self.roles[APPLICATION] = "viewer"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "not-a-user":
            self.not_a_user = True
            return None
        return self.wrong_fields(method)

    def add_excess(self, method: str) -> str:
        self.roles["/orgs/acme/apps/billing"] = "owner"
        return "/orgs/acme/apps/billing: owner"

    def revoke(self, method: str) -> None:
        self.revoked = True
