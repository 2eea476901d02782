"""Windmill in miniature: a person in a workspace, a folder she may write, and a token that may be scoped."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "GoodWindmillToken0123456789"


class Windmill(HttpWorld):
    hosts = ("app.windmill.dev", "windmill.example.com")
    credentials: ClassVar = {"access-token": {"accessToken": GOOD}}
    uses: ClassVar = {"secret-sync/variables": {"workspace": "Acme", "path": "f/production"}}
    offers: ClassVar = {"workspaces": ({}, ["acme"]), "folders": ({"workspace": "acme"}, ["f/other", "f/production"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        made = self._shown()
        self.scopes: list[str] | None = made["scopes"]
        self.workspace_id: str | None = made["workspace_id"]
        self.read_only = False
        self.member = {
            "username": "kms",
            "is_admin": False,
            "operator": False,
            "disabled": False,
            "folders": ["production"],
            "folders_read": ["production", "other"],
        }
        self.narrow: set[str] = set()
        self.workspaces = [
            {"id": "acme", "name": "Acme", "deleted": False},
            {"id": "old", "name": "Old", "deleted": True},
        ]
        self.revoked = False
        vendor.get("/{anything:path}")(lambda _: Answer(200, body="<html>app</html>", content_type="text/html"))
        for path, part, answer in (
            ("/api/users/whoami", "users", lambda: {"email": "kms@acme.example", "super_admin": False}),
            ("/api/workspaces/list", "workspaces", lambda: self.workspaces),
            ("/api/users/tokens/list", "", self._tokens),
            ("/api/w/acme/users/whoami", "", lambda: self.member),
            ("/api/w/acme/folders/listnames", "", lambda: ["production", "other"]),
        ):
            vendor.get(path)(self._guarded(part, answer))

    def _guarded(self, part: str, answer_of: Callable[[], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer != GOOD or self.revoked:
                return Answer(401, body="Unauthorized")
            scoped = self.scopes is not None and part and f"{part}:read" not in self.scopes
            return Answer(403, body="Forbidden") if scoped or part in self.narrow else answer_of()

        return answer

    def _shown(self) -> dict[str, Any]:
        """What the shown call asks to make a token of."""
        uses = [IntendedUse(use, targets) for use, targets in self.uses.items()]
        shown = merged_snippet(REGISTRY.get("windmill"), uses, {"instanceUrl": "https://app.windmill.dev"})
        made: dict[str, Any] = json.loads(shown.partition("-d '")[2].partition("'")[0])
        return made

    def _tokens(self) -> Any:
        mine = {"token_prefix": GOOD[:10], "scopes": self.scopes, "read_only": self.read_only}
        mine["workspace_id"] = self.workspace_id
        return [{"token_prefix": "OtherToken", "scopes": None}, {**mine, "expiration": "2027-02-03T00:00:00Z"}]

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"accessToken": "WrongWindmillToken987654321"}

    def remove(self, method: str, use: str, permission: str) -> None:
        match permission.split(maxsplit=1)[0]:
            case "workspace":
                self.member["operator"] = True
            case "write":
                self.member["folders"] = []
            case "token":
                self.workspace_id = "another"
            case "scope":
                self.scopes = ["variables:read", "workspaces:read", "users:read"]
            case _:
                self.narrow.add("users")

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith("owner")

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "too-narrow":
            self.narrow |= {"users", "workspaces"}
            return None
        return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True
