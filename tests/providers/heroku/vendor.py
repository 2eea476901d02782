"""Heroku in miniature: an account, a team app, and scopes stated in a header of every answer."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "HRKU-11111111-2222-3333-4444-555555555555"
SCOPES = ["read", "read-protected", "write-protected"]  # each holds those before it


def ranged(request: Request, first: str, second: str) -> Answer:
    """Two things, of which the second has to be asked for by its range."""
    if request.headers["range"].startswith("id .."):
        return Answer(206, json=[{"id": "1", "name": first}], headers={"next-range": "id ]1..; max=1000"})
    assert request.headers["range"] == "id ]1..; max=1000"
    return Answer(200, json=[{"id": "2", "name": second}])


class Heroku(HttpWorld):
    hosts = ("api.heroku.com", "id.heroku.com")
    credentials: ClassVar = {
        "auth-token": {"authToken": GOOD},
        "oauth": {
            "clientId": "client-1",
            "clientSecret": "client-secret-of-acme",
            "authToken": GOOD,
            "expiresAt": "2027-01-01T00:00:00Z",
        },
    }
    uses: ClassVar = {"secret-sync/config-vars": {"app": "acme-web"}}
    offers: ClassVar = {"apps": ({}, ["acme-api", "acme-web"]), "teams": ({}, ["acme", "ops"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes = list(SCOPES)
        self.permissions = ["view", "deploy", "operate", "manage"]
        self.team: dict[str, Any] | None = {"name": "acme"}
        self.owner = "acme@herokumanager.com"
        self.role = "member"
        self.refusal = ""
        self.revoked = False
        vendor.get("/account")(self._guarded(lambda _: {"id": "a-1", "email": "ada@example.com", "default_team": None}))
        vendor.get("/apps/acme-web")(
            self._guarded(lambda _: {"name": "acme-web", "team": self.team, "owner": {"email": self.owner}})
        )
        vendor.get("/apps/acme-web/collaborators")(self._guarded(self._collaborators))
        vendor.get("/teams/acme/members")(self._guarded(self._members))
        vendor.get("/apps")(self._guarded(lambda request: ranged(request, "acme-api", "acme-web")))
        vendor.get("/teams")(self._guarded(lambda request: ranged(request, "acme", "ops")))
        vendor.get("/oauth/authorizations")(self._guarded(self._authorizations))

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            assert "version=3" in request.headers["accept"]
            if request.bearer != GOOD or self.revoked:
                return Answer(401, json={"id": "unauthorized", "message": "Invalid credentials provided."})
            if self.refusal:
                return Answer(403, json={"id": self.refusal, "message": "refused"})
            found = handler(request)
            if isinstance(found, Answer):
                return found
            return Answer(json=found, headers={"oauth-scope": ",".join(self.scopes)})

        return answer

    def _members(self, request: Request) -> Any:
        assert request.headers["range"].startswith("id ")
        return [{"email": "bob@example.com", "role": "admin"}, {"email": "ada@example.com", "role": self.role}]

    def _collaborators(self, _: Request) -> Any:
        return [{"user": {"email": "ada@example.com"}, "permissions": [{"name": name} for name in self.permissions]}]

    def _authorizations(self, _: Request) -> Any:
        """Only for the scope global."""
        if "global" not in self.scopes:
            return Answer(403, json={"id": "forbidden", "message": "scope too small"})
        return [{"id": "z", "access_token": {"token": GOOD, "expires_in": 2_592_000}}]

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "authToken": "HRKU-99999999-2222-3333-4444-555555555555"}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission.startswith("app permission"):
            self.permissions.remove("manage")
        else:
            self.scopes = SCOPES[: SCOPES.index(permission)]

    def wider(self, method: str, use: str, permission: str) -> set[str]:
        return set(SCOPES[SCOPES.index(permission) + 1 :]) if permission in SCOPES else set()

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        self.refusal = {"two-factor": "two_factor", "suspended": "suspended", "small-scope": "forbidden"}.get(
            failure, ""
        )
        return None if self.refusal else self.wrong_fields(method)

    def add_excess(self, method: str) -> str:
        self.scopes.append("global")
        return "global"

    def revoke(self, method: str) -> None:
        self.revoked = True
