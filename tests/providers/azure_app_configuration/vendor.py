"""Azure App Configuration in miniature: a store that judges by roles and knows conditional requests."""

from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.microsoft import (
    BY_LOGIN,
    BY_SECRET,
    KEY_ID,
    MANAGEMENT,
    METHODS_OF_REFUSAL,
    TENANT,
    Entra,
    wrong_fields,
)
from support.vendor import Answer, MiniatureVendor, Request

STORE = "https://azconfig.io"
RESOURCE = "/subscriptions/5ab0/resourceGroups/acme/providers/Microsoft.AppConfiguration/configurationStores/acme"
ACTION = "Microsoft.AppConfiguration/configurationStores/keyValues/"


class AppConfiguration(HttpWorld):
    hosts = ("login.microsoftonline.com", "acme.azconfig.io", "management.azure.com", "graph.microsoft.com")
    undescribed_paths = (r"/kv(/.*)?", r"/v1\.0/applications.*", r"/subscriptions.*", r"/(keys|labels)")
    credentials: ClassVar = {"oauth": BY_LOGIN, "client-secret": {**BY_SECRET, "clientSecretKeyId": KEY_ID}}
    uses: ClassVar = {
        "secret-sync/key-values": {
            "configurationUrl": "https://acme.azconfig.io",
            "storeResourceId": RESOURCE,
            "deletion": "yes",
        }
    }
    offers: ClassVar = {
        "subscriptions": ({}, ["5ab0", "5ab1"]),
        "stores": ({"subscription": "5ab0"}, ["https://acme.azconfig.io", "https://other.azconfig.io"]),
        "store_ids": ({"subscription": "5ab0"}, [RESOURCE, RESOURCE[: -len("acme")] + "other"]),
        "keys": ({"configurationUrl": "https://acme.azconfig.io"}, ["a", "b"]),
        "labels": ({"configurationUrl": "https://acme.azconfig.io"}, ["prod"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.entra = Entra(vendor, STORE)
        self.entra.scopes[STORE] = ["KeyValue.Read", "KeyValue.Write", "KeyValue.Delete"]
        self.rights = {"read", "write", "delete"}
        self.lists_permissions = True
        self.tenant = TENANT
        self.stored: list[str] = []
        vendor.get("/kv")(self._needing("read", self._list))
        vendor.put("/kv/{key}")(self._needing("write", self._put))
        vendor.delete("/kv/{key}")(self._needing("delete", self._delete))
        vendor.get("/keys")(self._needing("read", self._keys))
        vendor.get("/labels")(self._needing("read", lambda _: listed("label", [{"name": "prod"}, {"name": None}])))
        vendor.get("/subscriptions")(self.entra.subscriptions("5ab0", "5ab1"))
        vendor.get("/subscriptions/5ab0/providers/Microsoft.AppConfiguration/configurationStores")(
            self.entra.paged(MANAGEMENT, [store("acme")], [store("other")])
        )
        vendor.get(f"{RESOURCE}/providers/Microsoft.Authorization/permissions")(
            self.entra.guarded(MANAGEMENT, self._permissions)
        )

    def _needing(self, right: str, handler: Any) -> Any:
        def answer(request: Request) -> Any:
            assert request.headers["host"] == "acme.azconfig.io"
            assert request.query["api-version"] == "1.0"
            claims = self.entra.claims_of(request, STORE)
            if claims is None or claims["tid"] != self.tenant:
                challenge = 'HMAC-SHA256, Bearer error="invalid_token"'
                return Answer(401, headers={"www-authenticate": challenge})
            if right not in self.rights:
                problem = {"type": "https://azconfig.io/errors/forbidden", "title": "Forbidden", "status": 403}
                return Answer(403, json=problem, content_type="application/problem+json")
            return handler(request)

        return answer

    def _list(self, request: Request) -> Any:
        found = {"items": [{"key": key} for key in self.stored if key == request.query["key"]]}
        return Answer(json=found, content_type="application/vnd.microsoft.appconfig.kvset+json")

    def _keys(self, request: Request) -> Any:
        """Two pages, the second of which a path names."""
        if request.query.get("after"):
            return listed("key", [{"name": "b"}])
        return listed("key", [{"name": "a"}], **{"@nextLink": "/keys?api-version=1.0&after=YQ"})

    def _put(self, request: Request) -> Any:
        if "if-match" in request.headers and request.params["key"] not in self.stored:
            return Answer(412)
        self.stored.append(request.params["key"])
        return {"key": request.params["key"]}

    def _delete(self, request: Request) -> Any:
        return Answer(204) if request.params["key"] not in self.stored else {"key": request.params["key"]}

    def _permissions(self, request: Request) -> Any:
        if not self.lists_permissions:
            return Answer(403, json={"error": {"code": "AuthorizationFailed", "message": "no"}})
        held = [ACTION + right for right in sorted(self.rights)]
        reader = {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
        return {"value": [reader, {"actions": [], "notActions": [], "dataActions": held, "notDataActions": []}]}

    # What the suite does to it.

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return wrong_fields(method, self.fields(method))

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith("delegated") and method != "oauth"

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission.startswith("delegated"):
            self.entra.scopes[STORE].remove(permission.rpartition(" ")[2])
        else:
            self.rights.remove(permission.removeprefix(ACTION))

    def methods_for_failure(self, failure: str) -> list[str]:
        return METHODS_OF_REFUSAL.get(failure, list(self.credentials))

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        return self.entra.fail(failure, self.fields(method))

    def revoke(self, method: str) -> None:
        self.entra.revoke()


def store(name: str) -> dict[str, Any]:
    resource = RESOURCE[: -len("acme")] + name
    return {"id": resource, "name": name, "properties": {"endpoint": f"https://{name}.azconfig.io"}}


def listed(kind: str, items: list[dict[str, Any]], **more: Any) -> Answer:
    media = f"application/vnd.microsoft.appconfig.{kind}set+json"
    return Answer(json={"items": items, **more}, content_type=media)
