"""Vercel in miniature: a team token, a project and the rights stated with it; a bad token answers 403, not 401."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "GoodVercelToken0123456789"
TEAMS = {"website": "team_1", "intranet": "team_2"}
ALL = ["create", "read", "update", "delete", "list"]
RIGHTS = ("project", "projectEnvVars", "projectEnvVarsProduction", "sharedEnvVars", "sharedEnvVarsProduction")


def refused(**more: Any) -> Answer:
    return Answer(403, json={"error": {"code": "forbidden", "message": "Not authorized", **more}})


class Vercel(HttpWorld):
    hosts = ("api.vercel.com",)
    credentials: ClassVar = {"api-token": {"apiToken": GOOD}}
    uses: ClassVar = {
        "secret-sync/project": {"team": "team_1", "project": "website", "production": "both"},
        "secret-sync/shared": {"team": "team_2", "project": "intranet", "production": "both"},
    }
    offers: ClassVar = {
        "teams": ({}, ["team_1", "team_3"]),  # the second cannot be used with this token
        "projects": ({"team": "team_1"}, ["api", "website"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes: list[dict[str, Any]] = [{"type": "team", "teamId": team} for team in TEAMS.values()]
        self.token: dict[str, Any] = {"id": "t-1", "name": "kms", "expiresAt": 1_800_000_000_000}
        self.rights = {project: {name: list(ALL) for name in RIGHTS} for project in TEAMS}
        self.scope_refused = False
        self.revoked = False
        vendor.get("/v5/user/tokens/current")(self._guarded(self._current))
        vendor.get("/v2/user")(self._guarded(self._user))
        vendor.get("/v2/teams")(self._guarded(self._teams))
        vendor.get("/v10/projects")(self._guarded(self._projects))
        vendor.get("/v9/projects/{project}")(self._guarded(self._project))
        vendor.get("/v1/env")(self._guarded(lambda _: {"data": []}))

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer != GOOD or self.revoked:
                return refused(invalidToken=True)
            return handler(request)

        return answer

    def _current(self, _: Request) -> Any:
        return refused() if self.scope_refused else {"token": {**self.token, "scopes": self.scopes}}

    def _user(self, _: Request) -> Any:
        """User-level things are refused to a token whose scope is a team or a project."""
        if all(scope["type"] != "user" for scope in self.scopes):
            return refused()
        return {"user": {"username": "ada", "email": "ada@example.com"}}

    def _project(self, request: Request) -> Any:
        name = request.params["project"]
        if request.query.get("teamId") != TEAMS[name]:
            return Answer(404, json={"error": {"code": "not_found"}})
        return {"id": f"prj_{name}", "name": name, "permissions": self.rights[name]}

    def _teams(self, request: Request) -> Any:
        """Two pages; one team cannot be used with this token."""
        if "until" in request.query:
            return {"teams": [{"id": "team_3", "slug": "gamma", "limited": True}], "pagination": {"next": None}}
        return {"teams": [{"id": "team_1", "slug": "acme"}], "pagination": {"next": 1_700_000_000_000}}

    def _projects(self, request: Request) -> Any:
        team = request.query["teamId"]
        last = "from" in request.query
        project = {"id": "prj_2" if last else "prj_1", "name": "website" if last else "api", "accountId": team}
        return {"projects": [project], "pagination": {"next": None if last else 1_700_000_000_000}}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiToken": "WrongVercelToken987654321"}

    def remove(self, method: str, use: str, permission: str) -> None:
        project = "website" if use == "secret-sync/project" else "intranet"
        if permission == "token scope: the team or project that owns the target":
            self.scopes = [scope for scope in self.scopes if scope["teamId"] != "team_1"]
        elif permission.startswith("token scope"):
            self.scopes[1]["type"] = "project"
        else:
            name = permission.partition(":")[0]
            self.rights[project][name] = [] if name == "project" else ["list"]

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "bad-token":
                return self.wrong_fields(method)
            case "leaked":
                self.token["leakedAt"] = 1_700_000_000_000
            case _:
                self.scope_refused = True
        return None

    def add_excess(self, method: str) -> str:
        self.scopes.append({"type": "user"})
        return "whole account of the person"

    def revoke(self, method: str) -> None:
        self.revoked = True
