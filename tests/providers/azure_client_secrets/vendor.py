"""Microsoft Graph in miniature: one app whose secrets are to be rotated, and who owns it."""

from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.microsoft import (
    BY_LOGIN,
    BY_SECRET,
    CLIENT,
    GRAPH,
    KEY_ID,
    METHODS_OF_REFUSAL,
    PERSON,
    PRINCIPAL,
    Entra,
    by_certificate,
    wrong_fields,
)
from support.vendor import Answer, MiniatureVendor, Request

OWNED_BY = "Application.ReadWrite.OwnedBy"
ALL = "Application.ReadWrite.All"
TARGET = "0b1ec700-0000-4000-8000-000000001111"
ROLE_IDS = {
    ALL: "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    OWNED_BY: "18a4783c-866b-4cc7-a460-3d5e5662c884",
}


def denied() -> Answer:
    error = {"code": "Authorization_RequestDenied", "message": "Insufficient privileges to complete the operation."}
    return Answer(403, json={"error": error})


class ClientSecrets(HttpWorld):
    hosts = ("login.microsoftonline.com", "graph.microsoft.com")
    undescribed_paths = (r"/v1\.0/(applications|servicePrincipals)\(appId=.*",)
    credentials: ClassVar = {"oauth": BY_LOGIN, "client-secret": BY_SECRET, "certificate": by_certificate()}
    uses: ClassVar = {"secret-rotation/client-secrets": {"application": TARGET, "ownership": "owned"}}
    offers: ClassVar = {
        "applications": ({}, [TARGET, "0b1ec700-0000-4000-8000-000000002222"]),
        "secrets": ({"application": TARGET}, [KEY_ID]),
    }
    role = OWNED_BY

    def declare(self, vendor: MiniatureVendor) -> None:
        self.entra = Entra(vendor)
        self.entra.roles[GRAPH] = [self.role]
        self.entra.scopes[GRAPH] = ["openid", "profile", "email", ALL, "User.Read"]
        self.owners = [{"id": "00000000-0000-4000-8000-000000000001"}, {"id": PRINCIPAL}, {"id": PERSON}]
        self.lists_assignments = True
        guarded = self._guarded
        vendor.get(f"/v1.0/servicePrincipals(appId='{CLIENT}')/appRoleAssignments")(guarded(self._assignments))
        vendor.get("/v1.0/me")(guarded(self._me))
        first = {"id": TARGET, "appId": "aaaa0000-0000-4000-8000-000000000002", "displayName": "shop"}
        second = {"id": "0b1ec700-0000-4000-8000-000000002222", "appId": "aaaa0000-0000-4000-8000-000000000003"}
        vendor.get("/v1.0/applications")(
            self.entra.paged(GRAPH, [first], [{**second, "displayName": "store"}], key="@odata.nextLink")
        )
        vendor.get("/v1.0/applications/{id}")(guarded(self._application))
        vendor.get("/v1.0/applications/{id}/owners")(guarded(self._owners))

    def _guarded(self, handler: Any) -> Any:
        def answer(request: Request) -> Any:
            return handler(request, self.held(request))

        return self.entra.guarded(GRAPH, answer)

    def held(self, request: Request) -> set[str]:
        claims = self.entra.claims_of(request, GRAPH) or {}
        return {*claims.get("roles", []), *claims.get("scp", "").split(" ")}

    def _me(self, request: Request, held: set[str]) -> Any:
        return {"id": PERSON, "userPrincipalName": "ada@example.com"} if "User.Read" in held else denied()

    def _application(self, request: Request, held: set[str]) -> Any:
        if not held & {OWNED_BY, ALL}:
            return denied()
        if request.params["id"] != TARGET:
            return Answer(404, json={"error": {"code": "Request_ResourceNotFound", "message": "does not exist"}})
        if request.query["$select"] == "passwordCredentials":
            secret = {"keyId": KEY_ID, "displayName": "sync", "hint": "k8Q", "endDateTime": "2027-05-01T10:00:00Z"}
            return {"passwordCredentials": [secret]}
        return {"id": TARGET, "appId": "aaaa0000-0000-4000-8000-000000000002", "displayName": "shop"}

    def _owners(self, request: Request, held: set[str]) -> Any:
        """In two pages, as Graph gives long lists."""
        if not held & {OWNED_BY, ALL}:
            return denied()
        if request.query.get("$skiptoken"):
            return {"value": self.owners[1:]}
        after = f"{GRAPH}/v1.0/applications/{TARGET}/owners?$select=id&$skiptoken=1"
        return {"value": self.owners[:1], "@odata.nextLink": after}

    def _assignments(self, request: Request, held: set[str]) -> Any:
        if not self.lists_assignments:
            return denied()
        return {"value": [{"appRoleId": ROLE_IDS[role]} for role in self.entra.roles[GRAPH] if role in ROLE_IDS]}

    # What the suite does to it.

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return wrong_fields(method, self.fields(method))

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        if permission.startswith("Directory."):
            return True
        delegated = permission.endswith("(delegated)")
        return delegated != (method == "oauth") or (not delegated and not permission.startswith(self.role))

    def remove(self, method: str, use: str, permission: str) -> None:
        name = permission.split(" ", maxsplit=1)[0]
        (self.entra.scopes if method == "oauth" else self.entra.roles)[GRAPH].remove(name)

    def add_excess(self, method: str) -> str:
        (self.entra.scopes if method == "oauth" else self.entra.roles)[GRAPH].append("Directory.Read.All")
        return "Directory.Read.All"

    def methods_for_failure(self, failure: str) -> list[str]:
        return METHODS_OF_REFUSAL.get(failure, list(self.credentials))

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        return self.entra.fail(failure, self.fields(method))

    def revoke(self, method: str) -> None:
        self.entra.revoke()


class AnyClientSecrets(ClientSecrets):
    """The same for apps that the credential does not own."""

    uses: ClassVar = {"secret-rotation/client-secrets": {"application": TARGET, "ownership": "any"}}
    role = ALL
