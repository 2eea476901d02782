"""Azure DNS in miniature: a subscription with two zones, and roles and locks on one of them."""

from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.microsoft import BY_SECRET, MANAGEMENT, Entra, wrong_fields
from support.vendor import Answer, MiniatureVendor, Request

SUBSCRIPTION = "5ab5c000-0000-4000-8000-000000000001"
ZONES = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dns/providers/Microsoft.Network/dnszones"  # as the list spells it
)
ZONE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.com"
ACTION = "Microsoft.Network/dnsZones/"


def no(status: int, code: str) -> Answer:
    return Answer(status, json={"error": {"code": code, "message": "the client may not"}})


class Dns(HttpWorld):
    hosts = ("login.microsoftonline.com", "management.azure.com", "graph.microsoft.com")
    undescribed_paths = (r"/v1\.0/applications.*", rf"{ZONE}/providers/Microsoft\.Authorization/.*")
    credentials: ClassVar = {"client-secret": {**BY_SECRET, "subscriptionId": SUBSCRIPTION}}
    uses: ClassVar = {"pki/acme-dns": {"zoneId": ZONE}}
    offers: ClassVar = {
        "zones": ({}, [f"{ZONES}/example.com", f"{ZONES}/example.org"]),
        "subscriptions": ({}, [SUBSCRIPTION, "5ab1"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.entra = Entra(vendor)
        self.rights = {"read", "TXT/read", "TXT/write", "TXT/delete"}
        self.lists_permissions = True
        self.locks: list[str] = []
        self.zones = 2
        self.refusal: Answer | None = None
        self.revoked = False
        self.written: list[str] = []
        vendor.get(f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/dnszones")(self._guarded(self._list))
        vendor.get("/subscriptions")(self.entra.subscriptions(SUBSCRIPTION, "5ab1"))
        vendor.get("/subscriptions/{id}")(self._guarded(lambda _: {"displayName": "Production"}))
        vendor.get(f"{ZONE}/providers/Microsoft.Authorization/permissions")(self._guarded(self._permissions))
        vendor.get(f"{ZONE}/providers/Microsoft.Authorization/locks")(self._guarded(self._locks))
        vendor.get(f"{ZONE}/TXT")(self._needing("TXT/read", lambda _: {"value": []}))
        vendor.put(f"{ZONE}/TXT/{{name}}")(self._needing("TXT/write", self._write))
        vendor.delete(f"{ZONE}/TXT/{{name}}")(self._needing("TXT/delete", lambda _: Answer(204)))

    def _guarded(self, handler: Any) -> Any:
        def answer(request: Request) -> Any:
            if self.revoked:
                return no(401, "InvalidAuthenticationToken")
            return self.refusal or handler(request)

        return self.entra.guarded(MANAGEMENT, answer)

    def _needing(self, right: str, handler: Any) -> Any:
        return self._guarded(
            lambda request: handler(request) if right in self.rights else no(403, "AuthorizationFailed")
        )

    def _list(self, request: Request) -> Any:
        """What the principal may read, in two pages."""
        found = [{"id": f"{ZONES}/example.org", "name": "example.org"}]
        if "read" in self.rights:
            found.append({"id": f"{ZONES}/example.com", "name": "example.com"})
        found = found[: self.zones]
        if request.query.get("$skipToken"):
            return {"value": found[1:]}
        path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/dnszones"
        return {"value": found[:1], "nextLink": f"{MANAGEMENT}{path}?api-version=2018-05-01&$skipToken=2"}

    def _permissions(self, request: Request) -> Any:
        if not self.lists_permissions:
            return no(403, "AuthorizationFailed")
        reader = {"actions": ["Microsoft.Authorization/*/read"], "notActions": []}
        return {"value": [reader, {"actions": [ACTION + right for right in sorted(self.rights)], "notActions": []}]}

    def _locks(self, request: Request) -> Any:
        return {"value": [{"name": f"lock-{level}", "properties": {"level": level}} for level in self.locks]}

    def _write(self, request: Request) -> Any:
        if "if-match" in request.headers:
            return no(412, "PreconditionFailed")
        self.written.append(request.params["name"])
        return Answer(201, json={"name": request.params["name"]})

    # What the suite does to it.

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return wrong_fields(method, self.fields(method))

    def remove(self, method: str, use: str, permission: str) -> None:
        self.rights.remove(permission.removeprefix(ACTION))

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        codes = {
            "other-tenant": (401, "InvalidAuthenticationTokenTenant"),
            "no-subscription": (404, "SubscriptionNotFound"),
            "no-role": (403, "AuthorizationFailed"),
        }
        if failure in codes:
            self.refusal = no(*codes[failure])
        elif failure == "no-zone":
            self.zones = 0
        else:
            return self.entra.fail(failure, self.fields(method))
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True
