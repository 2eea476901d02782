"""Auth0 in miniature: a tenant that gives tokens, and a Management API that looks at audience and scope."""

import base64
import json
from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

DOMAIN = "acme.eu.auth0.com"
AUDIENCE = f"https://{DOMAIN}/api/v2/"
SECRET = "s" * 64
ROTATED = "gG1wOWlLQlZ3dGd3bGZ1d2JhbGxz"


def token(audience: str, scopes: list[str]) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"iss": f"https://{DOMAIN}/", "sub": "client-1@clients", "aud": audience, "scope": " ".join(scopes)}
    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


class Auth0(HttpWorld):
    hosts = (DOMAIN,)
    credentials: ClassVar = {
        "client-credentials": {
            "domain": f"https://{DOMAIN}/",
            "clientId": "client-1",
            "clientSecret": SECRET,
            "audience": AUDIENCE,
        }
    }
    uses: ClassVar = {"secret-rotation/application": {"application": ROTATED, "chosen": "yes"}}
    offers: ClassVar = {"applications": ({}, [ROTATED, "client-1"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes = ["read:clients", "update:client_keys", "update:clients"]
        self.states_scope = True
        self.authorised = True
        self.tenant = True
        self.audience_taken = True
        self.given = ""
        self.revoked = False
        vendor.post("/oauth/token")(self._token)
        self.login = "client_secret_post"  # how the application that is rotated logs in
        vendor.get("/api/v2/clients")(self._reading(self._clients))
        vendor.get("/api/v2/clients/{id}")(self._reading(self._client))

    def _token(self, request: Request) -> Any:
        form = request.form()
        if not self.tenant:
            return Answer(404, json={"error": "not_found"})
        if (form["client_id"], form["client_secret"]) != ("client-1", SECRET):
            return Answer(401, json={"error": "access_denied", "error_description": "Unauthorized"})
        if not self.authorised or form["audience"] != AUDIENCE:
            return Answer(403, json={"error": "access_denied", "error_description": "Client is not authorized"})
        self.given = token(form["audience"], self.scopes)
        stated = {"scope": " ".join(self.scopes)} if self.states_scope else {}
        return {"access_token": self.given, "token_type": "Bearer", "expires_in": 86400, **stated}

    def _reading(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer != self.given or not self.audience_taken or self.revoked:
                return Answer(401, json={"statusCode": 401, "error": "Unauthorized", "message": "Bad audience"})
            if "read:clients" not in self.scopes:
                message = "Insufficient scope, expected any of: read:clients"
                return Answer(403, json={"statusCode": 403, "errorCode": "insufficient_scope", "message": message})
            return handler(request)

        return answer

    def _clients(self, request: Request) -> Any:
        """Two applications on two pages; the global client is nobody's application."""
        known = [{"client_id": "client-1", "name": "kms"}, {"client_id": ROTATED, "name": "Billing"}]
        if request.query.get("include_totals") != "true":
            return known[: int(request.query["per_page"])]
        if request.query.get("is_global") != "false":
            known.append({"client_id": "global", "name": "All Applications"})
        page = int(request.query["page"])
        return {"start": page, "limit": 1, "total": len(known), "clients": known[page : page + 1]}

    def _client(self, request: Request) -> Any:
        if request.params["id"] != ROTATED:
            return Answer(404, json={"statusCode": 404, "errorCode": "inexistent_client"})
        return {"client_id": ROTATED, "token_endpoint_auth_method": self.login}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "clientSecret": "w" * 64}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.scopes.remove(permission)

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "bad-client":
                return self.wrong_fields(method)
            case "not-authorised":
                self.authorised = False
            case "not-a-tenant":
                self.tenant = False
            case _:
                self.audience_taken = False
        return None

    def add_excess(self, method: str) -> str:
        self.scopes.append("read:client_keys")
        return "read:client_keys"

    def revoke(self, method: str) -> None:
        self.revoked = True
