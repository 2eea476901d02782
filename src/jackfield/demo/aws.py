"""One AWS account in miniature: it verifies signatures, simulates a user's policy, and holds no secret at all."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, quote
from xml.sax.saxutils import escape

from jackfield.demo.answers import Answer, Question

REGIONS: Final = ("us-east-1", "eu-central-1")
HOSTS: Final = (
    "iam.amazonaws.com",
    *(f"{service}.{region}.amazonaws.com" for service in ("sts", "secretsmanager", "ssm") for region in REGIONS),
)
_ACCOUNT: Final = "123456789012"
_LISTS: Final[Mapping[str, dict[str, Any]]] = {
    "ListSecrets": {"SecretList": []},
    "BatchGetSecretValue": {"SecretValues": [], "Errors": []},
    "DescribeParameters": {"Parameters": []},
}
_JSON: Final = "application/x-amz-json-1.1"


class Account:
    """`keys` says of each access key ID its `secret`, its `user` and what it may do: `allows`, patterns of actions."""

    def __init__(self, keys: Mapping[str, Mapping[str, Any]]) -> None:
        self._keys = keys

    def answer(self, host: str, question: Question) -> Answer:
        """What the service behind this host says."""
        as_json = "x-amz-target" in question.headers
        key = self._keys.get(_between(question.headers.get("authorization", ""), "Credential=", "/"))
        if key is None:
            return _refusal("InvalidClientTokenId", "The security token is invalid.", as_json=as_json)
        if not _is_signed(question, key["secret"]):
            return _refusal("SignatureDoesNotMatch", "The signature does not match.", as_json=as_json)
        if as_json:
            service, name = host.partition(".")[0], question.headers["x-amz-target"].rpartition(".")[2]
            return self._service(key, f"{service}:{name}", name)
        form = {name: values[-1] for name, values in parse_qs(question.body.decode()).items()}
        return self._query(key, host.partition(".")[0], form)

    def _service(self, key: Mapping[str, Any], action: str, name: str) -> Answer:
        """An operation that speaks JSON. Whatever it names does not exist here."""
        if not _allows(key, action):
            return _refusal("AccessDenied", "not authorized", as_json=True)
        if name in _LISTS:
            return Answer(200, json.dumps(_LISTS[name]).encode(), _JSON)
        return _json_error("ResourceNotFoundException", "There is no such secret.")

    def _query(self, key: Mapping[str, Any], service: str, form: Mapping[str, str]) -> Answer:
        """An operation that speaks forms and XML."""
        action, user = form["Action"], key["user"]
        if service != "sts" and not _allows(key, f"iam:{action}"):
            return _refusal("AccessDenied", f"not authorized to perform: iam:{action}", as_json=False)
        arn = f"arn:aws:iam::{_ACCOUNT}:user/{user}"
        match action:
            case "GetCallerIdentity":
                result = f"<Arn>{arn}</Arn><UserId>AIDADEMO{user.upper()}</UserId><Account>{_ACCOUNT}</Account>"
            case "ListAccessKeys":
                made = "<CreateDate>2026-03-02T09:14:00Z</CreateDate><Status>Active</Status>"
                member = f"<member><AccessKeyId>{key['id']}</AccessKeyId>{made}</member>"
                result = f"<AccessKeyMetadata>{member}</AccessKeyMetadata><IsTruncated>false</IsTruncated>"
            case "GetAccessKeyLastUsed":
                used = "<LastUsedDate>2026-11-20T07:02:00Z</LastUsedDate><ServiceName>secretsmanager</ServiceName>"
                result = f"<UserName>{user}</UserName><AccessKeyLastUsed>{used}</AccessKeyLastUsed>"
            case "SimulatePrincipalPolicy":
                result = "<IsTruncated>false</IsTruncated>" + _simulated(key, form)
            case _:
                return _refusal("AccessDenied", f"not authorized to perform: {action}", as_json=False)
        body = f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
        return Answer(200, body.encode(), "text/xml")


def _simulated(key: Mapping[str, Any], form: Mapping[str, str]) -> str:
    results = []
    resource = escape(form.get("ResourceArns.member.1", "*"))
    for name, action in form.items():
        if name.startswith("ActionNames.member."):
            decision = "allowed" if _allows(key, action, everywhere=resource == "*") else "implicitDeny"
            of_resource = (
                f"<ResourceSpecificResults><member><EvalResourceName>{resource}</EvalResourceName>"
                f"<EvalResourceDecision>{decision}</EvalResourceDecision></member></ResourceSpecificResults>"
            )
            results.append(
                f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{resource}"
                f"</EvalResourceName><EvalDecision>{decision}</EvalDecision>{of_resource * (resource != '*')}</member>"
            )
    return f"<EvaluationResults>{''.join(results)}</EvaluationResults>"


def _allows(key: Mapping[str, Any], action: str, *, everywhere: bool = False) -> bool:
    """Whether the key's policy allows it: on some resource, or on all of them."""
    patterns = key["everywhere"] if everywhere else (*key["allows"], *key["everywhere"])
    return any(fnmatchcase(action, pattern) for pattern in patterns)


def _is_signed(question: Question, secret: str) -> bool:
    """Whether the request bears the signature, version 4, that this secret gives it."""
    given = question.headers["authorization"]
    scope, names = _between(given, "Credential=", ",").split("/", 1)[1], _between(given, "SignedHeaders=", ",")
    query = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parse_qsl(question.query))
    )
    headers = "".join(f"{name}:{' '.join(question.headers.get(name, '').split())}\n" for name in names.split(";"))
    body = hashlib.sha256(question.body).hexdigest()
    canonical = "\n".join([question.method, question.path, query, headers, names, body])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", question.headers.get("x-amz-date", ""), scope, digest])
    signing = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), text):
        signing = hmac.new(signing, part.encode(), "sha256").digest()
    return hmac.compare_digest(signing.hex(), _between(given, "Signature=", ","))


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]


def _refusal(code: str, message: str, *, as_json: bool) -> Answer:
    if as_json:
        spelled = {
            "InvalidClientTokenId": "UnrecognizedClientException",
            "SignatureDoesNotMatch": "InvalidSignatureException",
        }
        return _json_error(spelled.get(code, "AccessDeniedException"), message)
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Answer(403, f"<ErrorResponse>{error}</ErrorResponse>".encode(), "text/xml")


def _json_error(code: str, message: str) -> Answer:
    return Answer(400, json.dumps({"__type": code, "Message": message}).encode(), _JSON)
