"""Cloudflare in miniature: an account token and a user token, their policies, and the two places that verify them."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

ACCOUNT = "0123456789abcdef0123456789abcdef"
ZONE = "fedcba9876543210fedcba9876543210"
OF_ACCOUNT = "cfat_" + "A" * 40
OF_USER = "cfut_" + "U" * 40
BROKEN = "cfat_copied-in-part"
GROUPS = {
    "Workers Scripts Write",
    "Pages Write",
    "DNS Write",
    "SSL and Certificates Write",
    "Zone Read",
    "Account API Tokens Write",
    "Account Settings Read",
}


def result(value: Any) -> dict[str, Any]:
    return {"success": True, "errors": [], "messages": [], "result": value}


def paged(request: Request, found: list[Any]) -> dict[str, Any]:
    """One to a page, however many are asked for."""
    page = int(request.query.get("page", 1))
    told = {"page": page, "per_page": 1, "total_pages": len(found), "total_count": len(found)}
    return {**result(found[page - 1 : page]), "result_info": told}


def refused(status: int, code: int, message: str) -> Answer:
    errors = [{"code": code, "message": message}]
    return Answer(status, json={"success": False, "errors": errors, "messages": [], "result": None})


class Cloudflare(HttpWorld):
    hosts = ("api.cloudflare.com",)
    undescribed_paths = (
        r"/client/v4/accounts/[^/]+/tokens/.*",  # younger than the description
        r"/client/v4/accounts/[^/]+/pages/projects",  # its pages are not described
    )
    credentials: ClassVar = {"api-token": {"accountId": ACCOUNT, "apiToken": OF_ACCOUNT}}
    uses: ClassVar = {
        "secret-sync/workers": {"script": "api-gateway"},
        "secret-sync/pages": {"project": "website"},
        "pki/certificates": {"zone": "example.com", "kind": "both"},
        "secret-rotation/api-tokens": {},
    }
    offers: ClassVar = {
        "accounts": ({}, [ACCOUNT, "f" * 32]),
        "zones": ({}, ["example.com", "example.net"]),
        "projects": ({}, ["attic", "website"]),
        "scripts": ({}, ["api-gateway"]),
        "groups": ({}, sorted(GROUPS)),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.held = set(GROUPS)
        self.denied: set[str] = set()
        self.reads_itself = True
        self.status = "active"
        self.filtered = False
        self.revoked = False
        base = "/client/v4"
        accounts = [{"id": ACCOUNT, "name": "Acme"}, {"id": "f" * 32, "name": "Other"}]
        vendor.get(base + "/accounts")(self._guarded(lambda request: paged(request, accounts)))
        vendor.get(base + "/accounts/{account}")(self._guarded(self._account))
        vendor.get(base + "/accounts/{account}/tokens/{id}")(self._guarded(self._policies))
        vendor.get(base + "/accounts/{account}/tokens/permission_groups")(
            self._guarded(lambda _: result([{"id": name, "name": name} for name in GROUPS]))
        )
        vendor.get(base + "/accounts/{account}/tokens/verify")(self._verify(OF_ACCOUNT))
        vendor.get(base + "/user/tokens/{id}")(self._guarded(self._policies))
        vendor.get(base + "/user/tokens/verify")(self._verify(OF_USER))
        vendor.get(base + "/accounts/{account}/workers/scripts")(self._listing("Workers Scripts Write", "api-gateway"))
        vendor.get(base + "/accounts/{account}/pages/projects")(self._listing("Pages Write", "attic", "website"))
        vendor.get(base + "/zones")(self._guarded(self._zones))

    def _verify(self, kind: str) -> Callable[[Request], Any]:
        """The account's call does not look at the account in its path, as the real one does not."""

        def answer(request: Request) -> Any:
            if request.bearer == BROKEN:
                return refused(400, 6003, "Invalid request headers")
            if request.bearer != kind or self.revoked:
                return refused(401, 1000, "Invalid API Token")
            return result({"id": "token-1", "status": self.status, "expires_on": "2027-04-01T00:00:00Z"})

        return answer

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer not in {OF_ACCOUNT, OF_USER} or self.revoked:
                return refused(401, 1000, "Invalid API Token")
            return handler(request)

        return answer

    def _account(self, request: Request) -> Any:
        if self.filtered:
            return refused(403, 9109, "Cannot use the access token from location")
        if request.params["account"] != ACCOUNT:
            return refused(404, 7003, "Could not route to the account")
        if "Account Settings Read" not in self.held:
            return refused(403, 10000, "Authentication error")
        return result({"id": ACCOUNT, "name": "Acme"})

    def _policies(self, request: Request) -> Any:
        if not self.reads_itself:
            return refused(403, 10000, "Authentication error")
        assert request.params["id"] == "token-1"
        resources = {f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.api.account.zone.*": "*"}}
        policies = [
            {
                "effect": effect,
                "resources": resources,
                "permission_groups": [{"id": n, "name": n} for n in sorted(names)],
            }
            for effect, names in (("allow", self.held), ("deny", self.denied))
            if names
        ]
        return result({"id": "token-1", "name": "kms", "policies": policies})

    def _listing(self, group: str, *names: str) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if group not in self.held:
                return refused(403, 10000, "Authentication error")
            return paged(request, [{"id": name, "name": name} for name in names])

        return self._guarded(answer)

    def _zones(self, request: Request) -> Any:
        """A token without zones gets an empty list, not a refusal."""
        assert request.query["account.id"] == ACCOUNT
        known = [{"id": ZONE, "name": "example.com"}, {"id": "0" * 32, "name": "example.net"}]
        return paged(request, [zone for zone in known if request.query.get("name", zone["name"]) == zone["name"]])

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "apiToken": "cfat_" + "W" * 40}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.held.discard(
            {
                "Account: Workers Scripts: Edit": "Workers Scripts Write",
                "Account: Cloudflare Pages: Edit": "Pages Write",
                "Zone: DNS: Edit": "DNS Write",
                "Zone: SSL and Certificates: Edit": "SSL and Certificates Write",
                "Zone: Zone: Read": "Zone Read",
                "Account: API Tokens: Edit": "Account API Tokens Write",
                "Account: Account Settings: Read": "Account Settings Read",
            }[permission]
        )

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        fields = self.fields(method)
        match failure:
            case "malformed":
                return {**fields, "apiToken": BROKEN}
            case "expired" | "disabled":
                self.status = failure
            case "bad-token":
                return self.wrong_fields(method)
            case "not-from-here":
                self.filtered = True
            case "wrong-account":
                return {**fields, "accountId": "f" * 32}
        return None

    def add_excess(self, method: str) -> str:
        self.held.add("Billing Write")
        return "Billing Write"

    def revoke(self, method: str) -> None:
        self.revoked = True
