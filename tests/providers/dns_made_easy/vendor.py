"""DNS Made Easy in miniature: an account with zones, whose API checks the signed date, its own clock and a count."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

KEY = "1c1a3c91-4770-4ce7-96f4-54c0eb0e457a"
SECRET = "c9b5625f-9834-4ff8-baba-4ed5f32cae55"
WINDOW = timedelta(seconds=30)
LIMIT = 150


class DnsMadeEasy(HttpWorld):
    hosts = ("api.dnsmadeeasy.com",)
    credentials: ClassVar = {"api-key-secret": {"apiKey": KEY, "secretKey": SECRET}}
    uses: ClassVar = {"pki/dns-01": {"zone": "example.com"}, "other/zones": {}}
    offers: ClassVar = {"zones": ({}, ["example.com", "example.net"]), "records": ({"zone": "example.com"}, ["7"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.zones = {1001: "example.com", 1002: "example.net"}
        self.readable_zones = {1001, 1002}
        self.secret = SECRET
        self.clock = timedelta()  # how far the vendor's clock is ahead
        self.remaining = LIMIT
        self.malformed = False
        self.lists_pages = True
        self.revoked = False
        vendor.get("/V2.0/dns/managed/")(self._guarded(self._list))
        vendor.get("/V2.0/dns/managed/name")(self._guarded(self._by_name))
        vendor.get("/V2.0/dns/managed/{id}/records")(self._guarded(self._records))

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Answer]:
        def answer(request: Request) -> Answer:
            now = datetime.now(UTC) + self.clock
            said = self._refusal(request, now) or handler(request)
            headers = {
                "date": format_datetime(now, usegmt=True),
                "x-dnsme-requestLimit": str(LIMIT),
                "x-dnsme-requestsRemaining": str(self.remaining),
            }
            if isinstance(said, Answer):
                return Answer(said.status, said.json, headers, said.body, said.content_type)
            return Answer(json=said, headers=headers)

        return answer

    def _refusal(self, request: Request, now: datetime) -> Answer | None:
        if self.remaining == 0 or self.malformed:
            return Answer(400, json={"error": ["Rate limit exceeded" if self.remaining == 0 else "Bad request"]})
        self.remaining -= 1
        date = request.headers["x-dnsme-requestdate"]
        apart = now - parsedate_to_datetime(date)
        if abs(apart) > WINDOW:
            milliseconds = round(apart.total_seconds() * 1000)
            text = f"Request sent with date too far from the current time, difference: {milliseconds}"
            return Answer(403, body=f'{{error: ["{text}"]}}', content_type="application/json")  # the name is unquoted
        signature = hmac.new(self.secret.encode(), date.encode(), hashlib.sha1).hexdigest()
        right = request.headers["x-dnsme-apikey"] == KEY and request.headers["x-dnsme-hmac"] == signature
        if not right or self.revoked:
            return Answer(403, json={"error": ["API key not found"]})
        return None

    def _list(self, request: Request) -> Any:
        if "page" in request.query and not self.lists_pages:
            return Answer(403, json={"error": ["Not allowed for this user"]})
        rows, page = int(request.query.get("rows", 1)), int(request.query.get("page", 0))
        listed = [{"id": number, "name": name} for number, name in self.zones.items()]
        return self._page(listed, rows, page)

    def _by_name(self, request: Request) -> Any:
        for number, name in self.zones.items():
            if name == request.query["domainname"]:
                return {"id": number, "name": name}
        return Answer(404, json={"error": ["Cannot find object with the specified name"]})

    def _records(self, request: Request) -> Any:
        if int(request.params["id"]) not in self.readable_zones:
            return Answer(404, json={"error": ["Cannot find object with the specified id"]})
        assert request.query["type"] == "TXT"
        records = [{"id": 7, "name": "_acme-challenge", "type": "TXT", "value": '"abc"', "ttl": 60}]
        return self._page(records, 100, int(request.query.get("page", 0)))

    def _page(self, items: list[Any], rows: int, page: int) -> dict[str, Any]:
        pages = -(-len(items) // rows)
        return {
            "data": items[page * rows : (page + 1) * rows],
            "page": page,
            "totalPages": pages,
            "totalRecords": len(items),
        }

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiKey": KEY, "secretKey": "00000000-9834-4ff8-baba-4ed5f32cae55"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.lists_pages = False

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "clock":
                self.clock = timedelta(minutes=3)
            case "bad-pair":
                return self.wrong_fields(method)
            case "requests-used-up":
                self.remaining = 0
            case "malformed":
                self.malformed = True
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True
