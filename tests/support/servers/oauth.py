"""An OpenID provider (oidc-provider for Node) that logs people in by device and by browser, and refreshes."""

import html
import re
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from support.servers.certificates import Certificates
from support.servers.room import HOST, ServerRoom, installed_folder, program

PACKAGE = "oidc-provider@9.13.3 of the Node index"


@dataclass(frozen=True, slots=True)
class OpenId:
    """`url` ends without a slash. The public clients are `terminal` and `browser-only`, which has no device login."""

    url: str
    ca_pem: str

    @classmethod
    def start(cls, room: ServerRoom) -> "OpenId":
        node, certificates = program("node", "nodejs"), room.get(Certificates)
        modules = installed_folder(f"{sys.prefix}/npm/node_modules/oidc-provider", PACKAGE).parent
        port = room.free_port()
        script = Path(__file__).with_name("oidc.mjs")
        room.start(
            [node, "--no-warnings", script, modules, str(port), certificates.server_file, certificates.server_key_file],
            folder=room.new_folder("openid"),
            port=port,
        )
        return cls(f"https://{HOST}:{port}", certificates.ca_pem)

    def visit(self, url: str, *, refuse: bool = False, elsewhere: bool = False) -> str:
        """What a person does in a browser: open the address, log in, agree (or refuse); returns where that ended.

        A browser `elsewhere` cannot open the address on this machine that a login comes back to.
        """
        with self._browser() as browser:
            page = self._follow(browser, elsewhere, browser.get(url))
            while "<form" in page.text:
                if refuse and "abort" in page.text:
                    page = self._follow(browser, elsewhere, _refuse(browser, page))
                    break
                action, fields = _form(page.text)
                if 'name="password"' in page.text:
                    fields |= {"login": "ada", "password": "any"}
                page = self._follow(browser, elsewhere, browser.post(page.url.join(action), data=fields))
            return str(page.url)

    def whose(self, access_token: str) -> str:
        """The account an access token belongs to; empty when the provider does not accept it."""
        with self._browser() as browser:
            reply = browser.get(f"{self.url}/me", headers={"authorization": f"Bearer {access_token}"})
        return str(reply.json()["sub"]) if reply.status_code == 200 else ""

    def _browser(self) -> httpx.Client:
        return httpx.Client(verify=ssl.create_default_context(cadata=self.ca_pem), trust_env=False, timeout=20)

    def _follow(self, browser: httpx.Client, elsewhere: bool, reply: httpx.Response) -> httpx.Response:
        while reply.has_redirect_location:
            place = reply.url.join(reply.headers["location"])
            if elsewhere and not str(place).startswith(self.url):
                return httpx.Response(502, request=httpx.Request("GET", place))
            reply = browser.get(place)
        return reply


def _form(page: str) -> tuple[str, dict[str, str]]:
    """Where a page's first form goes, and what its fields hold."""
    found = re.search(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1]), dict(re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', found[2]))


def _refuse(browser: httpx.Client, page: httpx.Response) -> httpx.Response:
    """Press Abort: a button of the form, or a link beside it."""
    link = re.search(r'href="([^"]*abort[^"]*)"', page.text)
    if link is not None:
        return browser.get(page.url.join(html.unescape(link[1])))
    action, fields = _form(page.text)
    return browser.post(page.url.join(action), data={**fields, "abort": "yes"})
