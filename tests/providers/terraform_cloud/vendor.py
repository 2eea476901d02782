"""Terraform Cloud in miniature: a team's service account, a workspace and a set, and 404 for whatever is forbidden."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "aaaaaaaaaaaaaa.atlasv1.GoodTokenOfTheTeam0123456789"
NOT_FOUND = Answer(
    404, json={"errors": [{"status": "404", "title": "not found"}]}, content_type="application/vnd.api+json"
)


class TerraformCloud(HttpWorld):
    hosts = ("app.terraform.io", "app.eu.terraform.io")
    credentials: ClassVar = {"api-token": {"apiToken": GOOD}}
    uses: ClassVar = {
        "secret-sync/workspace": {"organization": "acme", "workspace": "ws-1"},
        "secret-sync/variable-set": {"organization": "beta", "set": "varset-1"},
    }
    offers: ClassVar = {
        "organizations": ({}, ["acme", "beta"]),
        "workspaces": ({"organization": "acme"}, ["ws-2", "ws-1"]),  # by name
        "sets": ({"organization": "beta"}, ["varset-1"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.seen = {"acme", "beta"}
        self.workspace = {"can-read-variable": True, "can-update-variable": True}
        self.set_update = True
        self.for_this_api = True
        self.ends: list[str | None] = ["2027-08-01T00:00:00.000Z"]
        self.revoked = False
        vendor.get("/api/v2/account/details")(self._guarded(self._details))
        vendor.get("/api/v2/organizations")(self._guarded(self._organizations))
        vendor.get("/api/v2/organizations/{name}")(self._guarded(self._organization))
        vendor.get("/api/v2/workspaces/ws-1")(self._guarded(lambda _: self._object(self.workspace)))
        vendor.get("/api/v2/varsets/varset-1")(self._guarded(lambda _: self._object({"can-update": self.set_update})))
        vendor.get("/api/v2/organizations/acme/workspaces")(self._guarded(self._workspaces))
        vendor.get("/api/v2/organizations/beta/varsets")(
            self._guarded(lambda _: {"data": [{"id": "varset-1", "attributes": {"name": "shared"}}], "links": {}})
        )
        vendor.get("/api/v2/users/user-1/authentication-tokens")(
            self._guarded(lambda _: {"data": [{"id": "at", "attributes": {"expired-at": end}} for end in self.ends]})
        )

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer != GOOD or self.revoked or request.headers["host"] != "app.terraform.io":
                return Answer(401, json={"errors": [{"status": "401", "title": "unauthorized"}]})
            found = handler(request)
            return found if isinstance(found, Answer) else Answer(json=found, content_type="application/vnd.api+json")

        return answer

    def _details(self, _: Request) -> Any:
        if not self.for_this_api:
            return NOT_FOUND
        resource = {"authenticated-resource": {"data": {"type": "teams", "id": "team-1"}}}
        attributes = {"username": "api-team_1", "is-service-account": True}
        return {"data": {"id": "user-1", "type": "users", "attributes": attributes, "relationships": resource}}

    def _organizations(self, request: Request) -> Any:
        """Two pages of one organization each."""
        page = int(request.query.get("page[number]", "1"))
        names = sorted(self.seen)
        more = (
            "https://app.terraform.io/api/v2/organizations?page%5Bnumber%5D=2" if page == 1 and len(names) > 1 else None
        )
        return {"data": [{"id": name} for name in names[page - 1 : page]], "links": {"next": more}}

    def _workspaces(self, request: Request) -> Any:
        """Two pages of one workspace each."""
        last = "page[number]" in request.query
        workspace = {"id": "ws-2" if last else "ws-1", "attributes": {"name": "billing" if last else "web"}}
        more = f"https://app.terraform.io{request.path}?page%5Bnumber%5D=2"
        return {"data": [workspace], "links": {"next": None if last else more}}

    def _organization(self, request: Request) -> Any:
        name = request.params["name"]
        return self._object({"can-manage-varsets": False}) if name in self.seen else NOT_FOUND

    def _object(self, permissions: dict[str, bool]) -> Any:
        return {"data": {"id": "x", "attributes": {"permissions": permissions}}}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiToken": "bbbbbbbbbbbbbb.atlasv1.WrongTokenOfNobody987654321"}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission.startswith("workspace: variables"):
            self.workspace["can-update-variable"] = False
        elif permission.startswith("variable set"):
            self.set_update = False
        else:
            self.seen.discard("acme" if use == "secret-sync/workspace" else "beta")

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "not-for-this-api":
            self.for_this_api = False
            return None
        return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True
