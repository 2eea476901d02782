"""GitHub in miniature: a person with a token, an organization, a private repository, and an app that is installed.

Rights are enforced per request. What a token may not see is answered with 404, what it may see but not do with 403.
"""

import base64
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

CLASSIC = "ghp_ClassicTokenOfAda000000000000000000"
FINE = "github_pat_11AAAAAAA0_FineGrainedTokenOfAda"
OAUTH_APP = "gho_TokenOfTheOAuthLogin0000000000000"
USER_OF_APP = "ghu_TokenOfAnAppUser00000000000000000"
APP_ID = "4711"
INSTALLATION = 31415926
REPOSITORY = "acme/app"

Handler = Callable[[Request], Any]


@cache
def new_key(name: str) -> rsa.RSAPrivateKey:
    """One RSA key for each name, made once a run."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    """As GitHub writes it: PKCS#1."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def no(status: int, message: str, **headers: str) -> Answer:
    return Answer(
        status, json={"message": message, "documentation_url": "https://docs.github.com/rest"}, headers=headers
    )


def verified_claims(assertion: str, key: rsa.RSAPublicKey) -> dict[str, Any]:
    """The claims of a JWT whose RS256 signature is by this key. Raises ValueError or InvalidSignature."""
    head, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in assertion.split("."))
    if json.loads(head)["alg"] != "RS256":
        raise ValueError("another algorithm")
    key.verify(signature, assertion.rpartition(".")[0].encode(), padding.PKCS1v15(), SHA256())
    return dict(json.loads(claims))


class GitHub(HttpWorld):
    hosts = ("api.github.com", "ghe.example.com", "api.octo.ghe.com")
    undescribed_paths = (r"/repos/[^/]+/[^/]+/commits",)
    uses: ClassVar = {
        "secret-sync/repository": {"repository": REPOSITORY},
        "secret-sync/environment": {"repository": REPOSITORY, "environment": "production"},
        "secret-sync/organization": {"organization": "acme"},
        "secret-scanning/repository": {"repository": REPOSITORY},
    }
    credentials: ClassVar = {
        "github-app": {"appId": APP_ID, "installationId": str(INSTALLATION), "privateKey": pem(new_key("app"))},
        "oauth": {"clientId": "Ov23liAda", "scope": "repo admin:org", "accessToken": OAUTH_APP},
        "pat": {"personalAccessToken": CLASSIC},
    }
    tokens: ClassVar = {"pat": CLASSIC, "oauth": OAUTH_APP}
    offers: ClassVar = {
        "repositories": ({}, [REPOSITORY, "ada/notes"]),  # the second greyed, for want of a role
        "organizations": ({}, ["acme"]),
        "environments": ({"repository": REPOSITORY}, ["production"]),
    }
    offered_to = "pat"

    def declare(self, vendor: MiniatureVendor) -> None:
        self.scopes = {"repo", "admin:org"}
        self.permissions = {
            "metadata": "read",
            "secrets": "write",
            "environments": "write",
            "actions": "read",
            "organization_secrets": "write",
            "contents": "read",
        }
        self.asked_by_app = dict(self.permissions)
        self.events: list[str] = []
        self.expires = "2027-03-01 08:00:00 UTC"
        self.private = True
        self.role = {"admin": True, "push": True, "pull": True}
        self.suspended = False
        self.installed = [REPOSITORY]
        self.clock = 0  # seconds the vendor's clock is ahead
        self.refusal: Answer | None = None
        self.hidden = ""  # what listings say of organizations that want SSO
        self.revoked = False
        for root in ("", "/api/v3"):
            self._declare(vendor, root)

    def _declare(self, vendor: MiniatureVendor, root: str) -> None:
        vendor.get(f"{root}/user")(self._as_user(self._user))
        vendor.get(f"{root}/user/repos")(self._as_user(self._repositories))
        vendor.get(f"{root}/user/orgs")(self._as_user(self._organizations))
        vendor.get(f"{root}/repos/{{owner}}/{{name}}")(self._as_user(self._repository))
        vendor.get(f"{root}/repos/{{owner}}/{{name}}/actions/secrets")(self._as_user(self._needing("secrets", "repo")))
        vendor.get(f"{root}/repos/{{owner}}/{{name}}/environments/{{environment}}/secrets")(
            self._as_user(self._needing("environments", "repo"))
        )
        vendor.get(f"{root}/orgs/{{org}}/actions/secrets")(
            self._as_user(self._needing("organization_secrets", "admin:org"))
        )
        vendor.get(f"{root}/repos/{{owner}}/{{name}}/commits")(self._as_user(self._needing("contents", "repo")))
        vendor.get(f"{root}/repos/{{owner}}/{{name}}/environments")(self._as_anyone(self._environments))
        vendor.get(f"{root}/app")(self._as_app(lambda _: {"slug": "sync", "permissions": self.asked_by_app}))
        vendor.get(f"{root}/app/installations/{{id}}")(self._as_app(self._installation))
        vendor.post(f"{root}/app/installations/{{id}}/access_tokens")(self._as_app(self._mint))
        vendor.get(f"{root}/installation/repositories")(self._as_installation(self._repositories))

    # Who asks.

    def _judge(self, request: Request) -> Answer | None:
        if request.headers.get("x-github-api-version") is None and request.method == "GET":
            return no(400, "a client names the version it means")
        if self.refusal is not None:
            return self.refusal
        return no(401, "Bad credentials") if self.revoked else None

    def _as_user(self, handler: Handler) -> Handler:
        def answer(request: Request) -> Any:
            if request.bearer not in self.tokens.values():
                return self._judge(request) or no(401, "Bad credentials")
            return self._judge(request) or self._stamped(request, handler(request))

        return answer

    def _as_app(self, handler: Handler) -> Handler:
        def answer(request: Request) -> Any:
            now = time.time() + self.clock
            date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))
            try:
                claims = verified_claims(request.bearer, new_key("app").public_key())
            except (ValueError, InvalidSignature):
                return no(401, "A JSON web token could not be decoded", date=date)
            if claims["iss"] != APP_ID:
                return no(404, "Integration not found")
            if not claims["iat"] <= now < claims["exp"] <= now + 600:
                return no(401, "'Expiration time' claim ('exp') must be a numeric value in the future", date=date)
            return self._judge(request) or handler(request)

        return answer

    def _as_installation(self, handler: Handler) -> Handler:
        def answer(request: Request) -> Any:
            if not self._is_minted(request):
                return no(401, "Bad credentials")
            return self._judge(request) or handler(request)

        return answer

    def _is_minted(self, request: Request) -> bool:
        """Whether the token is one that an installation was given."""
        return request.bearer == "ghs_minted"

    def _as_anyone(self, handler: Handler) -> Handler:
        """A request that persons and installations may make alike."""
        as_user, as_installation = self._as_user(handler), self._as_installation(handler)
        return lambda request: (as_installation if request.bearer.startswith("ghs_") else as_user)(request)

    def _stamped(self, request: Request, answer: Any) -> Answer:
        """The headers with which GitHub tells of a token: scopes where it has them, and the end of personal ones."""
        answer = answer if isinstance(answer, Answer) else Answer(json=answer)
        headers = dict(answer.headers)
        if request.bearer in (CLASSIC, OAUTH_APP):
            headers["x-oauth-scopes"] = ", ".join(sorted(self.scopes))
        if request.bearer in (CLASSIC, FINE) and self.expires:
            headers["github-authentication-token-expiration"] = self.expires
        return Answer(answer.status, answer.json, headers)

    # What is there.

    def _user(self, request: Request) -> Any:
        return {"login": "ada", "id": 42, "name": "Ada Example"}

    def _organizations(self, request: Request) -> Any:
        return Answer(json=[{"login": "acme"}], headers={"x-github-sso": self.hidden} if self.hidden else {})

    def _repositories(self, request: Request) -> Any:
        """Of a person a bare list in two pages; of an installation an object."""
        assert 1 <= int(request.query["per_page"]) <= 100
        if self._is_minted(request):
            found = [{"full_name": name} for name in self.installed]
            return {"total_count": len(found), "repositories": found}
        if request.query.get("page") == "2":
            return [{"full_name": REPOSITORY, "permissions": self.role}]
        link = '<https://api.github.com/user/repos?per_page=100&page=2>; rel="next"'
        return Answer(json=[{"full_name": "ada/notes", "permissions": {"admin": False}}], headers={"link": link})

    def _sees(self, request: Request) -> bool:
        full_name = f"{request.params['owner']}/{request.params['name']}"
        if full_name.lower() != REPOSITORY:
            return False
        sees = request.bearer in (FINE, USER_OF_APP) or self._is_minted(request)
        return not self.private or sees or "repo" in self.scopes

    def _repository(self, request: Request) -> Any:
        if not self._sees(request):
            return no(404, "Not Found")
        return {"full_name": REPOSITORY, "private": self.private, "permissions": self.role}

    def _may(self, request: Request, permission: str, scope: str) -> bool:
        if request.bearer in (CLASSIC, OAUTH_APP):
            return scope in self.scopes
        return permission in self.permissions

    def _needing(self, permission: str, scope: str) -> Handler:
        def answer(request: Request) -> Any:
            if "owner" in request.params and not self._sees(request):
                return no(404, "Not Found")
            public = permission == "contents" and not self.private
            if not public and not self._may(request, permission, scope):
                wanted = {"x-accepted-github-permissions": f"{permission}=read"}
                return no(403, "Resource not accessible by personal access token", **wanted)
            return [] if permission == "contents" else {"total_count": 0, "secrets": []}

        return answer

    def _environments(self, request: Request) -> Any:
        if not self._sees(request):
            return no(404, "Not Found")
        if self.private and not self._may(request, "actions", "repo"):
            return no(403, "Resource not accessible by personal access token")
        return {"total_count": 1, "environments": [{"id": 1, "name": "production"}]}

    def _installation(self, request: Request) -> Any:
        if request.params["id"] != str(INSTALLATION):
            return no(404, "Not Found")
        return {
            "id": INSTALLATION,
            "account": {"login": "acme", "type": "Organization"},
            "app_slug": "sync",
            "repository_selection": "selected",
            "permissions": self.permissions,
            "events": self.events,
            "suspended_at": "2026-01-01T00:00:00Z" if self.suspended else None,
        }

    def _mint(self, request: Request) -> Any:
        if self.suspended:
            return no(403, "This installation has been suspended")
        return Answer(201, json={"token": "ghs_minted", "expires_at": "2026-11-23T19:00:00Z", "permissions": {}})

    # What the suite does to it.

    def wrong_fields(self, method: str) -> dict[str, Any]:
        if method == "github-app":
            return {**self.fields(method), "privateKey": pem(new_key("another app"))}
        name = {"pat": "personalAccessToken", "oauth": "accessToken"}[method]
        return {**self.fields(method), name: self.tokens[method] + "X"}

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        listed = method != "github-app" and self.tokens[method] in (CLASSIC, OAUTH_APP)
        return listed != (permission in ("repo", "admin:org"))

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission in ("repo", "admin:org"):
            self.scopes.discard(permission)
        else:
            del self.permissions[permission.partition(":")[0]]

    def add_excess(self, method: str) -> str:
        self.permissions["administration"] = self.asked_by_app["administration"] = "write"
        self.scopes.add("delete_repo")
        if method == "github-app":
            return "administration: write"
        return "delete_repo" if self.tokens[method] in (CLASSIC, OAUTH_APP) else ""

    def methods_for_failure(self, failure: str) -> list[str]:
        by_app = {"clock", "bad-key", "other-app", "suspended"}
        if failure in {"bad-token", "sso"}:
            return ["pat", "oauth"]
        return ["github-app"] if failure in by_app else ["github-app", "pat", "oauth"]

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        fields = self.fields(method)
        match failure:
            case "no-host":
                return {**fields, "instanceType": "server"}
            case "rate-limit":
                self.refusal = no(403, "API rate limit exceeded", **{"x-ratelimit-remaining": "0"})
            case "sso":
                url = "required; url=https://github.com/orgs/acme/sso?authorization_request=AZSCKtL4U8"
                self.refusal = no(403, "Resource protected by organization SAML enforcement.", **{"x-github-sso": url})
            case "ip-allow-list":
                self.refusal = no(
                    403,
                    "the `acme` organization has an IP allow list enabled",
                )
            case "clock":
                self.clock = 900
            case "other-app":
                return {**fields, "installationId": "999"}
            case "suspended":
                self.suspended = True
            case _:
                return self.wrong_fields(method)
        return None

    def revoke(self, method: str) -> None:
        self.revoked = True


class FineGrainedGitHub(GitHub):
    """The same with tokens whose permissions nobody lists."""

    credentials: ClassVar = {
        **GitHub.credentials,
        "oauth": {"clientId": "Iv1.ada", "accessToken": USER_OF_APP, "expiresAt": "2027-01-01T00:00:00+00:00"},
        "pat": {"personalAccessToken": FINE},
    }
    tokens: ClassVar = {"pat": FINE, "oauth": USER_OF_APP}
