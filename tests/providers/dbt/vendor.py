"""dbt in miniature: one account with a service token, answers in the vendor's envelope."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "dbtc_GoodServiceTokenOfTheAccount"
PERSONAL = "dbtu_GoodPersonalTokenOfAda"
ACCOUNT = "12345"


def enveloped(data: Any, status: int = 200, message: str = "") -> Answer:
    told = {"code": status, "is_success": status < 400, "user_message": message, "developer_message": ""}
    return Answer(status, json={"status": told, "data": data})


def paged(request: Request, number: int) -> Answer:
    """So many things, a hundred to a page."""
    first = int(request.query.get("offset", 0))
    found = [{"id": one, "name": f"thing {one:03}"} for one in range(first + 1, min(first + 100, number) + 1)]
    pagination = {"count": len(found), "total_count": number}
    return Answer(json={**enveloped(found).json, "extra": {"pagination": pagination}})


class Dbt(HttpWorld):
    hosts = ("ab123.us1.dbt.com",)
    credentials: ClassVar = {
        "api-token": {"instanceUrl": "https://ab123.us1.dbt.com/settings", "accountId": ACCOUNT, "apiToken": GOOD}
    }
    uses: ClassVar = {"secret-rotation/service-tokens": {"tokenName": "kms"}, "other/projects": {}}
    offers: ClassVar = {
        "projects": ({}, [str(number) for number in range(1, 151)]),
        "environments": ({}, [str(number) for number in range(1, 102)]),
        "tokens": ({}, ["kms", "other"]),
        "people": ({}, ["ada@example.com", "bob@example.com"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.sets = ["security_admin", "account_viewer"]
        self.licence = "developer"
        self.covered = True
        self.succeeds = True
        self.revoked = False
        vendor.get("/api/v2/accounts/{account}/")(self._guarded(self._account))
        vendor.get("/api/v3/accounts/{account}/service-tokens/")(self._guarded(self._tokens))
        vendor.get("/api/v3/accounts/{account}/service-tokens/{id}/permissions/")(self._guarded(self._sets_of))
        vendor.get("/api/v3/accounts/{account}/projects/")(self._guarded(self._projects))
        vendor.get("/api/v2/accounts/{account}/environments/")(self._guarded(lambda request: paged(request, 101)))
        vendor.get("/api/v2/accounts/{account}/users/")(self._guarded(self._users))
        vendor.get("/api/v3/accounts/{account}/groups/")(self._guarded(self._groups))

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer not in {GOOD, PERSONAL} or self.revoked:
                return enveloped(None, 401, "Invalid token.")
            if request.params["account"] != ACCOUNT:
                return enveloped(None, 404, "The requested resource was not found.")
            return handler(request)

        return answer

    def _account(self, _: Request) -> Any:
        if not self.covered:
            return enveloped(None, 403, "You do not have permission to perform this action.")
        if not self.succeeds:
            told = {"code": 200, "is_success": False, "user_message": "", "developer_message": ""}
            return {"status": told, "data": None}
        return enveloped({"id": int(ACCOUNT), "name": "Acme", "plan": "enterprise", "state": 1})

    def _tokens(self, _: Request) -> Any:
        return enveloped([{"id": 7, "name": "other"}, {"id": 9, "name": "kms"}])

    def _sets_of(self, request: Request) -> Any:
        assert request.params["id"] == "9"
        return enveloped([{"permission_set": one, "all_projects": True, "project_id": None} for one in self.sets])

    def _users(self, _: Request) -> Any:
        ada = {"license_type": self.licence, "groups": [{"id": 5, "name": "Security"}]}
        bob = {"license_type": "read_only", "groups": [{"id": 6, "name": "Everyone"}]}
        return enveloped(
            [{"email": "ada@example.com", "permissions": [ada]}, {"email": "bob@example.com", "permissions": [bob]}]
        )

    def _groups(self, request: Request) -> Any:
        assert request.query["include_related"] == "group_permissions"
        answer = enveloped(
            [
                {"id": 5, "group_permissions": [{"permission_set": "security_admin", "all_projects": True}]},
                {"id": 6, "group_permissions": [{"permission_set": "readonly", "all_projects": True}]},
            ]
        )
        return Answer(json={**answer.json, "extra": {"pagination": {"count": 2, "total_count": 2}}})

    def _projects(self, request: Request) -> Any:
        if "account_viewer" not in self.sets:
            return enveloped(None, 403, "You do not have permission to perform this action.")
        return paged(request, 150)

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "apiToken": "dbtc_TokenOfNobodyAtAllInThisWorld"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.sets.remove("account_viewer" if use == "other/projects" else "security_admin")

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith("Developer licence")  # of a person; this is a service token

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "bad-token":
            return self.wrong_fields(method)
        if failure == "other-account":
            return {**self.fields(method), "accountId": "99999"}
        self.covered = failure != "not-covered"
        self.succeeds = failure != "unsuccessful"
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True
