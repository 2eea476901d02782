"""Northflank in miniature: one project with a secret group, and a role behind the token."""

import base64
import json
from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request


def jwt(**claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part(claims)}.c2lnbmF0dXJl"


GOOD = jwt(uuid="t-1", entityId="acme", exp=1_830_000_000)


def refused(status: int, message: str) -> Answer:
    return Answer(status, json={"error": {"status": status, "message": message}})


class Northflank(HttpWorld):
    hosts = ("api.northflank.com",)
    credentials: ClassVar = {"api-token": {"apiToken": GOOD}}
    uses: ClassVar = {"secret-sync/secret-group": {"project": "web", "group": "production"}}
    offers: ClassVar = {"projects": ({}, ["api", "web"]), "groups": ({"project": "web"}, ["production"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.role = {"Manage: Read", "List", "Read Values", "Update"}
        self.revoked = False
        groups = {"data": {"secrets": [{"id": "production", "name": "production", "type": "secret"}]}}
        values = {"data": {"secrets": {"variables": {"TOKEN": "s3cret-value"}}}}
        vendor.get("/v1/projects")(self._guarded("Manage: Read", self._projects))
        vendor.get("/v1/projects/web/secrets")(self._guarded("List", groups))
        vendor.get("/v1/projects/web/secrets/production/details")(self._guarded("Read Values", values))

    def _guarded(self, permission: str, answer: Any) -> Callable[[Request], Any]:
        def answered(request: Request) -> Any:
            if request.bearer != GOOD or self.revoked:
                return refused(401, "Unauthorized")
            found = answer(request) if callable(answer) else answer
            return found if permission in self.role else refused(403, f"Missing permission: {permission}")

        return answered

    def _projects(self, request: Request) -> Any:
        """Two pages of one project each."""
        if request.query.get("cursor") == "two":
            return {"data": {"projects": [{"id": "web", "name": "Web"}]}, "pagination": {"hasNextPage": False}}
        more = {"hasNextPage": True, "cursor": "two"}
        return {"data": {"projects": [{"id": "api", "name": "Api"}]}, "pagination": more}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiToken": jwt(uuid="t-2", entityId="acme", exp=1_830_000_000)}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.role.discard(permission.partition("Groups: ")[2] or "Manage: Read")

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True
