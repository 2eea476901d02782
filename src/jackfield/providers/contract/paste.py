"""Recognising a pasted block: which fields a URL, an environment file, a profile or a JSON object fills."""

import configparser
import json
import re
from collections.abc import Mapping
from itertools import product
from typing import Final
from urllib.parse import unquote, urlsplit

from jackfield.providers.contract.expression import Expression, Template
from jackfield.providers.contract.field import FieldKind
from jackfield.providers.contract.spec import Method, PastedUrl, Provider

PASTE_LIMIT: Final = 256 * 1024
_TEMPLATE_LIMIT: Final = 2048  # characters of a value that stands for several fields
_SWITCH_LIMIT: Final = 3
_ASSIGNMENT: Final = re.compile(r"\s*(?:(?:export|set)\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*[=:](.*)")


def recognise(provider: Provider, method: Method, text: str) -> dict[str, str]:
    """Field → text found in a pasted block; empty when nothing in it is known. Never raises for any text."""
    text = text.strip()
    if not text or len(text) > PASTE_LIMIT:
        return {}
    if provider.pasted_url is not None:
        found = _from_url(provider.pasted_url, text)
        if found:
            return _known(method, found)
    for field in method.fields:
        if field.kind is FieldKind.PEM and text.startswith("-----BEGIN "):
            wanted = "CERTIFICATE" not in text.splitlines()[0]
            if field.is_secret == wanted:
                return {field.name: text}
    from_json = _from_json(method, text)
    return from_json or _from_assignments(method, text)


def _known(method: Method, found: dict[str, str]) -> dict[str, str]:
    names = {field.name for field in method.fields}
    return {name: value for name, value in found.items() if name in names and value}


def _from_url(shape: PastedUrl, text: str) -> dict[str, str]:
    if "\n" in text or "://" not in text:
        return {}
    try:
        parts = urlsplit(text.strip("\"'"))
        port = str(parts.port) if parts.port else ""
    except ValueError:
        return {}
    if parts.scheme not in (*shape.schemes, *shape.tls_schemes):
        return {}
    values = {
        shape.host: parts.hostname or "",
        shape.port: port,
        shape.username: unquote(parts.username or ""),
        shape.password: unquote(parts.password or ""),
        shape.path: unquote(parts.path.lstrip("/")),
    }
    if shape.tls and parts.scheme in shape.tls_schemes:
        values[shape.tls] = "true" if shape.tls_schemes[parts.scheme] else "false"
    return {name: value for name, value in values.items() if name}


def _from_json(method: Method, text: str) -> dict[str, str]:
    if not text.startswith("{"):
        return {}
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    flat = {str(name): value for name, value in data.items() if isinstance(value, (str, int, bool))}
    found = from_names(method, {name: _text(value) for name, value in flat.items()})
    whole = [field.name for field in method.fields if field.kind is FieldKind.JSON]
    if not found and len(whole) == 1:
        return {whole[0]: text}
    return found


def _from_assignments(method: Method, text: str) -> dict[str, str]:
    """`.env` lines, shell exports, an AWS-style profile (its first section) or `name: value` lines."""
    pairs: dict[str, str] = {}
    if re.search(r"^\s*\[[^\]]+\]\s*$", text, re.MULTILINE):
        profile = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
        try:
            profile.read_string(text)
            pairs = {name: value or "" for name, value in profile[profile.sections()[0]].items()}
        except (configparser.Error, IndexError):
            return {}
    else:
        pairs = assignments(text)
    return from_names(method, pairs)


def assignments(text: str) -> dict[str, str]:
    """Name → value of the lines `NAME=value`, `export NAME="value"` and `name: value`; other lines are passed over."""
    pairs: dict[str, str] = {}
    for line in text.splitlines():
        found = _ASSIGNMENT.match(line)
        if found and not line.lstrip().startswith("#"):
            value = found[2].strip().removesuffix(",").rstrip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            pairs[found[1]] = value[1:-1] if quoted else value
    return pairs


def from_names(method: Method, pairs: Mapping[str, str]) -> dict[str, str]:
    """Field → text: by environment variable first, then by field name, ignoring case, hyphens and underscores."""
    by_variable = {variable.lower(): source for variable, source in method.environment.items()}
    by_field = {_bare(field.name): field.name for field in method.fields}
    found: dict[str, str] = {}
    for name, value in pairs.items():
        source = by_variable.get(name.lower()) or by_field.get(_bare(name))
        if isinstance(source, Template):
            filled = _from_template(method, source, value)
        else:
            filled = {source: value} if source else {}
        for field, text in filled.items():
            if text and field not in found:
                found[field] = text
    return found


def _from_template(method: Method, template: Template, text: str) -> dict[str, str]:
    """The fields that make the template say this text: names alone in it, or switches; empty when none do."""
    expressions = [part.text for part in template.parts if isinstance(part, Expression)]
    if all(name in {field.name for field in method.fields} for name in expressions):
        pattern = "".join(re.escape(part) if isinstance(part, str) else "(.+?)" for part in template.parts)
        match = re.fullmatch(pattern, text) if len(text) <= _TEMPLATE_LIMIT else None
        return dict(zip(expressions, match.groups(), strict=True)) if match else {}
    switches = [field.name for field in method.fields if field.name in template.reads]
    if len(switches) > _SWITCH_LIMIT or not all(_is_switch(method, name) for name in switches):
        return {}
    for values in product((True, False), repeat=len(switches)):
        names = dict(zip(switches, values, strict=True))
        if template.render(names) == text:
            return {name: _text(value) for name, value in names.items()}
    return {}


def _is_switch(method: Method, name: str) -> bool:
    return any(field.name == name and field.kind is FieldKind.BOOLEAN for field in method.fields)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _text(value: str | int | bool) -> str:  # noqa: FBT001 - a value out of JSON
    return str(value).lower() if isinstance(value, bool) else str(value)
