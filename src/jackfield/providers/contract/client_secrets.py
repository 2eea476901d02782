"""Exchanging the client secret of an app of Microsoft Entra for another that the app has made for itself.

    held_secrets     the ids of its secrets
    issue_secret     has another one made
    retire_secret    ends one

The app needs Application.ReadWrite.OwnedBy of Microsoft Graph, and to be an owner of itself. Its fields are tenantId,
clientId, clientSecret and clientSecretKeyId.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from jackfield.model.check import FailureKind
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.failure import NetFailure
from jackfield.net.http import Reply
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.functions import parse_time
from jackfield.providers.contract.microsoft import token_grant
from jackfield.text import cleaned

_GRAPH: Final = "https://graph.microsoft.com"
_LABEL: Final = "jackfield"  # how the secret is named in the portal


async def held_secrets(call: Call) -> Sequence[str]:
    """The ids of the app's secrets. Raises NetFailure, also where the present one is not told by its id."""
    held = await _secrets(call)
    if call.text("clientSecretKeyId") not in held:
        message = "The app has no secret with the ID that stands here, so it could not be ended."
        raise NetFailure(FailureKind.MISCONFIGURED, message, "Enter the Secret ID that the portal shows beside it.")
    return list(held)


async def issue_secret(call: Call) -> Mapping[str, FieldValue]:
    """Have another secret made, to live as long as the present one was made to. Raises NetFailure."""
    present = (await _secrets(call)).get(call.text("clientSecretKeyId"), {})
    starts, ends = parse_time(present.get("startDateTime")), parse_time(present.get("endDateTime"))
    wanted = {"displayName": _LABEL}
    if starts is not None and ends is not None:
        wanted["endDateTime"] = (datetime.now(UTC) + (ends - starts)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = _body(await _ask(call, "POST", "/addPassword", json={"passwordCredential": wanted}), "make a secret")
    return {"clientSecret": Secret(str(made["secretText"])), "clientSecretKeyId": str(made["keyId"])}


async def retire_secret(call: Call, key_id: str) -> None:
    """Remove a secret of the app, if it is there. Raises NetFailure."""
    reply = await _ask(call, "POST", "/removePassword", json={"keyId": key_id})
    if reply.status >= 300 and key_id in await _secrets(call):
        raise _refused(reply, "end a secret")


async def _secrets(call: Call) -> Mapping[str, Mapping[str, Any]]:
    """The app's secrets by their ids, as Graph describes them, without their values."""
    reply = await _ask(call, "GET", "", query={"$select": "passwordCredentials"})
    listed = _body(reply, "list its secrets").get("passwordCredentials")
    if not isinstance(listed, list):
        raise _refused(reply, "list its secrets")
    return {str(one.get("keyId")): one for one in listed}


async def _ask(call: Call, verb: str, action: str, **more: Any) -> Reply:
    """Ask Graph about the app that the fields name, as that app. Raises NetFailure."""
    token = await call.once("graph token", lambda: _token(call))
    url = f"{_GRAPH}/v1.0/applications(appId='{call.text('clientId')}'){action}"
    return await call.http().request(verb, url, headers={"authorization": f"Bearer {token}"}, **more)


async def _token(call: Call) -> str:
    reply = await call.http().request(
        "POST",
        f"https://login.microsoftonline.com/{call.text('tenantId')}/oauth2/v2.0/token",
        form={"client_id": call.text("clientId"), "scope": f"{_GRAPH}/.default"},
        auth=token_grant(call),
    )
    return str(_body(reply, "log in to Microsoft Graph")["access_token"])


def _body(reply: Reply, purpose: str) -> Mapping[str, Any]:
    if reply.status >= 300 or not isinstance(reply.body, dict):
        raise _refused(reply, purpose)
    return reply.body


def _refused(reply: Reply, purpose: str) -> NetFailure:
    body = reply.body if isinstance(reply.body, dict) else {}
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else error
    said = cleaned(str(code or reply.status), limit=100)
    return NetFailure(
        FailureKind.FORBIDDEN if reply.status == 403 else FailureKind.MISCONFIGURED,
        f"Microsoft did not let the app {purpose} ({said}).",
        "Grant it Application.ReadWrite.OwnedBy of Microsoft Graph, and make it an owner of itself.",
    )
