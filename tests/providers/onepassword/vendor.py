"""A 1Password Connect server in miniature: two vaults, and tokens that state what they may do."""

import base64
import json
from collections.abc import Callable
from typing import Any, ClassVar

from jackfield.net.network import Network
from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

METHOD = "api-token"
VAULT = "hfnjvi6aymbsnfc2xeeoheizda"
OTHER = "ftz4pm2xxwmwrsd7rjqn7grzfz"
READ, WRITE = 48, 496
ENDS = 1_924_992_000  # 2031-01-01


def token(grants: dict[str, int], *, signature: str = "c2lnbmVk", **claims: Any) -> str:
    """A Connect token; whoever checks it here looks at its signature alone. A claim of None is left out."""
    payload = {
        "1password.com/auuid": "GXQ6PPDEHNHAZOY2ZRVS2UFXUE",
        "1password.com/token": "3nCrYpTeD",
        "1password.com/fts": ["vaultaccess"],
        "1password.com/vts": [{"u": vault.upper(), "a": bits} for vault, bits in grants.items()],
        "aud": ["com.1password.connect"],
        "iss": "com.1password.b5",
        "sub": "IVJAZ2WUVNEELPXKGUZOHRQXQE",
        "jti": "b4mckxjkpf7nzuzs34qhxeidmq",
        "iat": 1_700_000_000,
        "exp": ENDS,
        **claims,
    }
    payload = {name: value for name, value in payload.items() if value is not None}
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, payload))
    return f"{head}.{body}.{signature}"


def refused(status: int, message: str) -> Answer:
    return Answer(status, json={"status": status, "message": message})


class OnePassword(HttpWorld):
    hosts = ("connect.example.com",)
    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {"secret-sync/vault": {"vault": VAULT}, "other/read": {"vault": VAULT}}
    offers: ClassVar = {"vaults": ({}, [VAULT]), "items": ({"vault": VAULT}, ["2fcbqwe9ndg175zg2dzwftvkpa"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.grants = {VAULT: WRITE}
        self.reads = True
        self.flaky = 0  # refusals before a vault in reach is read
        self.asks_body_first = False
        self.revoked = False
        self.instead: Answer | None = None
        vendor.get("/v1/vaults")(self._guarded(self._vaults))
        vendor.get("/v1/vaults/{vault}/items")(self._guarded(self._items))
        vendor.post("/v1/vaults/{vault}/items")(self._guarded(self._create))
        vendor.answers("GET", "/health", {"name": "1Password Connect API", "version": "1.8.1"})

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if self.instead is not None:
                return self.instead
            if not request.bearer.endswith(".c2lnbmVk") or self.revoked:
                return refused(401, "Invalid token signature")
            return handler(request)

        return answer

    def _vaults(self, _: Request) -> Any:
        return [{"id": vault, "name": f"vault {vault[:3]}", "type": "USER_CREATED"} for vault in self.grants]

    def _items(self, request: Request) -> Any:
        if request.params["vault"] not in self.grants:
            return refused(404, "Vault not found")
        self.flaky -= 1
        if not self.reads or self.flaky >= 0:
            return refused(403, "Vault not accessible with the token")
        return [{"id": "2fcbqwe9ndg175zg2dzwftvkpa", "title": "api", "category": "API_CREDENTIAL", "version": 1}]

    def _create(self, request: Request) -> Any:
        assert not request.body, "an attempt must have nothing to create"
        if self.grants.get(request.params["vault"]) != WRITE and not self.asks_body_first:
            return refused(401, "Token does not have permission to write to this vault")
        return refused(400, "Unable to create item due to invalid input")

    # The suite.

    def fields(self, method: str) -> dict[str, Any]:
        return {"instanceUrl": "https://connect.example.com/v1/", "apiToken": token(self.grants)}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "apiToken": token(self.grants, signature="bm9ib2R5")}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission == "vault: write items":
            self.grants[VAULT] = READ
        else:
            self.reads = False

    def add_excess(self, method: str) -> str:
        self.grants[OTHER] = WRITE
        return f"items of {OTHER}"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        wrong = {"signature": "bm9ib2R5"}
        match failure:
            case "expired":
                return {**self.fields(method), "apiToken": token(self.grants, exp=1_600_000_000, **wrong)}
            case "other-product":
                return {**self.fields(method), "apiToken": token(self.grants, aud=["com.1password.events"], **wrong)}
            case "no-vault":
                self.grants = {}
            case "not-connect":
                self.instead = Answer(404, body="404 page not found")
            case "broken-server":
                self.instead = refused(500, "no sync")
            case _:
                return self.wrong_fields(method)
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True


class PlainOnePassword(OnePassword):
    """A server as it comes, without TLS."""

    def __init__(self) -> None:
        self.vendor = MiniatureVendor(tls=False)
        self.declare(self.vendor)

    def network(self) -> Network:
        return self.vendor.network(*self.hosts, port=8080)

    def fields(self, method: str) -> dict[str, Any]:
        return {**super().fields(method), "instanceUrl": "http://connect.example.com:8080"}
