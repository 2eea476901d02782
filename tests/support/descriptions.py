"""Vendors' own API descriptions: is a request that we sent one that the vendor describes?

The folder is named by JACKFIELD_API_DESCRIPTIONS and holds one OpenAPI 3 file a provider, `<slug>.json`, whose paths
start at the root of the host. Where it is not set, nothing is judged.
"""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from support.vendor import Request


@cache
def description(slug: str) -> dict[str, Any] | None:
    """The vendor's description; None where there is none."""
    folder = os.environ.get("JACKFIELD_API_DESCRIPTIONS")
    file = Path(folder) / f"{slug}.json" if folder else None
    return json.loads(file.read_text()) if file is not None and file.is_file() else None


def undescribed(slug: str, requests: list[Request], *, unknown_paths: tuple[str, ...] = ()) -> list[str]:
    """What of the requests the vendor's description does not know, one line each.

    `unknown_paths` are regular expressions for paths that a trimmed description leaves out.
    """
    api = description(slug)
    if api is None:
        return []
    found: list[str] = []
    for request in requests:
        if any(re.fullmatch(pattern, request.path) for pattern in unknown_paths):
            continue
        operations = [path for template, path in api["paths"].items() if _matches(template, request.path)]
        if not operations:
            found.append(f"{request.method} {request.path}: no such path")
            continue
        described = [path for path in operations if request.method.lower() in path]
        if not described:
            found.append(f"{request.method} {request.path}: no such method")
            continue
        faults = [_query_faults(api, path, path[request.method.lower()], request) for path in described]
        if all(faults):
            found.append(f"{request.method} {request.path}: {'; '.join(faults[0])}")
    return found


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path, re.IGNORECASE) is not None


def _query_faults(api: dict[str, Any], path: dict[str, Any], operation: dict[str, Any], request: Request) -> list[str]:
    declared = [_resolved(api, one) for one in (*path.get("parameters", ()), *operation.get("parameters", ()))]
    query = {one["name"]: one.get("required", False) for one in declared if one.get("in") == "query"}
    faults = [f"unknown query {name}" for name in request.query if not _known(name, query)]
    return faults + [f"missing query {name}" for name, needed in query.items() if needed and name not in request.query]


def _known(name: str, declared: dict[str, bool]) -> bool:
    """Whether a query name is declared; `page[size]` belongs to an object called `page`.

    `$skiptoken` is the vendor's own: OData puts it into the next link, and no operation declares it. So is `pagelen`,
    which Bitbucket documents once for all its lists.
    """
    return (
        name in declared
        or name.partition("[")[0] in declared
        or f"{name}[]" in declared
        or name.lower() in {"$skiptoken", "pagelen"}
    )


def _resolved(api: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    reference = value.get("$ref")
    if reference is None:
        return value
    found: Any = api
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return dict(found)
