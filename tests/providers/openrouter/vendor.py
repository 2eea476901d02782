"""OpenRouter in miniature: a management key and an inference key that look alike."""

from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

MANAGEMENT = "sk-or-v1-" + "m" * 64
INFERENCE = "sk-or-v1-" + "i" * 64


class OpenRouter(HttpWorld):
    hosts = ("openrouter.ai",)
    one_request = "a check is one request"
    credentials: ClassVar = {"api-key": {"apiKey": MANAGEMENT}, "inference-key": {"apiKey": INFERENCE}}
    uses: ClassVar = {"secret-rotation/inference-keys": {}, "other/inference": {}}
    offers: ClassVar = {"keys": ({}, [f"h{number}" for number in range(130)])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.managing = {MANAGEMENT}
        self.disabled = False
        self.limit_remaining: float | None = None
        self.expires_at: str | None = "2027-01-31T00:00:00Z"
        vendor.get("/api/v1/key")(self._key)
        vendor.get("/api/v1/keys")(self._keys)
        vendor.get("/api/v1/models")(lambda _: {"data": [{"id": "any/model"}]})  # public: proves nothing

    def _key(self, request: Request) -> Any:
        if request.bearer not in {MANAGEMENT, INFERENCE}:
            return Answer(401, json={"error": {"code": 401, "message": "User not found."}})
        if self.disabled:
            return Answer(403, json={"error": {"code": 403, "message": "Key is disabled"}})
        return {
            "data": {
                "label": "sk-or-v1-mmm...mmm",
                "creator_user_id": "user_1",
                "is_management_key": request.bearer in self.managing,
                "limit_remaining": self.limit_remaining,
                "expires_at": self.expires_at,
            }
        }

    def _keys(self, request: Request) -> Any:
        """130 keys in steps of 100, for management keys only."""
        if request.bearer not in self.managing:
            return Answer(401, json={"error": {"code": 401, "message": "Invalid management key"}})
        start = int(request.query["offset"])
        return {
            "data": [{"hash": f"h{number}", "name": f"key {number:03}"} for number in range(130)][start : start + 100]
        }

    def remove(self, method: str, use: str, permission: str) -> None:
        if method == "api-key":
            self.managing = set()
        else:
            self.limit_remaining = 0

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiKey": "sk-or-v1-" + "w" * 64}

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "disabled":
            self.disabled = True
            return None
        return self.wrong_fields(method)
