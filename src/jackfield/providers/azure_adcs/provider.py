"""AD CS web enrolment: pages for browsers, behind a Windows login on one kept-alive connection."""

import base64
import binascii
import re
from collections.abc import Generator, Mapping
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.net.http import Reply
from jackfield.providers.contract.call import Call
from jackfield.text import cleaned

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_LOGIN: Final = "login"
_UNDECIDED: Final = frozenset({429, 502, 503, 504})


async def enrolment_page(call: Call) -> Mapping[str, object]:
    """Log in once and read the form for requests: `status`, `form`, `enterprise`, `templates`.

    Arguments: `schemes`, the WWW-Authenticate header that strangers are answered with. `error` is "scheme" where it
    offers no login known here. `templates` is left out when the list was cut off.
    """
    schemes = {part.strip().partition(" ")[0].lower() for part in str(call.arguments["schemes"]).split(",")}
    auth = _login(schemes, call.text("username"), call.text("password"))
    if auth is None:
        return {"error": "scheme"}
    call.kept[_LOGIN] = auth
    reply = await _ask(call, "/certsrv/certrqxt.asp", auth)
    if reply.status != 200:
        return {"status": reply.status, "undecided": reply.status in _UNDECIDED}
    form = _Form()
    form.feed(reply.text)
    found: dict[str, object] = {"status": 200, "form": form.found, "enterprise": form.lists_templates}
    return found | ({"templates": form.templates} if form.complete else {})


async def authority(call: Call) -> Mapping[str, object]:
    """The CA's own certificate, over the connection that is logged in: `name` and `ends`.

    Raises NetFailure where the server has hung up, and refuses the login that it took before.
    """
    path = "/certsrv/certnew.p7b?ReqID=CACert&Renewal=0&Enc=b64"
    reply = await _ask(call, path, None)
    again = call.kept[_LOGIN] if reply.status == 401 else None  # the server has hung up meanwhile
    if isinstance(again, httpx.Auth):
        reply = await _ask(call, path, again)
        if reply.status == 401:
            message = "The server accepted this login at first and refused it later in the test."
            raise NetFailure(FailureKind.REJECTED, message, "It may have been disabled meanwhile: test again.")
    chain = _chain(reply.text) if reply.status == 200 else []
    issuers = {one.issuer for one in chain if one.issuer != one.subject}
    issuing = next((one for one in chain if one.subject not in issuers), None)
    if issuing is None:
        return {"error": "certificate"}
    return {"name": cleaned(_common_name(issuing), limit=200), "ends": issuing.not_valid_after_utc.isoformat()}


async def _ask(call: Call, path: str, auth: httpx.Auth | None) -> Reply:
    client = call.http()
    address = f"{call.text('adcsUrl').rstrip('/')}{path}"
    return await client.request("GET", address, auth=auth, accept="*/*")


# --- logging in --------------------------------------------------------------------------------------------------


def _login(schemes: set[str], username: str, password: str) -> httpx.Auth | None:
    """NTLM where it is offered, under its own name or within Negotiate; else Basic."""
    for offered, name in (("ntlm", "NTLM"), ("negotiate", "Negotiate")):
        if offered in schemes:
            return _NtlmLogin(name, username, password)
    return httpx.BasicAuth(username, password) if "basic" in schemes else None


class _NtlmLogin(httpx.Auth):
    """The three messages of one NTLM login; a refusal after the third is final."""

    def __init__(self, scheme: str, username: str, password: str) -> None:
        self._scheme = scheme
        self._username = username
        self._password = password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        import spnego

        context = spnego.client(
            self._username,
            self._password,
            hostname=request.url.host,
            service="http",
            protocol="ntlm",
            options=spnego.NegotiateOptions.use_ntlm,
        )
        request.headers["authorization"] = self._header(context.step())
        response = yield request
        challenge = self._challenge(response)
        if not challenge:
            return
        try:
            answer = context.step(challenge)
        except (spnego.exceptions.SpnegoError, ValueError):
            return  # what was sent is no challenge; its 401 stands
        request.headers["authorization"] = self._header(answer)
        yield request

    def _header(self, token: bytes | None) -> str:
        return f"{self._scheme} {base64.b64encode(token or b'').decode()}"

    def _challenge(self, response: httpx.Response) -> bytes:
        said = response.headers.get("www-authenticate", "") if response.status_code == 401 else ""
        found = re.search(rf"\b{self._scheme}\s+([A-Za-z0-9+/]+=*)", said, re.IGNORECASE)
        try:
            return base64.b64decode(found[1]) if found else b""
        except binascii.Error:
            return b""


# --- reading pages -----------------------------------------------------------------------------------------------


class _Form(HTMLParser):
    """What the form for requests tells by ids and names alone; its words come in many languages."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False
        self.lists_templates = False
        self.templates: list[str] = []
        self._listing = False

    @property
    def complete(self) -> bool:
        """Whether the list of templates, if there is one, was read to its end."""
        return self.found and not self._listing

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said: dict[str, Any] = {name: value or "" for name, value in attrs}
        if tag == "textarea" and said.get("id", "").lower() == "loctarequest":
            self.found = True
        elif tag == "select":
            self._listing = said.get("name", "").lower() == "lbcerttemplate"
            self.lists_templates |= self._listing
        elif tag == "option" and self._listing:
            parts = said.get("value", "").split(";")
            if len(parts) > 1 and parts[1]:
                self.templates.append(cleaned(parts[1], limit=200))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._listing = False


def _chain(text: str) -> "list[Certificate]":
    """The certificates of a PKCS #7 file as Windows writes it: base64, under a heading of any name."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates

    encoded = "".join(line for line in text.split() if re.fullmatch(r"[A-Za-z0-9+/]+=*", line))
    try:
        return load_der_pkcs7_certificates(base64.b64decode(encoded))
    except (ValueError, UnsupportedAlgorithm):  # binascii.Error is a ValueError
        return []


def _common_name(certificate: "Certificate") -> str:
    from cryptography.x509.oid import NameOID

    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
