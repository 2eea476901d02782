"""TeamCity in miniature: a user, a project, and links made for whoever asks."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "eyJ0eXAiOiAiVENWMiJ9.GoodTeamCityToken0123456789"


class TeamCity(HttpWorld):
    hosts = ("acme.teamcity.com",)
    undescribed_paths = (r"/app/rest/users/current/tokens",)
    credentials: ClassVar = {
        "access-token": {"accessToken": GOOD, "instanceUrl": "https://acme.teamcity.com/login.html"}
    }
    uses: ClassVar = {"secret-sync/parameters": {"project": "Acme_Web"}}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.rights = {"view_project", "view_build_configuration_settings", "edit_project"}
        self.refusal = 0
        self.versioned = False
        self.tokens = [{"name": "kms", "expirationTime": "20270101T000000+0000"}]
        self.accepts = 1_000_000
        vendor.get("/app/rest/users/current")(self._guarded(self._me))
        vendor.get("/app/rest/server")(self._guarded(lambda _: {"version": "2026.1"}))
        vendor.get("/app/rest/users/current/tokens")(self._guarded(lambda _: {"token": self.tokens}))
        vendor.get("/app/rest/projects")(self._guarded(self._projects))
        vendor.get("/app/rest/projects/id:Acme_Web")(self._guarded(self._project))

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            self.accepts -= 1
            assert request.headers["accept"] == "application/json"  # XML otherwise
            if request.bearer != GOOD or self.accepts < 0:
                return Answer(401, body="Unauthorized")
            return handler(request)

        return answer

    def _me(self, _: Request) -> Any:
        return Answer(self.refusal, body="refused") if self.refusal else {"id": 1, "username": "kms", "name": "KMS"}

    def _project(self, _: Request) -> Any:
        if "view_project" not in self.rights:
            return Answer(404, body="No project found")
        kind = "webEdit" if "edit_project" in self.rights else "webViewSettings"
        answer: dict[str, Any] = {
            "id": "Acme_Web",
            "buildTypes": {"buildType": [{"id": "Acme_Web_Build", "name": "Build"}]},
        }
        answer |= {"links": {"link": [{"type": "webView"}, {"type": kind}]}}
        if "view_build_configuration_settings" in self.rights:
            answer["parameters"] = {"count": 3}
        if self.versioned:
            answer["readOnlyUI"] = {"value": True}
        return answer

    def _projects(self, request: Request) -> Any:
        """Two pages; the next one is named by a path."""
        if "locator" in request.query:
            return {"count": 1, "project": [{"id": "Acme_Web", "name": "Web"}]}
        following = "/app/rest/projects?locator=count:1,start:1&fields=count,nextHref,project(id,name)"
        return {"count": 1, "nextHref": following, "project": [{"id": "Acme_Api", "name": "Api"}]}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "accessToken": "eyJ0eXAiOiAiVENWMiJ9.WrongTeamCityToken987654"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.rights.discard(permission)

    def wider(self, method: str, use: str, permission: str) -> set[str]:
        if permission == "view_project":
            return {"edit_project", "view_build_configuration_settings"}
        return set()

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "bad-token":
            return self.wrong_fields(method)
        self.refusal = 403 if failure == "too-narrow" else 404
        return None

    def revoke_after_proof(self, method: str) -> bool:
        self.accepts = 1
        return True
