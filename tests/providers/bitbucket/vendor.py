"""Bitbucket in miniature: scopes are judged first, and every refusal lists what the token holds."""

import base64
from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

EMAIL = "ada@example.com"
TOKEN = "ATATT3xFfGF0ScopedTokenOfAda"
SCOPES = (
    "read:workspace:bitbucket", "admin:workspace:bitbucket", "read:user:bitbucket", "read:repository:bitbucket",
    "read:pipeline:bitbucket", "write:pipeline:bitbucket", "admin:pipeline:bitbucket",
    "read:webhook:bitbucket", "write:webhook:bitbucket", "delete:webhook:bitbucket",
)  # fmt: skip

Handler = Callable[[Request], Any]


class Bitbucket(HttpWorld):
    hosts = ("api.bitbucket.org",)
    undescribed_paths = (r"/2\.0/user/workspaces",)  # younger than the description
    credentials: ClassVar = {"api-token": {"email": EMAIL, "apiToken": TOKEN}}
    uses: ClassVar = {
        "secret-sync/repository": {"workspace": "acme", "repository": "app", "workspaceSettings": "yes"},
        "secret-scanning/repository": {"workspace": "acme", "repository": "app"},
    }
    offers: ClassVar = {
        "workspaces": ({}, ["acme", "ops"]),
        "repositories": ({"workspace": "acme"}, ["app"]),
        "environments": ({"workspace": "acme", "repository": "app"}, ["{e-1}"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes = list(SCOPES)
        self.admin = True
        self.retired = False
        self.revoked = False
        vendor.get("/2.0/user")(self._needing("read:user:bitbucket", self._user))
        vendor.get("/2.0/snippets")(self._needing("read:snippet:bitbucket", lambda _: {"values": []}))
        issues = "/2.0/repositories/{workspace}/{repository}/issues"
        vendor.get(issues)(self._needing("read:issue:bitbucket", lambda _: {"values": []}))
        vendor.get("/2.0/repositories/{workspace}")(self._needing("read:repository:bitbucket", self._repositories))
        vendor.get("/2.0/user/workspaces")(self._needing("read:workspace:bitbucket", self._workspaces))
        environments = "/2.0/repositories/{workspace}/{repository}/environments"
        vendor.get(environments)(
            self._needing("read:pipeline:bitbucket", lambda _: {"values": [{"uuid": "{e-1}", "name": "production"}]})
        )
        hooks = "/2.0/repositories/{workspace}/{repository}/hooks"
        vendor.get(hooks)(self._needing("read:webhook:bitbucket", self._hooks))

    def _needing(self, scope: str, handler: Handler) -> Handler:
        def answer(request: Request) -> Any:
            login = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
            if request.headers.get("authorization") != f"Basic {login}" or self.revoked or not self.scopes:
                return Answer(401, body="Token is invalid, expired, or not supported for this endpoint.")
            if self.retired:
                return Answer(410, json={"type": "error", "error": {"message": "This API endpoint was removed."}})
            if scope not in self.scopes:
                message = "Your credentials lack one or more required privilege scopes."
                detail = {"required": [scope], "granted": self.scopes}
                return Answer(403, json={"type": "error", "error": {"message": message, "detail": detail}})
            return handler(request)

        return answer

    def _user(self, request: Request) -> Any:
        return {"display_name": "Ada", "username": "ada", "account_id": "5b10a2844c20165700ede21g", "uuid": "{u-1}"}

    def _workspaces(self, request: Request) -> Any:
        """Two, one to a page, in either of the shapes that were seen."""
        if request.query.get("page") == "2":
            return {"values": [{"slug": "ops"}]}
        after = "https://api.bitbucket.org/2.0/user/workspaces?pagelen=100&page=2"
        return {"values": [{"workspace": {"slug": "acme"}}], "next": after}

    def _repositories(self, request: Request) -> Any:
        assert request.query["role"] == "admin"
        found = self.admin and request.query.get("q", 'full_name="acme/app"') == 'full_name="acme/app"'
        return {"values": [{"slug": "app", "full_name": "acme/app"}] if found else []}

    def _hooks(self, request: Request) -> Any:
        return (
            {"values": []} if self.admin else Answer(403, json={"type": "error", "error": {"message": "Access denied"}})
        )

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"email": EMAIL, "apiToken": "ATATT3xFfGF0TokenOfNobody"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.scopes.remove(permission)

    def add_excess(self, method: str) -> str:
        self.scopes.append("delete:repository:bitbucket")
        return "delete:repository:bitbucket"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "retired":
            self.retired = True
            return None
        return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True
