"""GitHub as an app with a webhook sees it: its installation, its events, its hook and what was delivered."""

from typing import Any, ClassVar

from providers.github.vendor import APP_ID, INSTALLATION, REPOSITORY, GitHub, new_key, no, pem
from support.vendor import Answer, MiniatureVendor, Request


class GitHubRadar(GitHub):
    hosts = ("api.github.com",)
    undescribed_paths = ()
    uses: ClassVar = {"secret-scanning/installation": {"pushes": "yes"}}
    credentials: ClassVar = {
        "github-app": {
            "appId": APP_ID,
            "installationId": str(INSTALLATION),
            "privateKey": pem(new_key("app")),
            "webhookSecret": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        }
    }
    tokens: ClassVar = {}
    offers: ClassVar = {"repositories": ({}, [REPOSITORY]), "installations": ({}, [str(INSTALLATION), "2"])}
    offered_to = "github-app"

    def declare(self, vendor: MiniatureVendor) -> None:
        super().declare(vendor)
        self.permissions = {"metadata": "read", "contents": "read"}
        self.asked_by_app = dict(self.permissions)
        self.events = ["push"]
        self.hook: Any = {
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": "********",
            "url": "https://scan.test/",
        }
        self.delivered = [502, 200]
        vendor.get("/app")(
            self._as_app(lambda _: {"slug": "radar", "permissions": self.asked_by_app, "events": ["push"]})
        )
        vendor.get("/app/installations")(self._as_app(self._installations))
        vendor.get("/app/hook/config")(self._as_app(lambda _: self.hook))
        vendor.get("/app/hook/deliveries")(self._as_app(self._deliveries))

    def _installations(self, request: Request) -> Any:
        """Two, one to a page."""
        if request.query.get("page") == "2":
            return [{"id": 2, "account": {"login": "zebra"}}]
        link = '<https://api.github.com/app/installations?per_page=100&page=2>; rel="next"'
        return Answer(json=[{"id": INSTALLATION, "account": {"login": "acme"}}], headers={"link": link})

    def _deliveries(self, request: Request) -> Any:
        assert request.query == {"per_page": "10"}
        return [{"id": place, "event": "push", "status_code": status} for place, status in enumerate(self.delivered)]

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission == "event push":
            self.events.remove("push")
        else:
            super().remove(method, use, permission)

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return False


NO_HOOK = no(404, "Not Found")
