"""DigitalOcean in miniature: one token with its scopes, on the API's host and on the console's."""

from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = f"dop_v1_{'5a' * 32}"
APP = "4f6c71e2-1e90-4762-9fee-6cc4a0a9f2cf"
NEEDED = (
    "app:read", "app:update", "regions:read", "sizes:read", "actions:read", "project:read", "account:read",
    "database:update",
)  # fmt: skip


class DigitalOcean(HttpWorld):
    hosts = ("api.digitalocean.com", "cloud.digitalocean.com")
    undescribed_paths = (r"/v1/oauth/token/info",)  # on the console's host, which has no description
    credentials: ClassVar = {"api-token": {"apiToken": GOOD}}
    uses: ClassVar = {"secret-sync/app-platform": {"app": APP, "details": "yes"}}
    offers: ClassVar = {
        "apps": ({}, ["00000000-0000-4000-8000-000000000000", APP]),
        "variables": ({"app": APP}, ["TOKEN"]),
        "projects": ({}, ["p"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes = list(NEEDED)
        self.tells_scopes = True
        self.expires_in: int | None = 2_592_000
        self.status = "active"
        self.databases: list[dict[str, Any]] = [{"name": "db", "production": True}]
        self.revoked = False

        vendor.get("/v1/oauth/token/info")(self._info)
        vendor.get("/v2/account")(self._scoped("account:read", lambda _: {"account": self._account()}))
        vendor.get("/v2/apps")(self._scoped("app:read", self._apps))
        vendor.get("/v2/apps/{id}")(self._scoped("app:read", self._app))
        vendor.get("/v2/projects")(self._scoped("project:read", lambda _: {"projects": [{"id": "p", "name": "Web"}]}))
        for name in ("regions", "sizes", "actions"):
            vendor.get(f"/v2/{name}")(
                self._scoped(f"{name}:read", lambda _, name=name: {name: [], "meta": {"total": 0}})
            )

    def _refused(self, request: Request, host: str) -> Answer | None:
        assert request.headers["host"] == host
        if request.bearer != GOOD or self.revoked:
            return Answer(401, json={"id": "Unauthorized", "message": "Unable to authenticate you"})
        return None

    def _info(self, request: Request) -> Any:
        refused = self._refused(request, "cloud.digitalocean.com")
        if refused or not self.tells_scopes:
            return refused or Answer(403, json={"id": "forbidden", "message": "You are not authorized"})
        return {
            "resource_owner_id": 1234567,
            "scopes": self.scopes,
            "expires_in_seconds": self.expires_in,
            "created_at": 1767225600,
            "application": {"uid": "app-uid"},
        }

    def _scoped(self, scope: str, handler: Any) -> Any:
        def answer(request: Request) -> Any:
            held = scope in self.scopes or scope.rpartition(":")[2] in self.scopes
            refused = self._refused(request, "api.digitalocean.com")
            if refused or held:
                return refused or handler(request)
            return Answer(403, json={"id": "forbidden", "message": "You are missing the required permission"})

        return answer

    def _account(self) -> dict[str, Any]:
        team = {"uuid": "t-1", "name": "Acme"}
        return {"uuid": "a-1", "email": "ada@example.com", "status": self.status, "team": team}

    def _apps(self, request: Request) -> Any:
        """Two apps on two pages."""
        if request.query.get("page") == "2":
            return {"apps": [{"id": APP, "spec": {"name": "web"}}], "links": {"pages": {}}, "meta": {"total": 2}}
        after = "https://api.digitalocean.com/v2/apps?page=2&per_page=200"
        other = {"id": "00000000-0000-4000-8000-000000000000", "spec": {"name": "api"}}
        return {"apps": [other], "links": {"pages": {"next": after}}, "meta": {"total": 2}}

    def _app(self, request: Request) -> Any:
        if request.params["id"] != APP:
            return Answer(404, json={"id": "not_found", "message": "app not found"})
        envs = [{"key": "TOKEN", "scope": "RUN_TIME", "type": "SECRET", "value": "EV[1:abc:def]"}]
        return {"app": {"id": APP, "spec": {"name": "web", "envs": envs, "databases": self.databases}}}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiToken": f"dop_v1_{'6b' * 32}"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.scopes.remove(permission)

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "bad-token":
            return self.wrong_fields(method)
        self.tells_scopes = False
        self.scopes = ["droplet:read"]
        return None

    def add_excess(self, method: str) -> str:
        self.scopes.append("droplet:delete")
        return "droplet:delete"

    def revoke(self, method: str) -> None:
        self.revoked = True
