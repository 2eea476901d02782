"""AWS: an emulator that verifies signatures and enforces policies by action, behind a miniature of what it lacks.

The miniature terminates TLS for every service's host, passes requests on as they are, and adds what the emulator does
not play: the policy simulator, external IDs, dry runs, the errors of JSON services, and Route 53, whose requests
without a body the emulator cannot verify.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx

from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, HttpWorld
from support.certificates import authority
from support.servers.room import unique
from support.servers.web import Aws
from support.vendor import Answer, MiniatureVendor, Request

ORGANIZATION = "0f0e0d0c0b0a"  # the external ID
REGION = "eu-central-1"
SERVICES = ("sts", "secretsmanager", "ssm", "kms", "acm", "acm-pca", "elasticloadbalancing")
BOUNDARY = "arn:aws:iam::123456789012:policy/lease-boundary"
ZONE = "Z0123456789ABC"

Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Things:
    """What the uses point at, made once in the emulator and never changed."""

    alias: str
    group: str
    user: str
    authority: str


@cache
def _things(server: Aws) -> Things:
    things = Things(f"alias/{unique('key-')}", unique("group-"), unique("rotated-"), "")
    iam = _iam(server)
    iam.create_group(GroupName=things.group)
    iam.create_user(UserName=things.user)
    regional = replace(server, region=REGION)
    kms = regional.client("kms")
    kms.create_alias(AliasName=things.alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    private = regional.client("acm-pca")
    subject = {"KeyAlgorithm": "RSA_2048", "SigningAlgorithm": "SHA256WITHRSA", "Subject": {"CommonName": "ca"}}
    made = private.create_certificate_authority(
        CertificateAuthorityConfiguration=subject, CertificateAuthorityType="ROOT"
    )["CertificateAuthorityArn"]
    certificate = authority().ca_pem.encode()
    private.import_certificate_authority_certificate(CertificateAuthorityArn=made, Certificate=certificate)
    return replace(things, authority=made)


@cache
def _iam(server: Aws) -> Any:
    return server.client("iam")


class AwsWorld(HttpWorld):
    """A user, and a role that another user takes on, each with the policy that Jackfield shows for all uses."""

    hosts = (
        "iam.amazonaws.com",
        "route53.amazonaws.com",
        *(f"{service}.{region}.amazonaws.com" for service in SERVICES for region in ("us-east-1", REGION)),
    )
    credentials: ClassVar = {"assume-role": {}, "access-key": {}}
    uses: ClassVar = dict.fromkeys(use.id for use in REGISTRY.get("aws").uses)
    offered_to = "access-key"
    shared = True
    may_simulate = True

    def __init__(self, server: Aws) -> None:
        self.server = server
        self.external_id = ORGANIZATION  # what the role's trust policy asks for; empty: nothing
        self.trusts = True
        self.sts_says: tuple[int, str, str] | None = None  # status, code and message instead of an answer
        self.revoked = False
        self.limits: dict[str, str] = {}  # verdict of a boundary or organization → "false"
        self.region_on = True
        super().__init__()

    def __enter__(self) -> Self:
        super().__enter__()
        self.client = httpx.Client(trust_env=False)
        self._make_things()
        self._make_identities()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        iam = _iam(self.server)
        for user, policy, key in self._users:
            iam.delete_user_policy(UserName=user, PolicyName=policy)
            iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
            iam.delete_user(UserName=user)
        super().__exit__(kind, error, trace)

    def allow_pickers(self) -> None:
        actions = ["iam:ListUsers", "kms:ListAliases", "route53:ListHostedZones"]
        self.statements.append({"Effect": "Allow", "Action": actions, "Resource": "*"})
        self._grant()

    # What is in the account.

    def _make_things(self) -> None:
        self.things = _things(self.server)
        regional = {"region": REGION, "tags": "yes", "key": self.things.alias}
        self.uses = {
            "secret-sync/secrets-manager": {**regional, "prefix": "myapp/"},
            "secret-sync/parameter-store": {**regional, "prefix": "/myapp/"},
            "secret-rotation/iam-user-keys": {"user": self.things.user, "path": "/"},
            "dynamic-secret/iam-users": {
                "path": "/leases/", "boundary": BOUNDARY, "managed": "yes", "inline": "yes", "group": self.things.group,
            },
            "pki/certificate-sync": {"region": REGION, "destination": "both"},
            "pki/private-ca": {"authority": self.things.authority},
            "pki/acm-public-ca": {"region": REGION, "zone": ZONE},
            "pki/acme-dns": {"zone": ZONE},
        }  # fmt: skip

    def _make_identities(self) -> None:
        iam = _iam(self.server)
        self.user, self.role, source = unique("user-"), unique("role-"), unique("source-")
        self.user_arn = iam.create_user(UserName=self.user, Path="/apps/")["User"]["Arn"]
        key = iam.create_access_key(UserName=self.user)["AccessKey"]
        source_arn = iam.create_user(UserName=source)["User"]["Arn"]
        source_key = iam.create_access_key(UserName=source)["AccessKey"]
        trust = {"Effect": "Allow", "Principal": {"AWS": source_arn}, "Action": "sts:AssumeRole"}
        self.role_arn = iam.create_role(
            RoleName=self.role, Path="/apps/", AssumeRolePolicyDocument=_policy([trust])
        )["Role"]["Arn"]  # fmt: skip
        allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": self.role_arn}
        iam.put_user_policy(UserName=source, PolicyName="assume", PolicyDocument=_policy([allowed]))
        self._users = ((self.user, "uses", key), (source, "assume", source_key))
        self.secrets = {key["AccessKeyId"]: key["SecretAccessKey"]}  # of what may sign requests to Route 53
        self.keys = {
            "access-key": {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"]},
            "assume-role": {
                "roleArn": self.role_arn,
                "sourceAccessKeyId": source_key["AccessKeyId"],
                "sourceSecretAccessKey": source_key["SecretAccessKey"],
            },
        }
        self.offers = {  # type: ignore[misc]  # the names are fresh in each world
            "regions": ({}, [REGION]),
            "users": ({}, [self.user, self.things.user]),
            "aliases": ({"region": REGION}, [self.things.alias]),
            "zones": ({}, ["Z1", ZONE]),  # one on each page
        }
        uses = [IntendedUse(use, targets) for use, targets in self.uses.items()]
        shown = merged_snippet(REGISTRY.get("aws"), uses, {"method": "access-key", "partition": "aws"})
        self.statements: list[Statement] = json.loads(shown)["Statement"]
        if not self.may_simulate:
            self.statements = [one for one in self.statements if one["Action"] != ["iam:SimulatePrincipalPolicy"]]
        self._grant()

    def _grant(self) -> None:
        """The policy as the emulator can enforce it: every action that some statement allows."""
        actions = sorted({action for one in self.statements for action in one["Action"]})
        policy = _policy([{"Effect": "Allow", "Action": actions or ["none:None"], "Resource": "*"}])
        iam = _iam(self.server)
        iam.put_user_policy(UserName=self.user, PolicyName="uses", PolicyDocument=policy)
        iam.put_role_policy(RoleName=self.role, PolicyName="uses", PolicyDocument=policy)

    # What the miniature answers.

    def declare(self, vendor: MiniatureVendor) -> None:
        vendor.post("/")(self._post)
        zones = "/2013-04-01/hostedzone"
        one_zone = "<HostedZone><Id>/hostedzone/{}</Id><Name>example.com.</Name></HostedZone>"
        vendor.get(f"{zones}sbyname")(self._dns("ListHostedZonesByName", "<HostedZones/>"))
        page = "<HostedZones>{}</HostedZones><IsTruncated>{}</IsTruncated><NextMarker>{}</NextMarker>".format
        first, last = one_zone.format("Z1"), one_zone.format(ZONE)
        vendor.get(zones)(self._dns("ListHostedZones", page(first, "true", "Z2"), page(last, "false", "")))
        vendor.get(f"{zones}/{{id}}")(self._dns("GetHostedZone", one_zone.format(ZONE)))
        vendor.get(f"{zones}/{{id}}/rrset")(self._dns("ListResourceRecordSets", "<ResourceRecordSets/>"))

    def _post(self, request: Request) -> Answer:
        if self.revoked or (REGION in request.headers["host"] and not self.region_on):
            return self._refused(request, "InvalidClientTokenId", "The security token in the request is invalid.")
        if request.headers["host"].startswith("sts."):
            return self._sts(request)
        if request.headers["host"].startswith("iam.") and request.form()["Action"] == "SimulatePrincipalPolicy":
            answer = self._passed_on(request)  # the emulator judges signature and right, and knows no more of it
            return answer if answer.status == 403 else self._simulated(request.form())
        answer = self._passed_on(request)
        wrong = ("AccessDenied", "NotFound", "InvalidSignature")
        if '"DryRun"' in request.body.decode() and not any(word in f"{answer.json}{answer.body!r}" for word in wrong):
            return Answer(400, json={"__type": "DryRunOperationException"}, content_type=_JSON)
        return answer

    def _sts(self, request: Request) -> Answer:
        if self.sts_says is not None:
            return _error(*self.sts_says)
        form = request.form()
        if form["Action"] == "AssumeRole" and (
            not self.trusts or (self.external_id and form.get("ExternalId") != self.external_id)
        ):
            return _error(403, "AccessDenied", "not authorized to perform: sts:AssumeRole")
        answer = self._passed_on(request)
        if form["Action"] == "AssumeRole" and answer.status == 200:
            session = ET.fromstring(answer.body).find(".//{*}Credentials")
            assert session is not None
            self.secrets[session.findtext("{*}AccessKeyId", "")] = session.findtext("{*}SecretAccessKey", "")
        return answer

    def _passed_on(self, request: Request) -> Answer:
        kept = ("host", "authorization", "content-type")
        headers = {name: value for name, value in request.headers.items() if name in kept or name.startswith("x-amz")}
        query = f"?{urlencode(request.query)}" if request.query else ""
        url = f"{self.server.url}{request.path}{query}"
        reply = self.client.request(request.method, url, headers=headers, content=request.body)
        if "x-amz-target" not in headers:
            return Answer(reply.status_code, body=reply.content, content_type="text/xml")
        if reply.status_code == 403:
            named = (code for code in ("SignatureDoesNotMatch", "InvalidClientTokenId") if code in reply.text)
            return self._refused(request, next(named, "AccessDenied"), "no")
        return Answer(reply.status_code, body=reply.content, content_type=_JSON)

    def _refused(self, request: Request, code: str, message: str) -> Answer:
        if "x-amz-target" not in request.headers:
            return _error(403, code, message)
        spelled = {
            "AccessDenied": "AccessDeniedException",
            "InvalidClientTokenId": "UnrecognizedClientException",
            "SignatureDoesNotMatch": "InvalidSignatureException",
        }[code]
        return Answer(400, json={"__type": spelled, "Message": message}, content_type=_JSON)

    def _dns(self, action: str, body: str, later_page: str = "") -> Any:
        def answer(request: Request) -> Answer:
            key = request.headers["authorization"].partition("Credential=")[2].partition("/")[0]
            if request.headers["authorization"] != signed(request, key, self.secrets[key]) or self.revoked:
                return _error(403, "SignatureDoesNotMatch", "no")
            resource = f"arn:aws:route53:::hostedzone/{request.params['id']}" if "id" in request.params else "*"
            if not any(_matches(one, f"route53:{action}", resource, {}, set()) for one in self.statements):
                return _error(403, "AccessDenied", f"not authorized to perform: route53:{action}")
            if request.params.get("id", ZONE) != ZONE:
                return _error(404, "NoSuchHostedZone", "No hosted zone found")
            said = later_page if request.query.get("marker") else body
            return Answer(200, body=f"<{action}Response>{said}</{action}Response>", content_type="text/xml")

        return answer

    # The policy simulator.

    def _simulated(self, form: dict[str, str]) -> Answer:
        if form["PolicySourceArn"] not in (self.user_arn, self.role_arn):
            return _error(404, "NoSuchEntity", "no such principal")
        context: dict[str, list[str]] = {}
        for name, key in form.items():
            if name.startswith("ContextEntries.member.") and name.endswith(".ContextKeyName"):
                start = name.removesuffix("Name") + "Values.member."
                context[key] = [value for other, value in form.items() if other.startswith(start)]
        results = "".join(
            self._result(form[f"ActionNames.member.{n}"], form["ResourceArns.member.1"], context)
            for n in range(1, 129)
            if f"ActionNames.member.{n}" in form
        )
        body = (
            '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
            f"<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{results}"
            "</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )
        return Answer(200, body=body, content_type="text/xml")

    def _result(self, action: str, resource: str, context: dict[str, list[str]]) -> str:
        missing: set[str] = set()
        effects = {one["Effect"] for one in self.statements if _matches(one, action, resource, context, missing)}
        decision = "explicitDeny" if "Deny" in effects else "allowed" if effects else "implicitDeny"
        listed = "".join(f"<member>{escape(key)}</member>" for key in sorted(missing))
        missed = f"<MissingContextValues>{listed}</MissingContextValues>"
        limits = "".join(
            f"<{part}DecisionDetail><AllowedBy{verdict}>{self.limits[verdict]}</AllowedBy{verdict}></{part}DecisionDetail>"
            for part, verdict in (("Organizations", "Organizations"), ("PermissionsBoundary", "PermissionsBoundary"))
            if verdict in self.limits
        )
        if resource == "*":
            specific = missed
        else:
            specific = (
                f"<ResourceSpecificResults><member><EvalResourceName>{escape(resource)}</EvalResourceName>"
                f"<EvalResourceDecision>{decision}</EvalResourceDecision>{missed}</member></ResourceSpecificResults>"
            )
        return (
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{escape(resource)}</EvalResourceName>"
            f"<EvalDecision>{decision}</EvalDecision>{specific}{limits}</member>"
        )

    # What the suite takes away.

    def fields(self, method: str) -> dict[str, Any]:
        return dict(self.keys[method])

    def wrong_fields(self, method: str) -> dict[str, Any]:
        secret = "secretAccessKey" if method == "access-key" else "sourceSecretAccessKey"
        return {**self.fields(method), secret: "n0bodysSecretKeyThatIsFortyCharactersLong"}

    def remove(self, method: str, use: str, permission: str) -> None:
        for one in self.statements:
            one["Action"] = [action for action in one["Action"] if action != permission]
        self._grant()

    def methods_for_failure(self, failure: str) -> list[str]:
        return ["assume-role"] if failure in {"not-trusted", "malformed", "region-off"} else list(self.credentials)

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "wrong-secret":
                return self.wrong_fields(method)
            case "unknown-key":
                key = "accessKeyId" if method == "access-key" else "sourceAccessKeyId"
                return {**self.fields(method), key: "AKIANOBODYSKEY000000"}
            case "not-trusted":
                self.trusts = False
            case "clock":
                words = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"
                self.sts_says = (403, "SignatureDoesNotMatch", words)
            case "expired":
                self.sts_says = (403, "ExpiredToken", "The security token included in the request is expired")
            case "malformed":
                self.sts_says = (400, "ValidationError", "roleArn is invalid")
            case "region-off":
                self.sts_says = (403, "RegionDisabledException", "STS is not activated in this region")
        return None

    def add_excess(self, method: str) -> str:
        self.statements.append({"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": "*"})
        return "iam:PassRole on *"

    def revoke(self, method: str) -> None:
        self.revoked = True


class AwsWithoutSimulator(AwsWorld):
    """The same identities, which may not ask the simulator."""

    may_simulate = False


_JSON = "application/x-amz-json-1.1"


def _policy(statements: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _error(status: int, code: str, message: str) -> Answer:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, body=f"<ErrorResponse>{error}</ErrorResponse>", content_type="text/xml")


def signed(request: Request, key: str, secret: str) -> str:
    """The Authorization header that a request without a body must have, by the vendor's description of Signature 4."""
    given = dict(part.strip().split("=", 1) for part in request.headers["authorization"].partition(" ")[2].split(","))
    names = given["SignedHeaders"].split(";")
    assert {"host", "x-amz-date"} <= set(names)
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(request.query.items()))
    headers = "".join(f"{name}:{request.headers[name]}\n" for name in names)
    nothing = hashlib.sha256(b"").hexdigest()
    canonical = "\n".join([request.method, request.path, query, headers, ";".join(names), nothing])
    day = request.headers["x-amz-date"][:8]
    scope = f"{day}/us-east-1/route53/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, digest])
    signing = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), text):
        signing = hmac.new(signing, part.encode(), "sha256").digest()
    return f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signing.hex()}"


def _matches(
    statement: Statement, action: str, resource: str, context: dict[str, list[str]], missing: set[str]
) -> bool:
    """Whether a statement is about this request. A condition key that was not given is noted."""
    if not any(fnmatchcase(action.lower(), pattern.lower()) for pattern in statement["Action"]):
        return False
    if not fnmatchcase(resource, statement["Resource"]):
        return False
    held = True
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            values = context.get(key)
            if values is None:
                missing.add(key)
            accepted = [wanted] if isinstance(wanted, str) else wanted
            if operator == "ForAllValues:StringEquals":
                held &= all(value in accepted for value in values or ())
            elif operator in ("StringEquals", "ForAnyValue:StringEquals", "Bool"):
                held &= any(value in accepted for value in values or ())
            else:
                raise NotImplementedError(operator)
    return held
