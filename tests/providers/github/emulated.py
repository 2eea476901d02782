"""GitHub's side of an app as an emulator plays it: signatures, installations and the tokens minted for them."""

from typing import Any

import httpx

from providers.github.vendor import GitHub, Handler, no
from support.servers.emulate import APP, INSTALLATION, EmulatedGitHub
from support.vendor import Answer, Request


class EmulatedApps(GitHub):
    """What apps sign is judged by the emulator, which also mints; it does not know every listing, the miniature does.

    A token is good when the emulator lets it read the private repository, which it refuses to a made-up `ghs_` token.
    """

    def __init__(self, server: EmulatedGitHub, app: int = APP, installation: int = INSTALLATION) -> None:
        self.server, self.app, self.installation = server, app, installation
        super().__init__()

    def fields(self, method: str) -> dict[str, Any]:
        return {
            "appId": str(self.app),
            "installationId": str(self.installation),
            "privateKey": self.server.key,
        }

    def _as_app(self, handler: Handler) -> Handler:
        return self._emulated

    def _as_installation(self, handler: Handler) -> Handler:
        def answer(request: Request) -> Any:
            reply = self._asked(request, "GET", "/repos/acme/app")
            return handler(request) if reply.status_code == 200 else no(401, "Bad credentials")

        return answer

    def _is_minted(self, request: Request) -> bool:
        return request.bearer.startswith("ghs_")

    def _emulated(self, request: Request) -> Answer:
        reply = self._asked(request, request.method, request.path)
        return Answer(reply.status_code, json=reply.json())

    def _asked(self, request: Request, method: str, path: str) -> httpx.Response:
        headers = {"authorization": request.headers.get("authorization", "")}
        return httpx.request(method, f"{self.server.url}{path}", headers=headers, trust_env=False)
