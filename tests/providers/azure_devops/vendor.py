"""Azure DevOps in miniature: one organization with one project, its sign-in page and its library."""

import base64
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.microsoft import (
    BY_LOGIN,
    BY_SECRET,
    KEY_ID,
    METHODS_OF_REFUSAL,
    PERSON,
    PRINCIPAL,
    Entra,
    wrong_fields,
)
from support.vendor import Answer, MiniatureVendor, Request

DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"
PAT = "7kGoodPersonalTokenOfAda0000000000000000AZDO1234"
PROJECT = "33333333-4444-4555-8666-777777777777"
LIBRARY = "b7e84409-6553-448a-bbb2-af228e07cbeb"
ANONYMOUS = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
BITS = {"View": 1, "Administer": 2, "Create": 4, "ViewSecrets": 8, "Use": 16, "Owner": 32}
DELEGATED = ["vso.project_write", "vso.variablegroups_write", "vso.variablegroups_manage", "user_impersonation"]
SIGN_IN = Answer(203, body="<html><title>Azure DevOps Services | Sign In</title></html>", content_type="text/html")
TO_SIGN_IN = Answer(302, headers={"location": "https://spsprodweu1.vssps.visualstudio.com/_signin?realm=dev.azure.com"})


class DevOps(HttpWorld):
    hosts = (
        "login.microsoftonline.com",
        "dev.azure.com",
        "vsrm.dev.azure.com",
        "app.vssps.visualstudio.com",
        "graph.microsoft.com",
    )
    undescribed_paths = (
        r"/[^/]+/oauth2/v2\.0/token",
        r"/v1\.0/applications.*",
        r"/acme/_apis/connectionData",
        r"/_apis/(profile/profiles/me|accounts)",
        r"/acme/[^/]+/_apis/serviceendpoint/endpoints",
        r"/acme/[^/]+/_apis/release/definitions",
    )
    credentials: ClassVar = {
        "oauth": {**BY_LOGIN, "orgName": "acme"},
        "access-token": {"accessToken": PAT, "orgName": "acme"},
        "client-secret": {**BY_SECRET, "orgName": "acme", "clientSecretKeyId": KEY_ID},
    }
    uses: ClassVar = {"secret-sync/variable-group": {"project": PROJECT, "release": "yes", "keyVault": "yes"}}

    offers: ClassVar = {
        "projects": ({}, ["00000000-4444-4555-8666-777777777777", PROJECT]),
        "variable_groups": ({"project": PROJECT}, ["7", "8"]),
        "organizations": ({}, ["acme"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.entra = Entra(vendor, DEVOPS)
        self.entra.scopes[DEVOPS] = list(DELEGATED)
        self.scopes = {"project", "groups", "release", "connections"}
        self.held = {4, 2}  # bits of the identity in the library
        self.asked_for: list[tuple[int, str]] = []
        self.member = True
        self.public = False
        self.stranger = Answer(401, body="TF400813: The user '' is not authorized to access this resource.")
        self.refusal: Answer | None = None
        self.revoked = False
        vendor.get("/acme/_apis/connectionData")(self._for_anyone(self._connection_data))
        vendor.get("/acme/_apis/projects")(self._needing("project", self._projects, SIGN_IN))
        vendor.get("/acme/{project}/_apis/distributedtask/variablegroups")(self._needing("groups", self._groups))
        vendor.get("/acme/{project}/_apis/release/definitions")(
            self._needing("release", self._empty, Answer(403, json={"message": "TF400813"}), host="vsrm.dev.azure.com")
        )
        vendor.get("/acme/{project}/_apis/serviceendpoint/endpoints")(self._needing("connections", self._empty))
        profiles = "app.vssps.visualstudio.com"
        vendor.get("/_apis/profile/profiles/me")(self._needing("", lambda _: {"id": PERSON}, host=profiles))
        vendor.get("/_apis/accounts")(self._needing("", self._accounts, host=profiles))
        vendor.get(f"/acme/_apis/securitynamespaces/{LIBRARY}")(self._needing("", self._namespace))
        vendor.get(f"/acme/_apis/permissions/{LIBRARY}/{{bit}}")(self._needing("", self._permission))

    def _who(self, request: Request) -> str:
        """The id of the identity a request comes from; empty for a stranger."""
        assert request.headers["x-tfs-fedauthredirect"] == "Suppress"
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            return PERSON if base64.b64decode(value).decode() == f":{PAT}" else ""
        claims = self.entra.claims_of(request, DEVOPS)
        return str(claims["oid"]) if claims is not None and self.member else ""

    def _for_anyone(self, handler: Any) -> Any:
        def answer(request: Request) -> Any:
            who = self._who(request)
            if who and self.refusal is not None:
                return self.refusal
            if (not who and not self.public) or self.revoked:
                return self.stranger
            return handler(request, who or ANONYMOUS)

        return answer

    def _needing(self, scope: str, handler: Any, refusal: Answer | None = None, *, host: str = "dev.azure.com") -> Any:
        def answer(request: Request, who: str) -> Any:
            assert request.headers["host"] == host
            assert request.query["api-version"] == "7.1"
            assert request.params.get("project", PROJECT) == PROJECT
            personal = request.headers["authorization"].startswith("Basic ")
            if personal and scope and scope not in self.scopes:
                return refusal or self.stranger
            return handler(request)

        return self._for_anyone(answer)

    def _connection_data(self, request: Request, who: str) -> Any:
        account = {"$type": "System.String", "$value": PRINCIPAL if who == PRINCIPAL else "ada@example.com"}
        return {"authenticatedUser": {"id": who, "providerDisplayName": "Ada", "properties": {"Account": account}}}

    def _projects(self, request: Request) -> Any:
        """In two pages, the second of which a header names."""
        if request.query.get("continuationToken") == "1":
            return {"count": 1, "value": [{"id": PROJECT, "name": "shop"}]}
        first = {"count": 1, "value": [{"id": "00000000-4444-4555-8666-777777777777", "name": "attic"}]}
        return Answer(json=first, headers={"x-ms-continuationtoken": "1"})

    def _groups(self, request: Request) -> Any:
        if request.query.get("continuationToken") == "8":
            return {"count": 1, "value": [{"id": 8, "name": "store", "variables": {}}]}
        first = {"id": 7, "name": "shop", "variables": {"COLOUR": {"value": "s3cret-colour"}}}
        return Answer(json={"count": 1, "value": [first]}, headers={"x-ms-continuationtoken": "8"})

    def _accounts(self, request: Request) -> Any:
        assert request.query["memberId"] == PERSON
        return {"count": 1, "value": [{"accountName": "acme"}]}

    def _empty(self, request: Request) -> Any:
        return {"count": 0, "value": []}

    def _namespace(self, request: Request) -> Any:
        actions = [{"bit": bit, "name": name} for name, bit in BITS.items()]
        return {"count": 1, "value": [{"namespaceId": LIBRARY, "name": "Library", "actions": actions}]}

    def _permission(self, request: Request) -> Any:
        bit = int(request.params["bit"])
        assert request.query["tokens"].startswith(f"Library/{PROJECT}")
        self.asked_for.append((bit, request.query["tokens"]))
        return {"count": 1, "value": [bit in self.held]}

    # What the suite does to it.

    def wrong_fields(self, method: str) -> dict[str, Any]:
        if method == "access-token":
            return {**self.fields(method), "accessToken": PAT[::-1]}
        return wrong_fields(method, self.fields(method))

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        if permission.startswith("Library"):
            return False
        return method != ("oauth" if permission.endswith("(delegated)") else "access-token")

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission.startswith("Library"):
            self.held.discard(4)
        elif permission.endswith("(delegated)"):
            self.entra.scopes[DEVOPS].remove(permission.split(" ", maxsplit=1)[0])
        else:
            words = {"Variable": "groups", "Project": "project", "Release": "release", "Service": "connections"}
            self.scopes.remove(words[permission.split(" ", maxsplit=1)[0].rstrip(":")])

    def add_excess(self, method: str) -> str:
        if method != "oauth":
            return ""
        self.entra.scopes[DEVOPS].append("vso.code_full")
        return "vso.code_full"

    def methods_for_failure(self, failure: str) -> list[str]:
        if failure in {"stranger", "sign-in", "policy", "no-organization"}:
            return list(self.credentials)
        by_entra = ["oauth", "client-secret"]
        return METHODS_OF_REFUSAL.get(failure, ["access-token"] if failure == "bad-token" else by_entra)

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "stranger":
                self.public = True
                self.refusal = Answer(json=self._connection_data(None, ANONYMOUS))
            case "sign-in":
                self.refusal = SIGN_IN
            case "bad-token":
                return self.wrong_fields(method)
            case "no-member":
                self.member = False
            case "policy":
                self.refusal = Answer(403, json={"message": "VS403604: conditional access"})
            case "no-organization":
                self.refusal = Answer(404, json={"message": "TF400775"})
            case _:
                return self.entra.fail(failure, self.fields(method))
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True
