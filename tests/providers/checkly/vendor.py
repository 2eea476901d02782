"""Checkly in miniature: a user with two accounts, a service key of one, and a header that says which is meant."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

GOOD = "cu_GoodKeyOfAda0123456789"
SERVICE = "sv_ServiceKeyOfAcme0123456789"
ACCOUNT = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"


def said(status: int, message: str) -> Answer:
    return Answer(status, json={"statusCode": status, "error": message, "message": message})


class Checkly(HttpWorld):
    hosts = ("api.checklyhq.com",)
    undescribed_paths = (r"/v1/variables/.+", r"/v1/check-groups")  # the third party leaves out its pages
    one_request = "the proof asks for all that is judged"
    credentials: ClassVar = {"api-key": {"apiKey": GOOD, "accountId": ACCOUNT}}
    uses: ClassVar = {"secret-sync/variables": {"direction": "import"}}
    offers: ClassVar = {"accounts": ({}, [ACCOUNT, OTHER]), "groups": ({}, [str(n) for n in range(101, 0, -1)])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.reads = True
        self.writes = True
        self.plan = True
        self.wrapped = False
        self.more_accounts: list[dict[str, str]] = []
        vendor.get("/v1/accounts")(self._guarded(self._accounts))
        vendor.get("/v1/variables")(self._guarded(self._variables))
        vendor.get("/v1/check-groups")(self._guarded(self._groups))
        vendor.delete("/v1/variables/{key}")(self._guarded(self._delete))

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer not in {GOOD, SERVICE}:
                return said(401, "Unauthorized")
            return handler(request)

        return answer

    def _accounts(self, request: Request) -> Any:
        if not self.plan:
            return said(402, "Payment Required")
        if request.bearer == SERVICE:
            return said(403, "Forbidden")
        found = [{"id": OTHER, "name": "Private"}, *self.more_accounts, {"id": ACCOUNT, "name": "Acme"}]
        return self._page(request, found)

    def _groups(self, request: Request) -> Any:
        named = [{"id": number, "name": f"group {101 - number:03}"} for number in range(1, 102)]
        return self._account_of(request) or self._page(request, named)

    def _page(self, request: Request, found: list[Any]) -> Any:
        """Ten to a page unless asked otherwise."""
        limit, page = int(request.query.get("limit", 10)), int(request.query.get("page", 1))
        listed = found[(page - 1) * limit : page * limit]
        return {"data": listed, "meta": {}} if self.wrapped else listed

    def _account_of(self, request: Request) -> Answer | None:
        account = request.headers.get("x-checkly-account")
        if account is None:
            return said(400, "X-Checkly-Account header is missing")
        return None if account == ACCOUNT or request.bearer == GOOD else said(404, "Not Found")

    def _variables(self, request: Request) -> Any:
        if not self.reads:
            return said(403, "Forbidden")
        return self._account_of(request) or [{"key": "TOKEN", "value": "s3cret-value", "secret": False}]

    def _delete(self, request: Request) -> Any:
        assert request.params["key"].startswith("JACKFIELD_PROBE_")
        return self._account_of(request) or (said(404, "Not Found") if self.writes else said(403, "Forbidden"))

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "apiKey": "cu_WrongKeyOfNobody0123"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.reads = False

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return "READ_WRITE" in permission

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "bad-key":
                return self.wrong_fields(method)
            case "wrong-account":
                return {**self.fields(method), "accountId": "77777777-2222-3333-4444-555555555555"}
            case "service-key-alone":
                return {"apiKey": SERVICE}
            case "plan":
                self.plan = False
                return None
            case _:
                return {"apiKey": SERVICE, "accountId": OTHER}
