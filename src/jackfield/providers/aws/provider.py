"""AWS: who an identity is and what it may do, asked of AWS and told to rules without the contents of anything."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from jackfield.model.check import FailureKind
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.failure import NetFailure
from jackfield.providers.aws.service import Keys, Said, SigV4, busy, describe, endpoints
from jackfield.providers.contract.call import Call

HOME_REGIONS: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
SESSION_SECONDS: Final = 900  # the shortest that STS gives
LONGEST_LISTING: Final = 10  # pages

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_REFUSED: Final = frozenset({"InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"})
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
_BUSY: Final = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
_SESSION: Final = "session"
_NOT_SIMULATED: Final = "not simulated"  # the error with which the simulator was refused; it is asked no more then


# --- facts ------------------------------------------------------------------------------------------------------------


async def assume(call: Call) -> Mapping[str, object]:
    """Take the role on with the external ID; its session signs every later request of this check."""
    said = await _assume(call, {"ExternalId": call.organization_id})
    if said.error:
        return said.for_rules
    session = said.result["Credentials"]
    call.kept[_SESSION] = Keys(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    return {**said.for_rules, "ends": session["Expiration"].isoformat()}


async def assume_openly(call: Call) -> Mapping[str, object]:
    """Whether the role can be taken on without its external ID too. That session is thrown away."""
    said = await _assume(call, {})
    return {**said.for_rules, "open": not said.error}


async def ask(call: Call) -> Mapping[str, object]:
    """One operation. Arguments: `service`, `operation`, `region`, `parameters`, `keep`, `allowed_by`.

    Of the result only the members named in `keep` are told. `allowed` is true after success or an error named in
    `allowed_by`, false when access was denied, and absent after anything else.
    """
    said = await _operation(call, _keys(call), call.arguments)
    told = said.for_rules | {name: _plain(said.result.get(name)) for name in _texts(call.arguments.get("keep"))}
    if not said.error or said.error in _texts(call.arguments.get("allowed_by")):
        return {**told, "allowed": True}
    return {**told, "allowed": False} if said.error in _DENIED else told


async def list_all(call: Call) -> Mapping[str, object]:
    """A listing to its end or its limit, under `items`. Arguments as of `ask`, without `keep` and `allowed_by`."""
    paging = describe(str(call.arguments["service"])).paging[str(call.arguments["operation"])]
    items: list[object] = []
    arguments = dict(call.arguments)
    for _ in range(LONGEST_LISTING):
        said = await _operation(call, _keys(call), arguments)
        if said.error:
            return said.for_rules
        found = _plain(said.result.get(paging["result_key"]))
        items += found if isinstance(found, list) else []
        after = said.result.get(paging["output_token"])
        if not said.result.get(paging.get("more_results", ""), bool(after)) or not after:
            break
        arguments["parameters"] = {**_mapping(arguments.get("parameters")), paging["input_token"]: after}
    return {"error": "", "items": items}


async def list_regions(call: Call) -> Mapping[str, object]:
    """The regions of this partition, from the vendor's own list; nothing is asked for it."""
    places = await asyncio.to_thread(endpoints)
    names = places.get_available_endpoints("secretsmanager", partition_name=call.text("partition"))
    return {"items": sorted(name for name in names if "fips" not in name)}


# --- exchanging an access key of a user -------------------------------------------------------------------------------


async def held_keys(call: Call) -> Sequence[str]:
    """The ids of the access keys of this user. Raises NetFailure."""
    said = await _own_keys(call, "ListAccessKeys", {})
    return [str(one["AccessKeyId"]) for one in said.result["AccessKeyMetadata"]]


async def issue_key(call: Call) -> Mapping[str, FieldValue]:
    """Have another access key of this user made. Raises NetFailure."""
    made = (await _own_keys(call, "CreateAccessKey", {})).result["AccessKey"]
    return {"accessKeyId": str(made["AccessKeyId"]), "secretAccessKey": Secret(str(made["SecretAccessKey"]))}


async def retire_key(call: Call, key_id: str) -> None:
    """Delete an access key of this user, if it is there. Raises NetFailure."""
    await _own_keys(call, "DeleteAccessKey", {"AccessKeyId": key_id}, fine="NoSuchEntity")


async def _own_keys(call: Call, operation: str, parameters: Mapping[str, object], fine: str = "") -> Said:
    """An operation of IAM on the user whose key signs it. Raises NetFailure for any error but `fine`."""
    question = {"service": "iam", "operation": operation, "parameters": parameters}
    said = await _operation(call, _keys(call), question)
    if said.error and said.error != fine:
        kind = FailureKind.FORBIDDEN if said.error in _DENIED else FailureKind.REJECTED
        raise NetFailure(kind, f"AWS refused {operation} ({said.error}).", f"Allow iam:{operation} on the user itself.")
    return said


async def simulate(call: Call) -> Mapping[str, object]:
    """What policies say of some actions. Arguments: `principal`, `actions`, `resources`, `context`, `region`.

    `granted` maps each action that the simulation decides to true or false. One that hangs on a condition whose value
    is not known here is left out.
    """
    if _NOT_SIMULATED in call.kept:
        return {"error": call.kept[_NOT_SIMULATED], "granted": {}}
    given = call.arguments
    context = {"aws:SecureTransport": "true", **_mapping(given.get("context"))}
    if given.get("region"):
        context["aws:RequestedRegion"] = given["region"]
    question = {
        "service": "iam",
        "operation": "SimulatePrincipalPolicy",
        "parameters": {
            "PolicySourceArn": given["principal"],
            "ActionNames": given["actions"],
            "ResourceArns": given.get("resources") or ["*"],
            "ContextEntries": [_context_entry(key, value) for key, value in context.items()],
            "MaxItems": 1000,
        },
    }
    said = await _operation(call, _keys(call), question)
    if said.error in _REFUSED | _EXPIRED:
        raise NetFailure(
            FailureKind.EXPIRED if said.error in _EXPIRED else FailureKind.REJECTED,
            "AWS accepted this credential at first and refused it later in the test.",
            "It may have been revoked meanwhile: test again.",
        )
    if said.error in _DENIED:
        call.kept[_NOT_SIMULATED] = said.error
    decisions = [(one["EvalActionName"], _decision(one)) for one in said.result.get("EvaluationResults", ())]
    granted = {action: decision for action, decision in decisions if decision is not None}
    return {"error": said.error, "granted": granted}


# --- AWS ----------------------------------------------------------------------------------------------------------


def _keys(call: Call) -> Keys:
    """What signs requests: the access key, or the session of the role. Raises NetFailure when there is no session."""
    if not call.text("roleArn"):
        return Keys(call.text("accessKeyId"), call.text("secretAccessKey"))
    session = call.kept.get(_SESSION)
    if not isinstance(session, Keys):
        raise NetFailure(FailureKind.FORBIDDEN, "The role was not taken on.", "See the trust policy of the role.")
    return session


async def _assume(call: Call, more: Mapping[str, str]) -> Said:
    source = Keys(call.text("sourceAccessKeyId"), call.text("sourceSecretAccessKey"))
    parameters = {
        "RoleArn": call.text("roleArn"),
        "RoleSessionName": f"jackfield-{call.random}",
        "DurationSeconds": SESSION_SECONDS,
        **more,
    }
    return await _operation(call, source, {"service": "sts", "operation": "AssumeRole", "parameters": parameters})


async def _operation(call: Call, keys: Keys, question: Mapping[str, object]) -> Said:
    """Ask once. Raises NetFailure where no answer of AWS came, or one that asks to wait."""
    service = await asyncio.to_thread(describe, str(question["service"]))
    home = HOME_REGIONS[call.text("partition") or "aws"]
    place = service.place(str(question.get("region") or home), fips=call.flag("fips"))
    request = service.write(str(question["operation"]), _mapping(question.get("parameters")))
    client = call.http()
    reply = await client.request(
        request["method"],
        f"https://{place['hostname']}{request['url_path']}",
        query=request["query_string"] or None,
        headers=dict(request["headers"]),
        content=request["body"] or None,
        auth=SigV4(keys, place["name"], place["region"]),
        accept="*/*",
    )
    said = service.read(str(question["operation"]), reply)
    if said.error in _BUSY:
        raise busy(reply)
    return said


def _decision(result: Mapping[str, Any]) -> bool | None:
    """Allowed or denied by the policies of the identity, its boundary and its organization; None when it hangs on
    a condition key that the action knows and the simulation was not told."""
    parts = [result, *result.get("ResourceSpecificResults", ())]
    service = result["EvalActionName"].partition(":")[0]
    missing = [key for part in parts for key in part.get("MissingContextValues", ())]
    if any(key.lower().startswith(("aws:", f"{service}:")) for key in missing):
        return None
    limits = (
        ("PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary"),
        ("OrganizationsDecisionDetail", "AllowedByOrganizations"),
    )
    if any(part.get(limit, {}).get(verdict) is False for part in parts for limit, verdict in limits):
        return False
    decisions = {part.get("EvalResourceDecision", result["EvalDecision"]) for part in parts} | {result["EvalDecision"]}
    if decisions == {"allowed"}:
        return True
    return False if decisions & {"implicitDeny", "explicitDeny"} else None


def _context_entry(key: str, value: object) -> dict[str, object]:
    many = isinstance(value, list)
    kind = "boolean" if value in ("true", "false") else "string"
    return {
        "ContextKeyName": key,
        "ContextKeyValues": value if many else [value],
        "ContextKeyType": f"{kind}List" if many else kind,
    }


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _plain(value: object) -> object:
    """A parsed value as rules read it: times as ISO text, no binary data."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, bytes) else value
