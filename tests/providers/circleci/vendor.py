"""CircleCI in miniature: one person, a project and a context, access levels that only a write shows."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "CCIPAT_GoodTokenOfAda_0123456789abcdef"


def said(status: int, message: str) -> Answer:
    return Answer(status, json={"message": message})


class CircleCi(HttpWorld):
    hosts = ("circleci.com", "circleci.example.com")
    undescribed_paths = (
        r"/api/v1\.1/.*",
        r"/api/v2/me.*",
        r"/api/v2/project/.*",
    )  # not known there, or with slashes in one parameter
    credentials: ClassVar = {"api-token": {"apiToken": GOOD}}
    uses: ClassVar = {
        "secret-sync/project": {"project": "gh/acme/app"},
        "other/contexts": {"owner": "gh/acme", "context": "ctx-1"},
    }
    offers: ClassVar = {
        "organizations": ({}, ["gh/acme"]),
        "projects": ({}, ["gh/acme/app", "bb/acme/site", "circleci/0b0b-1/1c1c-2"]),
        "variables": ({"project": "gh/acme/app"}, ["SECOND", "TOKEN"]),
        "contexts": ({"owner": "gh/acme"}, ["ctx-1", "ctx-2"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.level = "write"
        self.revoked = False
        vendor.get("/api/v2/me")(self._guarded(self._me))
        vendor.get("/api/v2/me/collaborations")(
            self._guarded(lambda _: [{"id": "o-1", "name": "Acme", "slug": "gh/acme", "vcs_type": "github"}])
        )
        vendor.get("/api/v1.1/projects")(self._guarded(self._followed))
        vendor.get("/api/v2/context")(self._guarded(self._contexts))
        vendor.get("/api/v2/project/gh/acme/app")(self._guarded(lambda _: {"slug": "gh/acme/app"}))
        vendor.get("/api/v2/project/gh/acme/app/envvar")(self._guarded(self._variables))
        vendor.delete("/api/v2/project/gh/acme/app/envvar/{name}")(self._guarded(self._delete))
        vendor.get("/api/v2/context/{id}/environment-variable")(self._guarded(self._context))

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.headers.get("circle-token") != GOOD or self.revoked:
                return said(401, "You must log in first.")
            return handler(request)

        return answer

    def _me(self, _: Request) -> Any:
        if self.level == "none":
            return said(403, "Permission denied.")
        return {"id": "u-1", "login": "ada", "name": "Ada Example"}

    def _followed(self, _: Request) -> Any:
        return [
            {"username": owner, "reponame": name, "vcs_url": url}
            for owner, name, url in (
                ("acme", "app", "https://github.com/acme/app"),
                ("acme", "site", "https://bitbucket.org/acme/site"),
                ("newer", "job", "//circleci.com/0b0b-1/1c1c-2"),
            )
        ]

    def _contexts(self, request: Request) -> Any:
        assert request.query["owner-slug"] == "gh/acme"
        if request.query.get("page-token") == "second":
            return {"items": [{"id": "ctx-2", "name": "staging"}], "next_page_token": None}
        return {"items": [{"id": "ctx-1", "name": "production"}], "next_page_token": "second"}

    def _variables(self, request: Request) -> Any:
        if self.level == "stranger":
            return said(403, "Permission denied.")
        if request.query.get("page-token") == "second":
            return {"items": [{"name": "SECOND", "value": "xxxxcret"}], "next_page_token": None}
        return {"items": [{"name": "TOKEN", "value": "xxxxcret"}], "next_page_token": "second"}

    def _delete(self, request: Request) -> Any:
        assert request.params["name"].startswith("JACKFIELD_PROBE_")
        return said(403, "Permission denied.") if self.level == "read" else said(404, "Environment variable not found.")

    def _context(self, _: Request) -> Any:
        return {"items": [], "next_page_token": None}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiToken": "CCIPAT_WrongTokenOfNobody_0123456789abc"}

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "small-scope":
            self.level = "none"
            return None
        return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True
