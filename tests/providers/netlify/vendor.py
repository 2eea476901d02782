"""Netlify in miniature: one person, her team, and what its API tells a personal access token."""

from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "nfp_G00dT0kenOfAda"


class Netlify(HttpWorld):
    hosts = ("api.netlify.com",)
    credentials: ClassVar = {"access-token": {"accessToken": GOOD}}
    uses: ClassVar = {"secret-sync/env": {"team": "acme"}}
    offers: ClassVar = {"teams": ({}, ["acme"]), "sites": ({"team": "acme"}, ["site-2", "site-1"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.role = "Developer"
        self.sees_team = True
        self.sso_refuses = False
        self.more_sites = "https://api.netlify.com/api/v1/acme/sites?per_page=100&page=2"
        self.revoked = False

        def guarded(handler: Any) -> Any:
            def answer(request: Request) -> Any:
                if request.bearer != GOOD or self.revoked:
                    return Answer(401, json={"code": 401, "message": "Access Denied"})
                if self.sso_refuses:
                    return Answer(403, json={"code": 403, "message": "SSO required"})
                return handler(request)

            return answer

        me = {"id": "5f0", "email": "ada@example.com", "full_name": "Ada Example"}
        team = {"id": "acc-1", "slug": "acme", "name": "Acme", "roles_allowed": ["Owner", "Developer", "Reviewer"]}
        vendor.get("/api/v1/user")(guarded(lambda _: me))
        vendor.get("/api/v1/accounts")(guarded(lambda _: [team] if self.sees_team else []))
        vendor.get("/api/v1/{slug}/members")(guarded(self._members))
        vendor.get("/api/v1/accounts/{id}/env")(guarded(self._variables))
        vendor.get("/api/v1/acme/sites")(guarded(self._sites))

    def _members(self, request: Request) -> Any:
        assert request.params["slug"] == "acme"
        return [
            {"email": "bob@example.com", "role": "Owner"},
            {"email": "ada@example.com", "role": self.role},
        ]

    def _variables(self, request: Request) -> Any:
        """Without a site these are the team's own; a site of another team is not found."""
        if request.query.get("site_id", "site-2") != "site-2":
            return Answer(404, json={"code": 404, "message": "Not Found"})
        return [{"key": "TOKEN", "values": [{"value": "s3cret"}]}]

    def _sites(self, request: Request) -> Any:
        """Two pages, named by a Link header."""
        if request.query.get("page") == "2":
            return [{"id": "site-2", "name": "shop"}]
        link = f'<{self.more_sites}>; rel="next"'
        return Answer(json=[{"id": "site-1", "name": "www"}], headers={"link": link})

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"accessToken": "nfp_WrongTokenOfNobody"}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission.startswith("team role"):
            self.role = "Reviewer"
        else:
            self.sees_team = False

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "sso":
            self.sso_refuses = True
            return None
        return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True
