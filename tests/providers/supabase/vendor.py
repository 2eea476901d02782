"""Supabase in miniature: a person with a role in an organization, two projects, and permissions named in refusals."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "sbp_" + "a" * 40
SCOPED = "sbp_fc" + "b" * 40
SYNCED, ROTATED = "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb"
ORGANIZATIONS = {SYNCED: "acme", ROTATED: "beta"}


class Supabase(HttpWorld):
    hosts = ("api.supabase.com",)
    credentials: ClassVar = {"access-token": {"accessKey": GOOD}}
    uses: ClassVar = {
        "secret-sync/edge-functions": {"project": SYNCED, "branch": "yes", "choose": "yes"},
        "secret-rotation/api-keys": {"project": ROTATED},
    }
    offers: ClassVar = {
        "projects": ({}, [SYNCED]),
        "organizations": ({}, ["beta", "acme"]),  # by name
        "branches": ({"project": SYNCED}, ["cccccccccccccccccccc"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.missing: set[str] = set()
        self.roles = {"acme": "Developer", "beta": "Administrator"}
        self.profile: Answer | None = None
        self.revoked = False
        me = {"gotrue_id": "u-1", "primary_email": "ada@example.com", "username": "ada"}
        vendor.get("/v1/profile")(self._guarded("", lambda _: self.profile or me))
        vendor.get("/v1/projects")(self._guarded("projects_read", lambda _: [{"ref": SYNCED, "name": "web"}]))
        vendor.get("/v1/projects/{ref}")(self._guarded("", self._project))
        branch = {"name": "develop", "project_ref": "cccccccccccccccccccc", "parent_project_ref": SYNCED}
        organizations = [{"slug": "acme", "name": "The Acme"}, {"slug": "beta", "name": "Beta"}]
        vendor.get("/v1/organizations")(self._guarded("", lambda _: organizations))
        vendor.get("/v1/organizations/{slug}/members")(self._guarded("", self._members))
        vendor.get("/v1/projects/{ref}/secrets")(
            self._guarded("edge_functions_secrets_read", lambda _: [{"name": "TOKEN", "value": "digest-of-it"}])
        )
        vendor.get("/v1/projects/{ref}/branches")(self._guarded("branches_read", lambda _: [branch]))
        vendor.get("/v1/projects/{ref}/api-keys")(self._guarded("api_gateway_keys_read", self._keys))

    def _guarded(self, permission: str, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer not in {GOOD, SCOPED} or self.revoked:
                return Answer(401, json={"message": "Unauthorized"})
            return self._refusal(permission) if permission in self.missing else handler(request)

        return answer

    def _refusal(self, permission: str) -> Answer:
        return Answer(403, json={"message": "Forbidden resource", "missing_permissions": [permission]})

    def _project(self, request: Request) -> Any:
        ref = request.params["ref"]
        if ref not in ORGANIZATIONS:
            return Answer(404, json={"message": "Project not found"})
        return {"ref": ref, "organization_slug": ORGANIZATIONS[ref]}

    def _members(self, request: Request) -> Any:
        return [
            {"user_id": "u-0", "role_name": "Owner"},
            {"user_id": "u-1", "role_name": self.roles[request.params["slug"]]},
        ]

    def _keys(self, request: Request) -> Any:
        if request.query.get("reveal") == "true" and "api_key_secrets_read" in self.missing:
            return self._refusal("api_key_secrets_read")
        return [{"id": "k-1", "api_key": "sb_secret_s3cret-value"}]

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"accessKey": "sbp_" + "f" * 40}

    def remove(self, method: str, use: str, permission: str) -> None:
        match permission:
            case "Projects (account-wide): Read (projects_read)":
                self.missing.add("projects_read")
            case "Edge Function Secrets: Read (edge_functions_secrets_read)":
                self.missing.add("edge_functions_secrets_read")
            case "Production or Development Branches: Read":
                self.missing.add("branches_read")
            case "API Keys: Read (api_gateway_keys_read)":
                # A masked list and one with values are two rights; taking the list away leaves the other to be judged.
                self.vendor.get("/v1/projects/{ref}/api-keys")(
                    self._guarded("", lambda r: [] if r.query.get("reveal") else self._refusal("api_gateway_keys_read"))
                )
            case "API Key Secrets: Read":
                self.missing.add("api_key_secrets_read")
            case _:
                self.roles["acme" if use == "secret-sync/edge-functions" else "beta"] = "Read-only"

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith("OAuth")

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "nothing-named":
            self.profile = Answer(403, json={"message": "Forbidden"})
            return None
        return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True
