"""Recognising a pasted block: which fields a URL, an environment file, a profile or a JSON object fills."""

import configparser
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as part
from itertools import product
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from jackfield.providers.contract.expression import Expression, Template
from jackfield.providers.contract.kinds import FieldKind
from jackfield.text import cleaned

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Method, Provider

PASTE_LIMIT: Final = 256 * 1024
_TEMPLATE_LIMIT: Final = 2048  # characters of a value that stands for several fields
_SWITCH_LIMIT: Final = 3
_NAME_LIMIT: Final = 40  # characters of a name that is told
_JSON_DEPTH: Final = 3
_PEM_LINE: Final = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]{1,60}-----")
_ASSIGNMENT: Final = re.compile(r"\s*(?:-\s+)?(?:(?:export|set)\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*[=:](.*)")


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a pasted block fills. `left_out` names what no field takes; `refused` says why it was not read at all."""

    fields: Mapping[str, str] = part(default_factory=dict, repr=False)  # field → text
    left_out: tuple[str, ...] = ()
    refused: str = ""


def recognise(provider: "Provider", method: "Method", text: str) -> dict[str, str]:
    """Field → text found in a pasted block; empty when nothing in it is known. Never raises for any text."""
    return dict(read_block(provider, method, text).fields)


def read_block(provider: "Provider", method: "Method", text: str) -> Pasted:
    """The fields in a pasted URL, PEM, JSON object, profile or list of assignments. Never raises for any text."""
    if len(text) > PASTE_LIMIT:
        return Pasted(refused=f"{len(text):,} characters were pasted, and {PASTE_LIMIT:,} are the limit.")
    if odd := sum(unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\r\n" for character in text):
        return Pasted(refused=f"What was pasted holds {odd:,} control characters, as binary data does.")
    text = text.strip()
    for read in (_read_url, _read_pem, _read_json, _read_assignments):
        if found := read(provider, method, text):
            names = {one.name for one in method.fields}
            filled = {name: value for name, value in found.items() if name in names and value}
            return Pasted(filled, tuple(_shown(name) for name in found if name not in names)) if filled else Pasted()
    return Pasted()


# Each reader gives what it found by name, fields of the method and names that no field takes; empty when the text is
# not of its kind.


def _shown(name: str) -> str:
    return cleaned(name, limit=_NAME_LIMIT, lines=False)


def _read_url(provider: "Provider", _: "Method", text: str) -> dict[str, str]:
    shape = provider.pasted_url
    if shape is None or "\n" in text or "://" not in text:
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
    options = {f"?{name}": "" for name, _ in parse_qsl(parts.query)}
    return {name: value for name, value in values.items() if name and value} | options


def _read_pem(_: "Provider", method: "Method", text: str) -> dict[str, str]:
    """Keys go to the secret PEM field, certificates to the other one; a block without its end is left to be judged."""
    if "-----BEGIN " not in text or text.startswith("{") or re.match(_ASSIGNMENT, text):
        return {}
    blocks = list(_pem_blocks(text)) or [text[text.index("-----BEGIN ") :]]
    found: dict[str, str] = {}
    for block in blocks:
        secret = "PRIVATE KEY" in block.splitlines()[0]
        takers = [one.name for one in method.fields if one.kind is FieldKind.PEM and one.is_secret == secret]
        name = takers[0] if takers else ("a private key" if secret else "a certificate or public key")
        found[name] = f"{found[name]}\n{block}" if name in found else block
    return found


def _pem_blocks(text: str) -> Iterator[str]:
    """Each from its first line to the next that ends one, read in one pass however many begin."""
    begins: int | None = None
    for line in _PEM_LINE.finditer(text):
        if line[1] == "BEGIN":
            begins = line.start() if begins is None else begins
        elif begins is not None:
            yield text[begins : line.end()]
            begins = None


def _read_json(_: "Provider", method: "Method", text: str) -> dict[str, str]:
    if not text.startswith("{"):
        return {}
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    flat = dict(_leaves(data))
    found = from_names(method, flat)
    whole = [field.name for field in method.fields if field.kind is FieldKind.JSON]
    if len(whole) == 1 and whole[0] not in found and (not found or "private_key" in flat):
        return {whole[0]: text}
    return found | _unused(found, flat) if found else {}


def _leaves(data: Mapping[str, object], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Name and text of every value; those further in are named by their last name, after the outer ones."""
    for name, value in data.items():
        if isinstance(value, (str, int, bool)):
            yield str(name), _text(value)
    for value in data.values():
        if isinstance(value, dict) and depth < _JSON_DEPTH:
            yield from _leaves(value, depth + 1)


def _read_assignments(_: "Provider", method: "Method", text: str) -> dict[str, str]:
    """`.env` lines, shell exports, an AWS-style profile (the first section that is known) or `name: value` lines."""
    if not re.search(r"^\s*\[[^\]]+\]\s*$", text, re.MULTILINE):
        pairs = assignments(text)
        found = from_names(method, pairs) or _only_token(method, pairs)
        return found | _unused(found, pairs) if found else {}
    profile = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        profile.read_string(text)
    except configparser.Error:
        return {}
    for section in profile.sections():
        pairs = {name: value or "" for name, value in profile[section].items()}
        if found := from_names(method, pairs):
            others = {f"[{other}]": "" for other in profile.sections() if other != section}
            return found | _unused(found, pairs) | others
    return {}


def _only_token(method: "Method", pairs: Mapping[str, str]) -> dict[str, str]:
    """The one token among the pairs, as a vendor's tool prints or keeps it, where one secret is all that is asked."""
    secrets = [one.name for one in method.fields if one.is_secret and not one.obtained]
    tokens = [value for name, value in pairs.items() if _bare(name).endswith("token") and value]
    return {secrets[0]: tokens[0]} if len(secrets) == len(tokens) == 1 else {}


def _unused(found: Mapping[str, str], pairs: Mapping[str, str]) -> dict[str, str]:
    """The names among the pairs whose values fill nothing."""
    return {name: "" for name, value in pairs.items() if value and value not in found.values()}


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


def from_names(method: "Method", pairs: Mapping[str, str]) -> dict[str, str]:
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


def _from_template(method: "Method", template: Template, text: str) -> dict[str, str]:
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


def _is_switch(method: "Method", name: str) -> bool:
    return any(field.name == name and field.kind is FieldKind.BOOLEAN for field in method.fields)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _text(value: str | int | bool) -> str:  # noqa: FBT001 - a value out of JSON
    return str(value).lower() if isinstance(value, bool) else str(value)
