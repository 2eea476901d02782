"""Octopus in miniature: a service account, a space with a project, and permissions stated space by space."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "API-GOODKEY0123456789ABCDEF"
ENTRY = {"SpaceId": "Spaces-1", "RestrictedToProjectIds": ["Projects-1"], "RestrictedToProjectGroupIds": []}
PERMISSIONS = (
    "VariableView",
    "VariableEdit",
    "VariableViewUnscoped",
    "VariableEditUnscoped",
    "ProjectView",
    "EnvironmentView",
)


class OctopusDeploy(HttpWorld):
    hosts = ("acme.octopus.app",)
    credentials: ClassVar = {"api-key": {"instanceUrl": "https://acme.octopus.app/app", "apiKey": GOOD}}
    uses: ClassVar = {
        "secret-sync/project-variables": {
            "space": "Spaces-1",
            "project": "Projects-1",
            "unscoped": "yes",
            "scoping": "yes",
        }
    }
    offers: ClassVar = {
        "spaces": ({}, ["Spaces-1"]),
        "projects": ({"space": "Spaces-1"}, ["Projects-2", "Projects-1"]),  # by name
        "environments": ({"space": "Spaces-1"}, ["Environments-1"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.held = {name: [dict(ENTRY)] for name in PERMISSIONS}
        self.system: list[str] = []
        self.complete = True
        self.active = True
        self.refusal = 0
        self.guest = False
        self.revoked = False
        self.version = "2026.2.1234"
        vendor.get("/api")(
            lambda _: {"Application": "Octopus Deploy", "Version": self.version}
        )  # answers strangers too
        vendor.get("/api/users/me")(self._me)
        vendor.get("/api/users/{id}/apikeys")(self._guarded(self._keys))
        vendor.get("/api/users/{id}/permissions")(self._guarded(self._permissions))
        vendor.get("/api/spaces/all")(self._guarded(lambda _: [{"Id": "Spaces-1", "Name": "Default"}]))
        vendor.get("/api/Spaces-1/projects/all")(
            self._seen("ProjectView", [{"Id": "Projects-1", "Name": "Web"}, {"Id": "Projects-2", "Name": "Billing"}])
        )
        vendor.get("/api/Spaces-1/projects/Projects-1")(
            self._seen("ProjectView", {"Id": "Projects-1", "ProjectGroupId": "ProjectGroups-1"})
        )
        vendor.get("/api/Spaces-1/projects/Projects-1/variables")(self._seen("VariableView", {"Variables": []}))
        vendor.get("/api/Spaces-1/environments/all")(
            self._seen("EnvironmentView", [{"Id": "Environments-1", "Name": "Production"}])
        )

    def _seen(self, permission: str, answer: Any) -> Callable[[Request], Any]:
        """What a user without the permission is refused."""
        refused = Answer(403, json={"ErrorMessage": f"You do not have permission: {permission}"})
        return self._guarded(lambda _: answer if permission in self.held else refused)

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.headers.get("x-octopus-apikey") != GOOD or self.revoked:
                return Answer(401, json={"ErrorMessage": "You must be logged in to perform this action."})
            return handler(request)

        return answer

    def _me(self, request: Request) -> Any:
        if self.guest:
            return {"Id": "Users-9", "Username": "guest", "IsActive": True}
        if self.refusal:
            return Answer(self.refusal, json={"ErrorMessage": "refused"})
        mine = {"Id": "Users-1", "Username": "kms", "DisplayName": "KMS", "IsActive": self.active, "IsService": True}
        return self._guarded(lambda _: mine)(request)

    def _keys(self, _: Request) -> Any:
        mine = {"Purpose": "kms", "Expires": "2027-03-04T00:00:00.000+00:00", "ApiKey": {"Hint": GOOD[:8]}}
        return {"Items": [{"Purpose": "old", "Expires": None, "ApiKey": {"Hint": "API-OLDK"}}, mine]}

    def _permissions(self, _: Request) -> Any:
        return {
            "SpacePermissions": self.held,
            "SystemPermissions": self.system,
            "IsPermissionsComplete": self.complete,
        }

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "apiKey": "API-WRONGKEY9876543210"}

    def remove(self, method: str, use: str, permission: str) -> None:
        del self.held[permission]

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith("role")

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "bad-key":
                return self.wrong_fields(method)
            case "inactive":
                self.active = False
            case "guest":
                self.guest = True
            case "limited":
                self.refusal = 403
            case _:
                self.refusal = 404
        return None

    def add_excess(self, method: str) -> str:
        self.held["ProjectDelete"] = [{**ENTRY, "RestrictedToProjectIds": []}]
        return "ProjectDelete"

    def revoke(self, method: str) -> None:
        self.revoked = True
