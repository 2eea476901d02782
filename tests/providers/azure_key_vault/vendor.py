"""Azure Key Vault in miniature: a vault that judges by roles or by access policies, behind a firewall of its own."""

from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.microsoft import (
    BY_LOGIN,
    BY_SECRET,
    KEY_ID,
    MANAGEMENT,
    METHODS_OF_REFUSAL,
    PERSON,
    PRINCIPAL,
    TENANT,
    Entra,
    by_certificate,
    wrong_fields,
)
from support.vendor import Answer, MiniatureVendor, Request

VAULT = "https://vault.azure.net"
RESOURCE = "/subscriptions/5ab0/resourceGroups/acme/providers/Microsoft.KeyVault/vaults/acme"
ALL = {"list", "get", "set", "recover", "delete", "import"}
ACTIONS = {
    "secrets/list": "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
    "secrets/get": "Microsoft.KeyVault/vaults/secrets/getSecret/action",
    "secrets/set": "Microsoft.KeyVault/vaults/secrets/setSecret/action",
    "secrets/recover": "Microsoft.KeyVault/vaults/secrets/recover/action",
    "secrets/delete": "Microsoft.KeyVault/vaults/secrets/delete",
    "certificates/list": "Microsoft.KeyVault/vaults/certificates/read",
    "certificates/get": "Microsoft.KeyVault/vaults/certificates/read",
    "certificates/import": "Microsoft.KeyVault/vaults/certificates/import/action",
    "certificates/delete": "Microsoft.KeyVault/vaults/certificates/delete",
    "certificates/recover": "Microsoft.KeyVault/vaults/certificates/recover/action",
}


def forbidden(code: str) -> Answer:
    error = {"code": "Forbidden", "message": "Caller is not authorized", "innererror": {"code": code}}
    return Answer(403, json={"error": error})


def missing(code: str) -> Answer:
    return Answer(404, json={"error": {"code": code, "message": "was not found in this key vault"}})


class KeyVault(HttpWorld):
    hosts = ("login.microsoftonline.com", "acme.vault.azure.net", "management.azure.com", "graph.microsoft.com")
    undescribed_paths = (r"/subscriptions.*", r"/v1\.0/applications.*", r"/secrets/[^/]+/")
    credentials: ClassVar = {
        "oauth": BY_LOGIN,
        "client-secret": {**BY_SECRET, "clientSecretKeyId": KEY_ID},
        "certificate": by_certificate(),
    }
    uses: ClassVar = {
        use: {"vaultBaseUrl": "https://acme.vault.azure.net", "vaultResourceId": RESOURCE, "deletion": "yes"}
        for use in ("secret-sync/secrets", "pki/certificates")
    }
    offers: ClassVar = {
        "subscriptions": ({}, ["5ab0", "5ab1"]),
        "vaults": ({"subscription": "5ab0"}, ["https://acme.vault.azure.net/", "https://other.vault.azure.net/"]),
        "vault_ids": ({"subscription": "5ab0"}, [RESOURCE, RESOURCE[: -len("acme")] + "other"]),
        "secrets": ({"vaultBaseUrl": "https://acme.vault.azure.net"}, ["first", "second"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.entra = Entra(vendor, VAULT)
        self.by_roles = True
        self.rights = set(ACTIONS)
        self.reads_settings = True
        self.lists_permissions = True
        self.firewall = False
        self.tenant = TENANT
        vendor.get("/secrets")(self._needing("secrets/list", self._names))
        vendor.get("/certificates")(self._needing("certificates/list", lambda _: {"value": []}))
        vendor.get("/secrets/{name}/")(self._needing("secrets/get", lambda _: missing("SecretNotFound")))
        vendor.delete("/secrets/{name}")(self._needing("secrets/delete", lambda _: missing("SecretNotFound")))
        vendor.post("/deletedsecrets/{name}/recover")(
            self._needing("secrets/recover", lambda _: missing("SecretNotFound"))
        )
        vendor.get("/subscriptions")(self.entra.subscriptions("5ab0", "5ab1"))
        vendor.get("/subscriptions/5ab0/providers/Microsoft.KeyVault/vaults")(
            self.entra.paged(MANAGEMENT, [listed_vault("acme")], [listed_vault("other")])
        )
        vendor.get(RESOURCE)(self.entra.guarded(MANAGEMENT, self._settings))
        vendor.get(f"{RESOURCE}/providers/Microsoft.Authorization/permissions")(
            self.entra.guarded(MANAGEMENT, self._permissions)
        )

    def _needing(self, right: str, handler: Any) -> Any:
        def answer(request: Request) -> Any:
            assert request.headers["host"] == "acme.vault.azure.net"
            assert request.query["api-version"] == "7.4"
            claims = self.entra.claims_of(request, VAULT)
            if claims is None or claims["tid"] != self.tenant:
                where = f'Bearer authorization="https://login.microsoftonline.com/{self.tenant}", resource="{VAULT}"'
                error = {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}
                return Answer(401, json={"error": error}, headers={"www-authenticate": where})
            if self.firewall:
                return forbidden("ForbiddenByFirewall")
            if right not in self.rights:
                return forbidden("ForbiddenByRbac" if self.by_roles else "ForbiddenByPolicy")
            return handler(request)

        return answer

    def _names(self, request: Request) -> Any:
        """Two names, one to a page."""
        base = "https://acme.vault.azure.net/secrets"
        if request.query.get("$skiptoken"):
            return {"value": [{"id": f"{base}/second"}], "nextLink": None}
        return {"value": [{"id": f"{base}/first"}], "nextLink": f"{base}?api-version=7.4&maxresults=25&$skiptoken=1"}

    def _settings(self, request: Request) -> Any:
        if not self.reads_settings:
            return Answer(403, json={"error": {"code": "AuthorizationFailed", "message": "no"}})
        policies: list[dict[str, Any]] = []
        for principal in (PRINCIPAL, PERSON):
            granted: dict[str, list[str]] = {"secrets": [], "certificates": [], "keys": []}
            for right in sorted(self.rights):
                kind, verb = right.split("/")
                granted[kind].append(verb.capitalize())
            policies.append({"tenantId": TENANT, "objectId": principal, "permissions": granted})
        return {
            "id": RESOURCE,
            "properties": {
                "vaultUri": "https://acme.vault.azure.net/",
                "enableRbacAuthorization": self.by_roles,
                "accessPolicies": [] if self.by_roles else policies,
            },
        }

    def _permissions(self, request: Request) -> Any:
        if not self.lists_permissions:
            return Answer(403, json={"error": {"code": "AuthorizationFailed", "message": "no"}})
        reader = {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
        held = sorted({ACTIONS[right] for right in self.rights}) if self.by_roles else []
        own = {"actions": [], "notActions": [], "dataActions": held, "notDataActions": []}
        return {"value": [reader, own]}

    # What the suite does to it.

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return wrong_fields(method, self.fields(method))

    def remove(self, method: str, use: str, permission: str) -> None:
        right = permission.split(" = ", maxsplit=1)[0]
        if right in {"certificates/list", "certificates/get"}:
            self.by_roles = False  # one data action for roles, two permissions for access policies
        self.rights.discard(right)

    def methods_for_failure(self, failure: str) -> list[str]:
        return METHODS_OF_REFUSAL.get(failure, list(self.credentials))

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        return self.entra.fail(failure, self.fields(method))

    def revoke(self, method: str) -> None:
        self.entra.revoke()


def listed_vault(name: str) -> dict[str, Any]:
    uri = f"https://{name}.vault.azure.net/"
    return {"id": RESOURCE[: -len("acme")] + name, "name": name, "properties": {"vaultUri": uri}}
