"""TeamCity in miniature: a user, a project, and links made for whoever asks."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "eyJ0eXAiOiAiVENWMiJ9.GoodTeamCityToken0123456789"


class TeamCity(HttpWorld):
    hosts = ("acme.teamcity.com",)
    undescribed_paths = (r"/app/rest/users/current/tokens",)
    credentials: ClassVar = {
        "access-token": {"accessToken": GOOD, "instanceUrl": "https://acme.teamcity.com/login.html"}
    }
    uses: ClassVar = {"secret-sync/parameters": {"project": "Acme_Web"}}
    offers: ClassVar = {
        "projects": ({}, ["Acme_Api", "Acme_Web"]),
        "configurations": ({"project": "Acme_Web"}, ["Acme_Web_Build"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.rights = self._shown()
        self.refusal = 0
        self.versioned = False
        self.tokens = [{"name": "kms", "expirationTime": "20270101T000000+0000"}]
        self.revoked = False
        vendor.get("/app/rest/users/current")(self._guarded(self._me))
        vendor.get("/app/rest/server")(self._guarded(lambda _: {"version": "2026.1"}))
        vendor.get("/app/rest/users/current/tokens")(self._guarded(lambda _: {"token": self.tokens}))
        vendor.get("/app/rest/projects")(self._guarded(self._projects))
        vendor.get("/app/rest/projects/id:Acme_Web")(self._guarded(self._project))

    def _shown(self) -> set[str]:
        """The permissions to which the shown call limits a token."""
        uses = [IntendedUse(use, targets) for use, targets in self.uses.items()]
        shown = merged_snippet(REGISTRY.get("teamcity"), uses, {"instanceUrl": "https://acme.teamcity.com"})
        made = json.loads(shown[shown.index("'{") + 1 : shown.rindex("'")])
        limits = made["permissionRestrictions"]["permissionRestriction"]
        assert {limit["project"]["id"] for limit in limits} == {"Acme_Web"}
        return {limit["permission"]["id"] for limit in limits}

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            assert request.headers["accept"] == "application/json"  # XML otherwise
            if request.bearer != GOOD or self.revoked:
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

    def revoke(self, method: str) -> None:
        self.revoked = True
