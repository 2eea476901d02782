"""Camunda in miniature: a token for any client, and boxes that each call asks for."""

from collections.abc import Callable
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

CLUSTER = "11111111-2222-3333-4444-555555555555"
SECRET = "camunda-client-secret-0123456789"
TOKEN = "camunda-access-token"


class Camunda(HttpWorld):
    hosts = ("api.cloud.camunda.io", "login.cloud.camunda.io")
    undescribed_paths = (r"/oauth/token",)
    credentials: ClassVar = {"client-credentials": {"clientId": "client-1", "clientSecret": SECRET}}
    uses: ClassVar = {"secret-sync/connector-secrets": {"cluster": CLUSTER, "deletes": "yes"}}
    offers: ClassVar = {"clusters": ({}, [CLUSTER])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.boxes = {"Cluster: Get", "Connector secrets: Get", "Connector secrets: Delete"}
        self.audience = True
        self.revoked = False
        vendor.post("/oauth/token")(self._token)
        vendor.get("/clusters")(self._guarded("Cluster: Get", lambda _: [{"uuid": CLUSTER, "name": "production"}]))
        vendor.get("/clusters/{id}/secrets")(
            self._guarded("Connector secrets: Get", lambda _: {"TOKEN": "s3cret-value"})
        )
        vendor.delete("/clusters/{id}/secrets/{name}")(self._guarded("Connector secrets: Delete", self._delete))

    def _token(self, request: Request) -> Any:
        form = request.form()
        assert (form["grant_type"], form["audience"]) == ("client_credentials", "api.cloud.camunda.io")
        if (form["client_id"], form["client_secret"]) != ("client-1", SECRET) or self.revoked:
            return Answer(401, json={"error": "access_denied", "error_description": "Unauthorized"})
        if not self.audience:
            return Answer(403, json={"error": "access_denied", "error_description": "Client is not authorized"})
        return {"access_token": TOKEN, "expires_in": 300, "token_type": "Bearer"}

    def _guarded(self, box: str, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def answer(request: Request) -> Any:
            if request.bearer != TOKEN or self.revoked:
                return Answer(401, body="Unauthorized")
            return handler(request) if box in self.boxes else Answer(403, body="Forbidden")

        return answer

    def _delete(self, request: Request) -> Answer:
        assert request.params["name"].startswith("jackfield-probe-")
        return Answer(404, body="not found")

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"clientId": "client-1", "clientSecret": "camunda-wrong-secret-987654321"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.boxes.discard(permission)

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "other-audience":
            self.audience = False
            return None
        return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True
