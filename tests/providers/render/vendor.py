"""Render in miniature: a person, a workspace, a service and a group, behind a key whose permissions nobody can read."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "rnd_GoodKeyOfAda0123456789"


class Render(HttpWorld):
    hosts = ("api.render.com",)
    credentials: ClassVar = {"api-key": {"apiKey": GOOD}}
    uses: ClassVar = {
        "secret-sync/service": {"workspace": "tea-1", "service": "srv-1", "redeploy": "yes"},
        "secret-sync/environment-group": {"workspace": "tea-1", "group": "evg-1", "redeploy": "yes"},
        "secret-sync/workflow": {"workflow": "wfl-1"},
    }
    offers: ClassVar = {
        "workspaces": ({}, [f"tea-{number}" for number in sorted(range(1, 131), key=str)]),
        "services": ({"workspace": "tea-1"}, ["srv-1"]),
        "groups": ({}, ["evg-1"]),
        "workflows": ({}, ["wfl-1"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.refused: set[str] = set()
        self.role = "DEVELOPER"
        self.me: Answer | None = None
        self.revoked = False
        vendor.get("/v1/users")(self._guarded("me", lambda: self.me or {"email": "ada@example.com", "name": "Ada"}))
        vendor.get("/v1/owners")(self._guarded("owners", self._owners))
        vendor.get("/v1/owners/tea-1/members")(
            self._guarded("members", lambda: [{"email": "ada@example.com", "role": self.role, "status": "ACTIVE"}])
        )
        vendor.get("/v1/services")(self._guarded("services", lambda: [{"service": {"id": "srv-1", "name": "web"}}]))
        vendor.get("/v1/services/srv-1/env-vars")(
            self._guarded("env-vars", lambda: [{"envVar": {"key": "TOKEN", "value": "s3cret-value"}}])
        )
        vendor.get("/v1/services/srv-1/deploys")(self._guarded("deploys", list))
        vendor.get("/v1/env-groups")(self._guarded("env-groups", lambda: [{"envGroup": {"id": "evg-1"}}]))
        vendor.get("/v1/env-groups/evg-1")(self._guarded("env-groups", lambda: {"id": "evg-1", "envVars": []}))
        vendor.get("/v1/workflows")(
            self._guarded("workflows", lambda: [{"workflow": {"id": "wfl-1", "name": "nightly"}}])
        )

    def _guarded(self, part: str, answer_of: Callable[[], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer != GOOD or self.revoked:
                return Answer(401, json={"message": "Unauthorized"})
            if part in self.refused:
                return Answer(403, json={"message": "Forbidden"})
            self.asked = request.query
            return answer_of()

        return answer

    def _owners(self) -> Any:
        """130 workspaces; the one that the uses are about is the last."""
        everything = [*range(2, 131), 1]
        start = int(self.asked.get("cursor", 0))
        return [
            {"owner": {"id": f"tea-{number}", "name": f"Acme {number}", "type": "team"}, "cursor": str(start + place)}
            for place, number in enumerate(everything[start : start + 100], 1)
        ]

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiKey": "rnd_WrongKeyOfNobody0123456"}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission.startswith("member role"):
            self.role = "WORKSPACE_VIEWER"
        else:
            self.refused.add({"Services: read": "services", "Workflows: read": "workflows"}[permission])

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "bad-key":
            return self.wrong_fields(method)
        self.me = Answer(403 if failure == "may-not" else 406, json={"message": "no"})
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True
