"""Octopus Deploy: which of the stated permissions reach one project."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from jackfield.providers.contract.call import Call

# Permissions that a grant may limit to environments; of others such a limit says nothing.
_BY_ENVIRONMENT: Final = frozenset({"VariableView", "VariableEdit", "EnvironmentView"})

_NARROW_KEYS_SINCE: Final = (2026, 3)


async def judge_permissions(call: Call) -> Mapping[str, object]:
    """`held`: permission → whether it holds for the project; one that the answer does not decide is left out.

    `narrow_keys` says whether the server's keys may do less than their user, whose permissions these are. Arguments:
    `rights` (the vendor's answer), `wanted` (names), `space`, `project`, its `group` or "", the `environments` that
    variables are scoped to, and the server's `version`.
    """
    asked: Mapping[str, Any] = call.arguments
    rights: Mapping[str, Any] = asked["rights"]
    held = {}
    for name in map(str, asked["wanted"]):
        stated = rights.get("SpacePermissions", {}).get(name, [])
        entries = [one for one in stated if one.get("SpaceId") == asked["space"] and _names_project(one, asked)]
        reaches = _reaches(name, entries, asked["environments"])
        if reaches or (reaches is False and rights.get("IsPermissionsComplete")):
            held[name] = reaches
    release = re.match(r"(\d+)\.(\d+)", str(asked["version"]))
    older = release is not None and (int(release[1]), int(release[2])) < _NARROW_KEYS_SINCE
    return {"held": held, "narrow_keys": not older}


def _names_project(entry: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a grant is unlimited or names the project or its group."""
    projects, groups = entry.get("RestrictedToProjectIds") or (), entry.get("RestrictedToProjectGroupIds") or ()
    return not (projects or groups) or asked["project"] in projects or asked["group"] in groups


def _reaches(name: str, entries: Sequence[Mapping[str, Any]], environments: Collection[str]) -> bool | None:
    """Whether the grants together hold for all environments; None where they have limits that nobody asked about."""
    for_every_tenant = [one for one in entries if not one.get("RestrictedToTenantIds")]
    limits = [one.get("RestrictedToEnvironmentIds") or () for one in for_every_tenant]
    if not entries or (limits and (name not in _BY_ENVIRONMENT or not all(limits))):
        return bool(entries)
    missing = set(environments).difference(*limits)
    if not environments or (missing and len(for_every_tenant) < len(entries)):
        return None
    return not missing
