"""Forge in miniature: a person, an organization with a server and a site, and scopes that each call asks for."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "eyJ0eXAi.forge-token-of-ada.0123456789"
DATED = "eyJ0eXAiOiJKV1QifQ.eyJleHAiOjE4MzAwMDAwMDB9.c2lnbmF0dXJl"  # a JWT with {"exp": 1830000000}


def listed(*items: dict[str, Any], after: str | None = None) -> dict[str, Any]:
    return {"data": list(items), "links": {"next": after}}


class LaravelForge(HttpWorld):
    hosts = ("forge.laravel.com",)
    credentials: ClassVar = {"api-token": {"apiToken": GOOD}}
    uses: ClassVar = {"secret-sync/site-environment": {"organization": "acme", "server": "12", "site": "34"}}
    offers: ClassVar = {
        "organizations": ({}, ["acme"]),
        "servers": ({"organization": "acme"}, ["12"]),
        "sites": ({"organization": "acme", "server": "12"}, ["34", "33"]),  # by name; the first is on the second page
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes = {"user:view", "organization:view", "server:view", "site:manage-environment"}
        self.tokens = {GOOD}
        self.maintenance = False
        self.revoked = False
        me = {"data": {"id": "1", "type": "users", "attributes": {"email": "ada@example.com", "name": "Ada"}}}
        acme = {"id": "5", "attributes": {"slug": "acme", "name": "Acme"}}
        vendor.get("/api/me")(self._guarded("user:view", lambda _: me))
        vendor.get("/api/orgs")(self._guarded("organization:view", lambda _: listed(acme)))
        vendor.get("/api/orgs/acme/servers")(self._guarded("server:view", lambda _: listed({"id": "12"})))
        vendor.get("/api/orgs/acme/servers/12/sites")(self._guarded("", self._sites))

    def _guarded(self, scope: str, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if self.maintenance:
                return Answer(503, json={"message": "Service Unavailable"})
            if "json" not in request.headers["accept"]:
                return Answer(302, headers={"location": "https://forge.laravel.com/auth/login"})
            if request.bearer not in self.tokens or self.revoked:
                return Answer(401, json={"message": "Unauthenticated."})
            if scope and scope not in self.scopes:
                return Answer(403, json={"message": "This action is unauthorized."})
            return handler(request)

        return answer

    def _sites(self, request: Request) -> Any:
        """Two pages; the site stands on the second."""
        if request.query.get("page[cursor]") == "two":
            return listed({"id": "34", "attributes": {"name": "example.com"}})
        following = "https://forge.laravel.com/api/orgs/acme/servers/12/sites?page%5Bcursor%5D=two"
        return listed({"id": "33", "attributes": {"name": "old.example.com"}}, after=following)

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiToken": "eyJ0eXAi.forge-token-of-nobody.98765"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.scopes.discard(permission)

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "bad-token":
                return self.wrong_fields(method)
            case "no-scopes":
                self.scopes.clear()
            case _:
                self.maintenance = True
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True
