"""GitLab in miniature: a person, a project with a bot, a group, and what each kind of token may ask.

Lists answer anyone with public data, as GitLab's do: only what asks about the token itself proves anything.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

PERSONAL = "glpat-PersonalTokenOfAda"
SESSION = "f0f1e2d3OAuthSessionOfAda"

Handler = Callable[[Request], Any]


def refused(status: int, error: str, description: str = "") -> Answer:
    return Answer(
        status, json={"error": error, "error_description": description} if description else {"message": error}
    )


class GitLab(HttpWorld):
    hosts = ("gitlab.com", "git.example.com")
    undescribed_paths = (r"/api/v4/user", r"/api/v4/projects/[^/]+/environments")
    credentials: ClassVar = {
        "access-token": {"accessToken": PERSONAL, "accessTokenType": "personal"},
        "oauth": {"clientId": "app-id", "scope": "api read_repository", "accessToken": SESSION},
    }
    uses: ClassVar = {
        "secret-sync/project": {"project": "acme/app"},
        "secret-sync/group": {"group": "acme"},
        "secret-scanning/project": {"project": "acme/app"},
        "secret-scanning/group": {"group": "acme"},
    }
    offers: ClassVar = {
        "projects": ({}, ["acme/app", "acme/site"]),
        "groups": ({}, ["acme"]),
        "environments": ({"project": "acme/app"}, ["production"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes = ["api", "read_repository"]
        self.project_level: int | None = 40
        self.group_level = 50
        self.bot = False
        self.active = True
        self.old = False  # older than 15.5: nothing is told of a token
        self.expired = False
        self.listed_as_maintainer = True
        self.revoked = False
        self.prefix = ""
        for prefix in ("", "/gitlab"):
            api = f"{prefix}/api/v4"
            vendor.get(f"{api}/personal_access_tokens/self")(self._about_token(self._self))
            vendor.get(f"{api}/personal_access_tokens/self/associations")(self._about_token(self._associations))
            vendor.get(f"{prefix}/oauth/token/info")(self._token_info)
            vendor.get(f"{api}/user")(self._needing(self._user, "api", "read_api", "read_user"))
            vendor.get(f"{api}/projects")(self._needing(self._projects, "api", "read_api"))
            vendor.get(f"{api}/projects/{{project}}/environments")(
                self._needing(lambda _: [{"id": 1, "name": "production"}], "api", "read_api")
            )
            vendor.get(f"{api}/projects/{{project}}")(self._needing(self._project, "api", "read_api"))
            vendor.get(f"{api}/projects/{{project}}/hooks")(self._needing(self._hooks, "api", "read_api"))
            vendor.get(f"{api}/groups")(self._needing(self._groups, "api", "read_api"))

    # Who asks.

    def _login(self, request: Request) -> Answer | None:
        """None for a credential that is accepted. Session tokens go by Bearer alone."""
        token = request.headers.get("private-token", "")
        if token != PERSONAL and request.bearer not in (PERSONAL, SESSION):
            return refused(401, "401 Unauthorized")
        if self.expired:
            text = "Token is expired. You can either do re-authorization or token refresh."
            return refused(401, "invalid_token", text)
        return refused(401, "401 Unauthorized") if self.revoked else None

    def _about_token(self, handler: Handler) -> Handler:
        def answer(request: Request) -> Any:
            if self.old:
                return refused(404, "404 Not Found")
            return self._login(request) or handler(request)

        return answer

    def _needing(self, handler: Handler, *scopes: str) -> Handler:
        def answer(request: Request) -> Any:
            denied = self._login(request)
            if denied is not None:
                return denied
            if not set(scopes) & set(self.scopes):
                text = "The request requires higher privileges than provided by the access token."
                return refused(403, "insufficient_scope", text)
            return handler(request)

        return answer

    # What is there.

    def _self(self, request: Request) -> Any:
        return {
            "id": 7, "name": "jackfield", "revoked": not self.active, "active": self.active, "user_id": 42,
            "created_at": "2026-01-01T00:00:00.000Z", "scopes": self.scopes, "expires_at": "2026-12-31",
        }  # fmt: skip

    def _token_info(self, request: Request) -> Any:
        if request.bearer != SESSION or self.revoked:
            return refused(401, "invalid_token", "The access token is invalid")
        return {
            "resource_owner_id": 42, "scope": self.scopes, "expires_in": 7200, "application": {"uid": "app-id"},
            "created_at": 1_780_000_000,
        }  # fmt: skip

    def _user(self, request: Request) -> Any:
        return {"id": 42, "username": "project_7_bot" if self.bot else "ada", "name": "Ada", "bot": self.bot}

    def _associations(self, request: Request) -> Any:
        """Two pages; the project stands on the second."""
        assert request.query["min_access_level"] == "40"
        if request.query.get("page") == "2":
            seen = (self.project_level or 0) >= 40 or self.project_level is None
            listed = seen and self.listed_as_maintainer
            return {"groups": [], "projects": [{"id": 7, "path_with_namespace": "acme/app"}] if listed else []}
        link = f'<https://gitlab.com{request.path}?min_access_level=40&per_page=100&page=2>; rel="next"'
        other = {"id": 1, "path_with_namespace": "ada/notes"}
        return Answer(json={"groups": [], "projects": [other]}, headers={"link": link})

    def _project(self, request: Request) -> Any:
        if request.params["project"] not in ("acme/app", "7"):
            return refused(404, "404 Project Not Found")
        level = None if self.project_level is None else {"access_level": self.project_level, "notification_level": 3}
        return {
            "id": 7, "path_with_namespace": "acme/app",
            "permissions": {"project_access": level, "group_access": None},
        }  # fmt: skip

    def _projects(self, request: Request) -> Any:
        """Two, one to a page, as a keyset goes."""
        assert (request.query["pagination"], request.query["order_by"]) == ("keyset", "id")
        if request.query.get("id_after") == "7":
            return [{"id": 8, "path_with_namespace": "acme/site"}]
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        link = f'<https://gitlab.com{request.path}?{query}&id_after=7>; rel="next"'
        return Answer(json=[{"id": 7, "path_with_namespace": "acme/app"}], headers={"link": link})

    def _hooks(self, request: Request) -> Any:
        return [] if (self.project_level or 0) >= 40 else refused(403, "403 Forbidden")

    def _groups(self, request: Request) -> Any:
        assert request.query["min_access_level"] == "50"
        return [{"id": 3, "full_path": "acme", "full_name": "Acme"}] if self.group_level >= 50 else []

    # What the suite does to it.

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "accessToken": "glpat-OfNobodyAtAll"}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission == "api":
            self.scopes = ["read_api", *self.scopes[1:]]
        elif permission == "read_repository":
            self.scopes.remove(permission)
        elif permission.startswith("Maintainer"):
            self.project_level = 30
        else:
            self.group_level = 40

    def add_excess(self, method: str) -> str:
        self.scopes.append("sudo")
        return "sudo"

    def methods_for_failure(self, failure: str) -> list[str]:
        if failure == "no-gitlab":
            return ["access-token", "oauth"]
        return ["oauth"] if failure == "session-over" else ["access-token"]

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "expired":
                self.expired = True
            case "inactive":
                self.active = False
            case "insufficient-scope":
                self.old, self.scopes = True, ["read_repository"]
            case "no-gitlab":
                return {**self.fields(method), "instanceUrl": "https://git.example.com/elsewhere"}
            case _:
                return self.wrong_fields(method)
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True
