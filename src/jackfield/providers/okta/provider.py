"""Okta: what the administrator roles of a person allow on one app."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from jackfield.providers.contract.call import Call

_OIDC: Final = "oidc_client"  # the kind of app that API_ACCESS_MANAGEMENT_ADMIN manages


class Held(StrEnum):
    """How a right is held; what several roles say of it counts in this order."""

    GRANTED = "granted"
    IMPLIED = "implied"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    MISSING = "missing"


async def judge_roles(call: Call) -> Mapping[str, object]:
    """How okta.apps.manage (`manage`) and okta.apps.clientCredentials.read (`secrets`) are held over the app.

    `alone` says whether the standard role APP_ADMIN is limited to just this app. Arguments, each null where it may not
    be read: `roles`; of the first custom one the `permissions` and the `resources` it reaches, read to the end when
    `complete`; `assigned`, the apps that APP_ADMIN is limited to; and `app` with its `kind`.
    """
    asked: Mapping[str, Any] = call.arguments
    roles = asked["roles"]
    if roles is None:
        return {"manage": Held.UNREADABLE.value, "secrets": Held.UNREADABLE.value, "alone": False}
    active = [str(role["type"]) for role in roles if role.get("status") == "ACTIVE"]
    return {
        "manage": _best(active, "okta.apps.manage", asked),
        "secrets": _best(active, "okta.apps.clientCredentials.read", asked),
        "alone": [one.get("id") for one in asked["assigned"] or ()] == [asked["app"]],
    }


def _best(active: Sequence[str], right: str, asked: Mapping[str, Any]) -> str:
    said = {Held.MISSING, *_standard(active, right, asked)}
    if custom := active.count("CUSTOM"):
        held = _custom(right, asked)
        said.add(Held.UNKNOWN if custom > 1 and held is Held.MISSING else held)
    return next(held for held in Held if held in said).value


def _standard(active: Sequence[str], right: str, asked: Mapping[str, Any]) -> Iterator[Held]:
    if "SUPER_ADMIN" in active or ("READ_ONLY_ADMIN" in active and right.endswith(".read")):
        yield Held.IMPLIED
    if "API_ACCESS_MANAGEMENT_ADMIN" in active and asked["kind"] in {_OIDC, None}:
        yield Held.IMPLIED if asked["kind"] else Held.UNKNOWN
    if count := active.count("APP_ADMIN"):
        assigned = asked["assigned"]
        if assigned is None:
            yield Held.UNREADABLE
        elif not assigned or any(_is_target(one, asked) for one in assigned):
            yield Held.IMPLIED
        elif count > 1:
            yield Held.UNKNOWN


def _is_target(one: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a limit of APP_ADMIN is the app itself, or its whole kind."""
    return bool(one["id"] == asked["app"] if "id" in one else one.get("name") == asked["kind"])


def _custom(right: str, asked: Mapping[str, Any]) -> Held:
    permissions, resources = asked["permissions"], asked["resources"]
    if permissions is None:
        return Held.UNREADABLE
    if right not in permissions:
        return Held.MISSING
    if resources is None:
        return Held.UNREADABLE
    if any(_reaches(str(name), asked) for name in resources):
        return Held.GRANTED
    return Held.MISSING if asked["complete"] else Held.UNKNOWN


def _reaches(name: str, asked: Mapping[str, Any]) -> bool:
    """Whether an Okta resource name is all apps, all of the app's kind, or the app."""
    kind = asked["kind"] or _OIDC
    return name.endswith((":apps", f":apps:{kind}", f":apps:{kind}:{asked['app']}"))
