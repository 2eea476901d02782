"""Web enrolment of AD CS in miniature: IIS that wants an NTLM login on each connection, and the pages behind it."""

import base64
import os
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from unittest import mock

import spnego
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates
from cryptography.x509.oid import NameOID

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

USER = "CORP\\jackfield"
PASSWORD = "  Correct Horse 17"
ENDS = datetime(2031, 5, 1, tzinfo=UTC)


@cache
def chain() -> str:
    """The CA's chain as certnew.p7b gives it: root and issuing CA, under a heading of its own."""
    names = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Corp Root", "Corp Issuing")}
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in names}
    made = [
        x509.CertificateBuilder()
        .subject_name(names[name])
        .issuer_name(names["Corp Root"])
        .public_key(keys[name].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ENDS - timedelta(days=3650))
        .not_valid_after(ENDS)
        .sign(keys["Corp Root"], SHA256())
        for name in names
    ]
    encoded = base64.encodebytes(serialize_certificates(made, Encoding.DER)).decode()
    return f"-----BEGIN CERTIFICATE-----\r\n{encoded}-----END CERTIFICATE-----\r\n"


class Adcs(HttpWorld):
    hosts = ("ca.corp.example.com",)
    credentials: ClassVar = {
        "username-password": {
            "adcsUrl": "https://ca.corp.example.com/certsrv/",
            "username": USER,
            "password": PASSWORD,
        }
    }
    uses: ClassVar = {"pki/certificates": {"template": "WebServerJackfield", "subject": "yes", "validity": "yes"}}
    offers: ClassVar = {"templates": ({}, ["WebServerJackfield"])}

    def declare(self, vendor: MiniatureVendor) -> None:
        self.schemes = "Negotiate, NTLM"
        self.templates = ["WebServerJackfield"]
        self.enterprise = True
        self.cut_off = False
        self.stranger: Answer | None = None  # in place of asking for a login
        self.after_login: Answer | None = None
        self.revoked = False
        self.refuses_after_login = 0  # 401 even after a good handshake, as Extended Protection does
        self.logins = 0  # finished handshakes, good or bad
        self._line = threading.local()  # each connection has a thread of its own
        self._open = mock.patch.dict(os.environ)
        vendor.get("/certsrv/")(self._guarded(lambda _: page("<p>Willkommen</p>")))
        vendor.get("/certsrv/certrqxt.asp")(self._guarded(self._form))
        vendor.get("/certsrv/certnew.p7b")(self._guarded(self._chain))

    def __enter__(self) -> Self:
        self._open.start()
        self._folder = tempfile.TemporaryDirectory()
        accounts = Path(self._folder.name, "accounts")
        accounts.write_text(f"CORP:jackfield:{PASSWORD}\n:jackfield@corp.example.com:{PASSWORD}\n")
        os.environ["NTLM_USER_FILE"] = str(accounts)
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._folder.cleanup()
        self._open.stop()

    # IIS.

    def _guarded(self, handler: Any) -> Any:
        def answer(request: Request) -> Any:
            refusal = self._login(request)
            return refusal or self.after_login or handler(request)

        return answer

    def _login(self, request: Request) -> Answer | None:
        """None once the connection belongs to a known user."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if getattr(self._line, "user", "") and not scheme and not self.revoked:
            return None
        offered = [name.strip().lower() for name in self.schemes.split(",")]
        if scheme.lower() not in offered:
            return self.stranger or Answer(401, headers={"www-authenticate": self.schemes}, body="<html>401</html>")
        if scheme == "Basic":
            self.logins += 1
            good = base64.b64decode(value).decode() == f"{USER}:{PASSWORD}"
            return None if good else Answer(401, headers={"www-authenticate": self.schemes})
        return self._handshake(scheme, base64.b64decode(value))

    def _handshake(self, scheme: str, message: bytes) -> Answer | None:
        if message[8] == 1:  # the type of an NTLM message
            self._line.context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
            challenge = base64.b64encode(self._line.context.step(message)).decode()
            return Answer(401, headers={"www-authenticate": f"{scheme} {challenge}"}, body="<html>401</html>")
        self.logins += 1
        try:
            self._line.context.step(message)
        except spnego.exceptions.SpnegoError:
            return Answer(401, headers={"www-authenticate": self.schemes})
        if self.refuses_after_login or self.revoked:
            return Answer(401, headers={"www-authenticate": self.schemes})
        self._line.user = self._line.context.client_principal
        return None

    # The pages, in a language of their own.

    def _form(self, request: Request) -> Any:
        options = "".join(f'<Option Value="E;{name};1;0x2;X">{name} ü</Option>' for name in self.templates)
        listed = f'<Select Name="lbCertTemplate" ID=lbCertTemplateID>{options}</Select>' if self.enterprise else ""
        text = f"<form>Gespeicherte Anforderung: <TextArea ID=locTaRequest Name=taRequest></TextArea>{listed}</form>"
        return page(text.partition("</Select>")[0] if self.cut_off else text)

    def _chain(self, request: Request) -> Any:
        assert request.query == {"ReqID": "CACert", "Renewal": "0", "Enc": "b64"}
        return Answer(200, body=chain(), content_type="application/x-pkcs7-certificates")

    # What the suite does to it.

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "Wrong Horse 17"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.templates.remove("WebServerJackfield")

    def revoke(self, method: str) -> None:
        """The account is disabled, and IIS has forgotten its logins, as after a restart of the worker process."""
        self.revoked = True

    def add_excess(self, method: str) -> str:
        self.templates.append("SubCA")
        return "SubCA"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "anonymous":
                self.stranger = page("<p>Welcome</p>")
            case "no-web-enrolment":
                self.after_login = Answer(404, body="<html>404</html>", content_type="text/html")
            case "forbidden":
                self.stranger = Answer(403, body="<html>403.7</html>", content_type="text/html")
            case "ca-down":
                self.after_login = Answer(500, body="<html>CCertRequest 0x800706ba</html>", content_type="text/html")
            case "no-scheme":
                self.schemes = "Digest"
            case "other-page":
                self.after_login = page("<p>Verweigert</p>")
            case _:
                return self.wrong_fields(method)
        return None


def page(text: str) -> Answer:
    return Answer(200, body=f"<html><body>{text}</body></html>", content_type="text/html; charset=utf-8")
