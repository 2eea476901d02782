"""What providers behind Microsoft Entra share: how a token is asked for, and what roles and certificates say.

    token_grant          an auth: adds the method's own credential to a token request
    read_certificate     a fact: whether certificate and key belong together, and when the certificate ends
    role_rights          a fact: which actions the roles of a principal allow

The form of a token request names client and scope; the credential is told by the method's fields: clientSecret,
privateKey with certificateBody, or refreshToken. Entra keeps a refresh token valid after it was used.
"""

import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.providers.contract.assertion import base64url, rsa_key, signed_jwt
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.functions import wildcard

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

_ASSERTION_LIFE: Final = 300  # seconds; Entra asks for ten minutes at most
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token_grant(call: Call) -> httpx.Auth:
    """Completes a token request of RFC 6749 with the grant that the fields allow, secret and all."""
    return _TokenGrant(call)


class _TokenGrant(httpx.Auth):
    requires_request_body = True

    def __init__(self, call: Call) -> None:
        self._call = call

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        form = dict(parse_qsl(request.content.decode())) | self._credential(str(request.url))
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        yield httpx.Request(request.method, request.url, headers=headers, data=form, extensions=request.extensions)

    def _credential(self, token_url: str) -> dict[str, str]:
        call = self._call
        if refresh_token := call.text("refreshToken"):
            return {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if secret := call.text("clientSecret"):
            return {"grant_type": "client_credentials", "client_secret": secret}
        key, certificate = rsa_key(call.text("privateKey")), _read_certificate(call.text("certificateBody"))
        if key is None or certificate is None:
            message = "Certificate and private key cannot be used."
            raise NetFailure(FailureKind.MISCONFIGURED, message, "Paste both as PEM, the key without a passphrase.")
        assertion = signed_assertion(key, certificate, call.text("clientId"), token_url)
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": assertion,
        }


def signed_assertion(key: "RSAPrivateKey", certificate: "Certificate", client: str, audience: str) -> str:
    """A JWT by which an app proves that it holds its certificate's key, signed PS256."""
    from cryptography.hazmat.primitives.hashes import SHA256

    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": client,
        "sub": client,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + _ASSERTION_LIFE,
    }
    thumbprint = base64url(certificate.fingerprint(SHA256()))
    return signed_jwt(key, claims, alg="PS256", **{"x5t#S256": thumbprint})


async def read_certificate(call: Call) -> Mapping[str, object]:
    """What can be told of certificate and key before anything is sent: `matches`, `starts`, `ends`.

    `error` says which of the two cannot be read; the key must be RSA and without a passphrase.
    """
    certificate, key = _read_certificate(call.text("certificateBody")), rsa_key(call.text("privateKey"))
    if certificate is None or key is None:
        return {"error": "certificate" if certificate is None else "key"}
    return {
        "matches": certificate.public_key() == key.public_key(),
        "starts": certificate.not_valid_before_utc.isoformat(),
        "ends": certificate.not_valid_after_utc.isoformat(),
    }


async def role_rights(call: Call) -> Mapping[str, object]:
    """Which of `actions` the entries of a permissions answer, `roles`, allow: action → true or false.

    With `kind` data the data actions of the roles are meant. Deny assignments do not stand in such an answer.
    """
    roles: Any = call.arguments["roles"]
    actions: Any = call.arguments["actions"]
    data = call.arguments.get("kind") == "data"
    return {action: allows(roles, action, data=data) for action in actions}


def allows(roles: Sequence[Mapping[str, Any]], action: str, *, data: bool) -> bool:
    """Whether one role names the action and does not take it away again; letter case is ignored, `*` is any run."""
    named, taken = ("dataActions", "notDataActions") if data else ("actions", "notActions")
    return any(_matches(role.get(named), action) and not _matches(role.get(taken), action) for role in roles)


def _matches(patterns: Sequence[str] | None, action: str) -> bool:
    return any(wildcard(pattern, action) for pattern in patterns or ())


def _read_certificate(pem: str) -> "Certificate | None":
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None
