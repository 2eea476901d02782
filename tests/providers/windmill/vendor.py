"""Windmill in miniature: a person in a workspace, a folder she may write, and a token that may be scoped."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "GoodWindmillToken0123456789"


class Windmill(HttpWorld):
    hosts = ("app.windmill.dev", "windmill.example.com")
    credentials: ClassVar = {"access-token": {"accessToken": GOOD}}
    uses: ClassVar = {"secret-sync/variables": {"workspace": "Acme", "path": "f/production"}}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes: list[str] | None = ["variables:write:f/*", "workspaces:read", "users:read"]
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
        self.accepts = 1_000_000
        vendor.get("/{anything:path}")(lambda _: Answer(200, body="<html>app</html>", content_type="text/html"))
        for path, part, answer in (
            ("/api/users/whoami", "users", lambda: {"email": "kms@acme.example", "super_admin": False}),
            ("/api/workspaces/list", "workspaces", lambda: self.workspaces),
            ("/api/users/tokens/list", "", self._tokens),
            ("/api/w/acme/users/whoami", "", lambda: self.member),
        ):
            vendor.get(path)(self._guarded(part, answer))

    def _guarded(self, part: str, answer_of: Callable[[], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            self.accepts -= 1
            if request.bearer != GOOD or self.accepts < 0:
                return Answer(401, body="Unauthorized")
            return Answer(403, body="Forbidden") if part in self.narrow else answer_of()

        return answer

    def _tokens(self) -> Any:
        mine = {"token_prefix": GOOD[:10], "scopes": self.scopes, "read_only": self.read_only}
        return [{"token_prefix": "OtherToken", "scopes": None}, {**mine, "expiration": "2027-02-03T00:00:00Z"}]

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"accessToken": "WrongWindmillToken987654321"}

    def remove(self, method: str, use: str, permission: str) -> None:
        match permission.split(maxsplit=1)[0]:
            case "workspace":
                self.member["operator"] = True
            case "write":
                self.member["folders"] = []
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

    def revoke_after_proof(self, method: str) -> bool:
        self.accepts = 1
        return True
