"""What a form does with a typed or pasted value: normalise it, tell what was changed, and judge it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from jackfield.model.errors import InvalidField
from jackfield.model.secret import FieldInput, FieldValue, Secret, Stored
from jackfield.providers.contract.kinds import FieldKind, Normalise
from jackfield.text.hosts import ascii_host, told_of_host

if TYPE_CHECKING:
    from jackfield.providers.contract.field import Field
    from jackfield.providers.contract.spec import Method

_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]+-----\s.+?-----END [A-Z0-9 ]+-----", re.DOTALL)
_HOST: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]+(%[\w]+)?")
JSON_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class Normalised:
    """A value as it will be kept; `changes` say in words what was altered."""

    text: str
    changes: tuple[str, ...] = ()


def normalise(field: "Field", text: str) -> Normalised:
    """Bring a pasted value into the form the vendor expects. What changed is meant to be shown."""
    if Normalise.VERBATIM in field.normalise:
        return Normalised(text)
    changes: list[str] = []

    def apply(new: str, what: str) -> None:
        nonlocal text
        if new != text:
            changes.append(what)
            text = new

    if field.is_long:
        apply(text.replace("\r\n", "\n"), "Windows line ends replaced")
        if field.kind is FieldKind.PEM and "\\n" in text and "\n" not in text.strip():
            apply(text.replace("\\n", "\n"), r"\n turned into line ends")
        return Normalised(text, tuple(changes))
    apply(text.strip(), "white space around it removed")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        apply(text[1:-1], "quotes around it removed")
    for ending in field.remove_endings:
        bare = text.rstrip("/")
        if bare.lower().endswith(ending.lower()):
            apply(bare[: -len(ending)], f"{ending} removed")
    for step in field.normalise:
        apply(_STEPS[step](text), _SAYS[step])
    if field.kind in {FieldKind.HOST, FieldKind.URL} and not text.isascii():
        encoded = _in_ascii(text)
        apply(encoded, f"{encoded}, which {told}" if (told := told_of_address(encoded)) else "written in ASCII")
    return Normalised(text, tuple(changes))


def _in_ascii(text: str) -> str:
    """A host or URL with its host as it is looked up; as it was where it has no such form."""
    try:
        host = _host_of(text)
        return text.replace(host, ascii_host(host), 1)
    except ValueError:
        return text


def told_of_address(text: str) -> str:
    """What stands beside the host of a host or URL field, where it reads otherwise than it is looked up; else empty."""
    try:
        return told_of_host(_host_of(text))
    except ValueError:
        return ""


def _host_of(text: str) -> str:
    """The host in a host or URL, in the letters that it is written in. Raises ValueError where it cannot be split."""
    place = urlsplit(text if "://" in text else f"//{text}").netloc.rpartition("@")[2]
    return place if place.startswith("[") else place.partition(":")[0]


def _no_path(text: str) -> str:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
    except ValueError:  # it is refused when it is judged
        return text
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme else parts.netloc or text


_STEPS: Final[Mapping[Normalise, Callable[[str], str]]] = {
    Normalise.LOWER: str.lower,
    Normalise.NO_TRAILING_SLASH: lambda text: text.rstrip("/"),
    Normalise.NO_SCHEME: lambda text: re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", text),
    Normalise.NO_PATH: _no_path,
    Normalise.HTTPS: lambda text: text if "://" in text or not text else f"https://{text}",
    Normalise.NO_SPACES: lambda text: re.sub(r"\s+", "", text),
}
_SAYS: Final = {
    Normalise.LOWER: "made lower case",
    Normalise.NO_TRAILING_SLASH: "slash at the end removed",
    Normalise.NO_SCHEME: "scheme removed",
    Normalise.NO_PATH: "path removed",
    Normalise.HTTPS: "https:// added",
    Normalise.NO_SPACES: "spaces removed",
}


def read_value(field: "Field", text: str) -> FieldValue:
    """The typed value of a normalised, judged text. Raises InvalidField, which never repeats the value."""
    if field.kind is FieldKind.BOOLEAN:
        if text.lower() not in {"true", "false", "yes", "no", "1", "0"}:
            raise InvalidField(field.name, f"{field.label} is either true or false.", "Type true or false.")
        return text.lower() in {"true", "yes", "1"}
    if field.kind is FieldKind.INTEGER:
        return _integer(field, text)
    if len(text) < max(field.min_length, 1):
        need = "is needed" if not text else f"needs at least {field.min_length} characters"
        raise InvalidField(field.name, f"{field.label} {need}.", _example(field))
    if len(text) > field.max_length:
        raise InvalidField(
            field.name,
            f"{field.label} has {len(text):,} characters; {field.max_length:,} is the limit.",
            _example(field),
        )
    _judge_shape(field, text)
    for pattern, why in field.refuse.items():
        if re.fullmatch(pattern, text):
            raise InvalidField(field.name, why, _example(field))
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise InvalidField(field.name, field.pattern_says or f"{field.label} does not look right.", _example(field))
    return Secret(text) if field.is_secret else text


def _integer(field: "Field", text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise InvalidField(field.name, f"{field.label} is a whole number.", _example(field))
    number = int(text)
    low, high = field.minimum, field.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise InvalidField(field.name, f"{field.label} lies between {low} and {high}.", _example(field))
    return number


def _judge_shape(field: "Field", text: str) -> None:
    """What the kind of a field asks of its text."""
    if not field.is_long and ("\n" in text or "\r" in text):
        raise InvalidField(field.name, f"{field.label} is one line; this has several.", _example(field))
    if any((ord(character) < 32 and character not in "\n\t\r") or ord(character) == 127 for character in text):
        raise InvalidField(
            field.name, f"{field.label} holds control characters.", "Copy it again, from the vendor's page."
        )
    match field.kind:
        case FieldKind.CHOICE if text not in field.choices:
            raise InvalidField(field.name, f"{field.label} is one of {', '.join(field.choices)}.", "")
        case FieldKind.HOST if not (_HOST.fullmatch(text) or (":" in text and _IPV6.fullmatch(text))):
            raise InvalidField(
                field.name,
                f"{field.label} is a bare host name or address, without scheme, port or path.",
                _example(field),
            )
        case FieldKind.URL:
            _judge_url(field, text)
        case FieldKind.PEM if not _PEM.search(text):
            raise InvalidField(field.name, f"{field.label} is not PEM.", "Paste it whole, from -----BEGIN to -----END.")
        case FieldKind.JSON:
            _judge_json(field, text)
        case _:
            pass


def _judge_url(field: "Field", text: str) -> None:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"https", "http"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, valid = None, False
    if not valid or parts is None:
        raise InvalidField(field.name, f"{field.label} is a whole address that begins with https://.", _example(field))
    if not (parts.hostname or "").isascii():
        raise InvalidField(field.name, f"{field.label} has a host that no name server knows.", _example(field))
    if parts.username or parts.password:
        raise InvalidField(
            field.name, f"{field.label} must not hold a user name or password.", "Take out the part before @."
        )
    if parts.query or parts.fragment:
        raise InvalidField(field.name, f"{field.label} must not hold ? or #.", "Cut it off there.")


def _judge_json(field: "Field", text: str) -> None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidField(
            field.name,
            f"{field.label} is not JSON: line {error.lineno}, column {error.colno}.",
            "Paste the whole file.",
        ) from None
    except RecursionError:
        raise InvalidField(field.name, f"{field.label} is nested too deeply.", "Paste the vendor's own file.") from None
    if not isinstance(value, dict):
        raise InvalidField(field.name, f"{field.label} is not a JSON object.", "Paste the whole file.")


def _example(field: "Field") -> str:
    return f"Such as {field.example}" if field.example else ""


def is_shown(field: "Field", method: str, values: Mapping[str, FieldInput]) -> bool:
    """Whether the form asks for the field, given what the other fields hold."""
    if field.obtained:
        return False
    if field.shown is None:
        return True
    names = rule_names(method, values)
    return field.shown.decide({name: names.get(name, "") for name in field.shown.reads}) is True


def rule_names(method: str, values: Mapping[str, FieldInput]) -> dict[str, object]:
    """Field values as rules read them: text, numbers and booleans, secrets revealed."""
    names: dict[str, object] = {"method": method}
    for name, value in values.items():
        if isinstance(value, Secret):
            names[name] = value.reveal()
        elif not isinstance(value, Stored):
            names[name] = value
    return names


def all_names(method: "Method", values: Mapping[str, FieldInput]) -> dict[str, object]:
    """Every field of the method as rules read it; one that was not given is empty text."""
    return {**{field.name: "" for field in method.fields}, **rule_names(method.id, values)}


def complete(method: "Method", values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """All fields of a method: those given, then defaults. Raises InvalidField for a missing or unknown one."""
    known = {field.name: field for field in method.fields}
    for name in values:
        if name not in known:
            raise InvalidField(name, f"{method.name} has no field {name[:40]}.", f"Its fields are {', '.join(known)}.")
    done: dict[str, FieldValue] = {}
    for field in method.fields:
        value = values.get(field.name, field.default)
        if value is None or value == "":
            if field.required and is_shown(field, method.id, {**defaults(method), **values}):
                raise InvalidField(field.name, f"{field.label} is needed.", _example(field))
            continue
        done[field.name] = Secret(value) if field.is_secret and isinstance(value, str) else value
    return done


def defaults(method: "Method") -> dict[str, FieldValue]:
    return {field.name: field.default for field in method.fields if field.default is not None}


def first_secret(method: "Method", values: Mapping[str, FieldInput]) -> tuple[str, Secret] | None:
    """The first secret of the form that holds something, with its field's name: equal secrets are found by it."""
    for field in method.fields:
        value = values.get(field.name)
        if isinstance(value, Secret):
            return field.name, value
    return None
