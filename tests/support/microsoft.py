"""Microsoft Entra in miniature: one tenant with one app and one person, and the tokens they are given.

Tokens are for one audience each; a vendor behind Entra asks `claims_of` whether a request carries one for it.
"""

import base64
import json
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from support.servers import emulate
from support.vendor import Answer, MiniatureVendor, Request

TENANT = "6f1a0c1e-0000-4000-8000-00000000aaaa"
CLIENT, SECRET = emulate.CLIENT, emulate.SECRET
PRINCIPAL = "9d1f0000-0000-4000-8000-00000000cccc"
PERSON = "7e570000-0000-4000-8000-00000000dddd"
EXPIRED_ID = "00000000-0000-4000-8000-000000000001"
KEY_ID = "5ec0e700-0000-4000-8000-00000000eeee"
REFRESH = "1.AXoA.RefreshTokenOfAda.GoodAndLong"

GRAPH = "https://graph.microsoft.com"
MANAGEMENT = "https://management.azure.com"

BY_SECRET = {"tenantId": TENANT, "clientId": CLIENT, "clientSecret": SECRET}
BY_LOGIN = {
    "tenantId": TENANT,
    "clientId": CLIENT,
    "accessToken": "eyJ.SomeAccessToken.Stored",
    "refreshToken": REFRESH,
    "expiresAt": "2027-01-01T00:00:00+00:00",
}


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """One RSA key for each name, made once a run."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate(name: str, days: int) -> x509.Certificate:
    """A self-signed certificate of that key, which ends in so many days."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ends = datetime.now(UTC) + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=365))
        .not_valid_after(ends)
        .sign(key(name), SHA256())
    )


def certificate_pem(name: str, *, days: int = 90) -> str:
    return certificate(name, days).public_bytes(Encoding.PEM).decode()


def key_pem(name: str) -> str:
    return key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def by_certificate() -> dict[str, str]:
    return {
        "tenantId": TENANT,
        "clientId": CLIENT,
        "certificateBody": certificate_pem("app"),
        "privateKey": key_pem("app"),
    }


_DENIED = Answer(403, json={"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}})


class Refusal(Exception):
    def __init__(self, code: int, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.answer = Answer(
            status,
            json={
                "error": error,
                "error_description": f"AADSTS{code}: {text} Trace ID: 1 Correlation ID: 2",
                "error_codes": [code],
                "trace_id": "1",
                "correlation_id": "2",
            },
        )


# Failures that lie in the tenant, by the rule ids of our providers: code, error, what Entra says, status.
REFUSALS: dict[str, Refusal] = {
    "secret-expired": Refusal(7000222, "invalid_client", "The provided client secret keys are expired.", 401),
    "no-audience": Refusal(500011, "invalid_resource", "The resource principal was not found in the tenant."),
    "app-disabled": Refusal(7000112, "unauthorized_client", "Application is disabled.", 401),
    "conditional-access": Refusal(53003, "access_denied", "Access has been blocked by Conditional Access policies."),
    "session-over": Refusal(700082, "invalid_grant", "The refresh token has expired due to inactivity."),
    "mfa": Refusal(50076, "interaction_required", "You must use multi-factor authentication to access."),
    "no-consent": Refusal(65001, "invalid_grant", "The user or administrator has not consented."),
    "refused": Refusal(90013, "invalid_request", "Invalid input received from the user."),
}
METHODS_OF_REFUSAL = {
    "bad-secret": ["client-secret"],
    "secret-expired": ["client-secret"],
    "session-over": ["oauth"],
    "mfa": ["oauth"],
    "no-consent": ["oauth"],
    "bad-certificate": ["certificate"],
    "clock": ["certificate"],
    "certificate-unreadable": ["certificate"],
    "certificate-mismatch": ["certificate"],
    "certificate-expired": ["certificate"],
}


class Entra:
    """`scopes` and `roles` are the delegated and the application permissions that tokens for `audience` name."""

    def __init__(self, vendor: MiniatureVendor, *audiences: str) -> None:
        self.audiences = {*audiences, GRAPH, MANAGEMENT}
        self.unconsented: set[str] = set()  # audiences that a login may not ask for
        self.roles: dict[str, list[str]] = {}
        self.scopes: dict[str, list[str]] = {}
        self.refusal: Refusal | None = None
        self.clock = 0  # seconds Entra's clock is ahead
        self.tenant_of_tokens = TENANT
        self.secret_ends = "2027-05-01T10:00:00Z"
        self.reads_itself = True
        self.secrets = {KEY_ID: SECRET}
        self.manages_itself = {"add", "end"}
        self.asked_ends: list[str] = []  # when new secrets were to end
        self.accepted: Callable[[str], str] = str  # a token as it was given, of one as it was sent
        self._given: dict[str, dict[str, Any]] = {}
        vendor.post("/{tenant}/oauth2/v2.0/token")(self._token)
        application = f"/v1.0/applications(appId='{CLIENT}')"
        vendor.get(application)(self.guarded(GRAPH, self._own_application))
        vendor.post(f"{application}/addPassword")(self.guarded(GRAPH, self._add_secret))
        vendor.post(f"{application}/removePassword")(self.guarded(GRAPH, self._remove_secret))

    # What vendors behind it ask.

    def claims_of(self, request: Request, audience: str) -> dict[str, Any] | None:
        claims = self._given.get(self.accepted(request.bearer))
        return claims if claims is not None and claims["aud"] == audience else None

    def guarded(self, audience: str, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """A handler of Graph or of the management, which refuse tokens for others."""

        def answer(request: Request) -> Any:
            assert request.headers["host"] == audience.removeprefix("https://")
            if self.claims_of(request, audience) is None:
                code = "InvalidAuthenticationToken"
                return Answer(401, json={"error": {"code": code, "message": "Access token validation failure."}})
            return handler(request)

        return answer

    def let_emulator_judge(self, vendor: MiniatureVendor, server: emulate.EmulatedEntra) -> None:
        """From now on an emulator gives the tokens, which say nothing that could be read, and checks for what."""

        def token(request: Request) -> Answer:
            assert request.params["tenant"] == TENANT
            reply = httpx.post(f"{server.url}/oauth2/v2.0/token", data=request.form(), trust_env=False)
            if reply.status_code == 200:
                audience = request.form()["scope"].removesuffix("/.default")
                self._given[reply.json()["access_token"]] = self._claims(audience, delegated=False)
            return Answer(reply.status_code, json=reply.json())

        vendor.post("/{tenant}/oauth2/v2.0/token")(token)

    def revoke(self) -> None:
        """Delete the application: no token is good any more, and none is given."""
        self._given.clear()
        self.refusal = Refusal(700016, "unauthorized_client", "Application was not found in the directory.")

    def paged(self, audience: str, *pages: list[dict[str, Any]], key: str = "nextLink") -> Callable[[Request], Any]:
        """A listing, one page after the other; each names the next by an address of its own."""

        def answer(request: Request) -> Any:
            place = int(request.query.get("$skiptoken", 0))
            query = "&".join(f"{name}={value}" for name, value in request.query.items() if name != "$skiptoken")
            after = {key: f"{audience}{request.path}?{query}&$skiptoken={place + 1}"} if place + 1 < len(pages) else {}
            return {"value": pages[place], **after}

        return self.guarded(audience, answer)

    def subscriptions(self, *ids: str) -> Callable[[Request], Any]:
        """The management's listing of subscriptions, one to a page."""
        listed = [{"subscriptionId": one, "displayName": f"subscription {place}"} for place, one in enumerate(ids)]
        return self.paged(MANAGEMENT, *([one] for one in listed))

    # Giving tokens.

    def _token(self, request: Request) -> Answer:
        assert request.headers["host"] == "login.microsoftonline.com"
        try:
            return self._grant(
                request.params["tenant"], request.form(), f"https://login.microsoftonline.com{request.path}"
            )
        except Refusal as refusal:
            return refusal.answer

    def _grant(self, tenant: str, form: dict[str, str], url: str) -> Answer:
        delegated = form.get("grant_type") == "refresh_token"
        if tenant not in ({TENANT, "common"} if delegated else {TENANT}):
            raise Refusal(90002, "invalid_request", f"Tenant '{tenant}' not found.")
        if form["client_id"] != CLIENT:
            raise Refusal(700016, "unauthorized_client", "Application was not found in the directory.")
        self._prove(form, url)
        if self.refusal is not None:
            raise self.refusal
        audience = form["scope"].removesuffix("/.default")
        if audience not in self.audiences:
            raise Refusal(500011, "invalid_resource", f"The resource principal named {audience} was not found.")
        if delegated and audience in self.unconsented:
            raise REFUSALS["no-consent"]
        token = self.issue(audience, delegated=delegated)
        return Answer(json={"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token})

    def _prove(self, form: dict[str, str], url: str) -> None:
        if form.get("grant_type") == "refresh_token":
            if "client_secret" in form or form.get("refresh_token") != REFRESH:
                raise Refusal(9002313, "invalid_grant", "Invalid request. Request is malformed or invalid.")
            return
        if form.get("grant_type") != "client_credentials":
            raise Refusal(70003, "unsupported_grant_type", "The app requested an unsupported grant type.")
        if "client_assertion" in form:
            self._prove_assertion(form, url)
        elif form.get("client_secret") not in self.secrets.values():
            raise Refusal(7000215, "invalid_client", "Invalid client secret provided.", 401)

    def _prove_assertion(self, form: dict[str, str], url: str) -> None:
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        signed, _, _ = form["client_assertion"].rpartition(".")
        head, claims, signature = (
            base64.urlsafe_b64decode(part + "==") for part in form["client_assertion"].split(".")
        )
        told, said = json.loads(head), json.loads(claims)
        registered = certificate("app", 90)
        thumbprint = base64.urlsafe_b64encode(registered.fingerprint(SHA256())).rstrip(b"=").decode()
        unknown = Refusal(700027, "invalid_client", "The certificate is not registered on the application.", 401)
        if told["alg"] != "PS256" or told["x5t#S256"] != thumbprint:
            raise unknown
        try:
            padding = PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)
            key("app").public_key().verify(signature, signed.encode(), padding, SHA256())
        except InvalidSignature:
            raise unknown from None
        assert (said["iss"], said["sub"], said["aud"]) == (CLIENT, CLIENT, url)
        assert said["jti"]
        now = time.time() + self.clock
        if not said["nbf"] - 300 <= now <= said["exp"] + 300 or said["exp"] - said["nbf"] > 600:
            raise Refusal(700024, "invalid_client", "Client assertion is not within its valid time range.", 401)

    def issue(self, audience: str, *, delegated: bool) -> str:
        claims = self._claims(audience, delegated=delegated)
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        token = f"eyJhbGciOiJSUzI1NiJ9.{payload}.c2lnbmVk"
        self._given[token] = claims
        return token

    def _claims(self, audience: str, *, delegated: bool) -> dict[str, Any]:
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.tenant_of_tokens}/",
            "tid": self.tenant_of_tokens,
            "appid": CLIENT,
            "app_displayname": "sync",
            "exp": int(time.time()) + 3599,
            "jti": len(self._given),
        }
        if delegated:
            scopes = self.scopes.get(audience, ["user_impersonation"])
            claims |= {"oid": PERSON, "upn": "ada@example.com", "scp": " ".join(scopes)}
        else:
            claims |= {"oid": PRINCIPAL, "idtyp": "app"}
            if self.roles.get(audience):
                claims["roles"] = list(self.roles[audience])
        return claims

    def _own_application(self, request: Request) -> Any:
        if not self.reads_itself:
            return _DENIED
        starts = "2026-05-01T10:00:00Z"
        listed = [
            {"keyId": EXPIRED_ID, "hint": "old", "startDateTime": starts, "endDateTime": "2024-01-01T00:00:00Z"},
            *(
                {"keyId": name, "hint": secret[:3], "startDateTime": starts, "endDateTime": self.secret_ends}
                for name, secret in self.secrets.items()
            ),
        ]
        found = {"id": "b1ec7000-0000-4000-8000-00000000ffff", "appId": CLIENT, "passwordCredentials": listed}
        selected = request.query["$select"].split(",")
        return {name: found[name] for name in selected if name in found}

    def _add_secret(self, request: Request) -> Any:
        if "add" not in self.manages_itself:
            return _DENIED
        wanted = request.json()["passwordCredential"]
        name, secret = str(uuid.uuid4()), f"new8Q~{secrets.token_urlsafe(24)}"
        self.secrets[name] = secret
        self.asked_ends.append(wanted["endDateTime"])
        return {**wanted, "keyId": name, "hint": secret[:3], "secretText": secret}

    def _remove_secret(self, request: Request) -> Answer:
        if "end" not in self.manages_itself:
            return _DENIED
        if self.secrets.pop(request.json()["keyId"], None) is None:
            return Answer(400, json={"error": {"code": "Request_BadRequest", "message": "No credentials found."}})
        return Answer(204)

    # What the suite does to it.

    def fail(self, failure: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        match failure:
            case "bad-secret":
                return {**fields, "clientSecret": "k8Q~WrongSecretOfTheApp_0123456789.abcd"}
            case "no-such-app":
                return {**fields, "clientId": "0b5e51de-0000-4000-8000-000000000000"}
            case "no-such-tenant":
                return {**fields, "tenantId": "6f1a0c1e-0000-4000-8000-000000000000"}
            case "bad-certificate":
                return {**fields, "certificateBody": certificate_pem("other"), "privateKey": key_pem("other")}
            case "certificate-mismatch":
                return {**fields, "privateKey": key_pem("other")}
            case "certificate-expired":
                return {**fields, "certificateBody": certificate_pem("app", days=-1)}
            case "certificate-unreadable":
                return {**fields, "privateKey": certificate_pem("app")}
            case "clock":
                self.clock = 3600
            case _:
                self.refusal = REFUSALS[failure]
        return None


def wrong_fields(method: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The same form with a secret Entra does not know."""
    match method:
        case "oauth":
            return {**fields, "refreshToken": "1.AXoA.RefreshTokenOfNobody.Wrong"}
        case "certificate":
            return {**fields, "certificateBody": certificate_pem("other"), "privateKey": key_pem("other")}
        case _:
            return {**fields, "clientSecret": "k8Q~WrongSecretOfTheApp_0123456789.abcd"}
