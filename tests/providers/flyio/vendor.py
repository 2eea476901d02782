"""Fly.io in miniature: macaroons as the vendor builds them, and the simulator that judges them."""

import base64
from typing import Any, ClassVar

import msgpack

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

END = 1_830_000_000


def macaroon(nonce: bytes, end: int | None = END) -> str:
    """One fm2_ token: nonce, location, a flat list of caveat types and bodies, tail."""
    caveats: list[Any] = [0, [123, 31], 3, [{"77": 31}]]
    if end is not None:
        caveats += [4, [1_700_000_000, end]]
    packed = msgpack.packb([[nonce, b"kid", True], "https://api.fly.io/v1", caveats, b"t" * 32])
    return "fm2_" + base64.b64encode(packed).decode()


GOOD = "FlyV1 " + macaroon(b"permission") + "," + macaroon(b"discharge", None)


class FlyIo(HttpWorld):
    hosts = ("api.machines.dev",)
    undescribed_paths = (r"/v1/tokens/(current|authorize)", r"/v1/apps/[^/]+/secrets")
    credentials: ClassVar = {"access-token": {"accessToken": GOOD}}
    uses: ClassVar = {
        "secret-sync/app": {"organization": "acme", "app": "acme-web", "redeploy": "yes", "choose": "yes"}
    }
    offers: ClassVar = {"apps": ({}, ["acme-api", "acme-web"]), "secrets": ({"app": "acme-web"}, ["TOKEN"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.actions = {"r", "w", "C", "organization r"}
        self.place = True
        self.lists_apps = True
        self.revoked = False
        vendor.get("/v1/apps")(self._apps)
        vendor.get("/v1/apps/acme-web/secrets")(lambda _: {"secrets": [{"name": "TOKEN", "digest": "0a1b"}]})
        vendor.get("/v1/tokens/current")(self._current)
        vendor.post("/v1/tokens/authorize")(self._authorize)

    def _current(self, request: Request) -> Any:
        header = request.headers.get("authorization", "")
        assert not header.startswith("Bearer FlyV1")
        if header != GOOD or self.revoked:
            return Answer(401, json={"error": "unauthorized"})
        if not self.place:
            return Answer(403, json={"error": "forbidden"})
        return {
            "tokens": [{"org_slug": "acme", "organization": "Acme", "apps": ["acme-web"], "user": "", "token_id": "t"}]
        }

    def _apps(self, request: Request) -> Any:
        assert request.query == {"org_slug": "acme"}
        if not self.lists_apps:
            return Answer(403, json={"error": "forbidden"})
        return {"apps": [{"name": "acme-web", "id": "1"}, {"name": "acme-api", "id": "2"}]}

    def _authorize(self, request: Request) -> Any:
        asked = request.json()
        if asked["header"] != GOOD or self.revoked:
            return Answer(401, json={"error": "invalid token"})
        access = asked["access"]
        action = access["action"] if access.get("app_name") == "acme-web" else f"organization {access['action']}"
        if action not in self.actions:
            return Answer(403, json={"error": f"unauthorized for {action}"})
        return {"access": access, "caveats": []}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"accessToken": "FlyV1 " + macaroon(b"of-nobody")}

    def remove(self, method: str, use: str, permission: str) -> None:
        kind, _, action = permission.partition(": ")
        self.actions.discard(f"organization {action}" if kind == "organization" else action[0])

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "wrong-place":
            self.place = False
            return None
        return self.wrong_fields(method)

    def add_excess(self, method: str) -> str:
        self.actions.add("organization d")
        return "organization: d"

    def revoke(self, method: str) -> None:
        self.revoked = True
