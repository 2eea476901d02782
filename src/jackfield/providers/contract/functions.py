"""Functions that rules have beside CEL's own, on plain data. An argument of another kind decides nothing."""

import base64
import binascii
import fnmatch
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final


def lower(text: str) -> str:
    return text.lower()


def trim(text: str) -> str:
    return text.strip()


def split(text: str, separator: str) -> list[str]:
    """Parts between separators, trimmed, the empty ones left out."""
    return [part for part in (part.strip() for part in text.split(separator)) if part]


def join(values: list[object], separator: str) -> str:
    return separator.join(str(value) for value in values)


def wildcard(pattern: str, text: str) -> bool:
    """Whether `text` matches `pattern`, in which `*` stands for any run of characters; letter case is ignored."""
    glob = re.sub(r"[\[\]?]", lambda found: f"[{found[0]}]", pattern).lower()
    return fnmatch.fnmatchcase(text.lower(), glob)


def among(value: object, yes: list[object], no: list[object]) -> bool:
    """True when the value is one of `yes`, false when one of `no`; any other value decides nothing."""
    if value in yes:
        return True
    if value in no:
        return False
    msg = "this value decides nothing"
    raise ValueError(msg)


def flatten(lists: list[list[object]]) -> list[object]:
    return [value for values in lists for value in values]


def without(values: list[object], others: list[object]) -> list[object]:
    return [value for value in values if value not in others]


def time(value: object) -> datetime:
    """A point in time from anything `parse_time` reads."""
    parsed = parse_time(value)
    if parsed is None:
        msg = "not a time"
        raise ValueError(msg)
    return parsed


def jwt_claims(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified. Raises ValueError when the text is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        msg = "not a JWT"
        raise ValueError(msg)
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError) as error:
        msg = "not a JWT"
        raise ValueError(msg) from error
    if not isinstance(payload, dict):
        msg = "not a JWT"
        raise ValueError(msg)  # noqa: TRY004 - callers treat every malformed token alike
    return payload


def parse_time(value: object) -> datetime | None:
    """A UTC time from a datetime, ISO 8601 text, `2025-01-02 03:04:05 UTC`, or epoch seconds or milliseconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        seconds = value / 1000 if value > 100_000_000_000 else value
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    if isinstance(value, str):
        text = value.strip()
        text = text[:-4] + "+00:00" if text.endswith(" UTC") else text
        text = re.sub(r" ([+-]\d{4})$", r"\1", text)
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            return None
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return None


def sql_name(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def sql_text(text: str) -> str:
    """A quoted SQL string."""
    return "'" + text.replace("'", "''") + "'"


def shell_word(text: str) -> str:
    """One word of a POSIX shell command."""
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text, re.ASCII) else "'" + text.replace("'", "'\"'\"'") + "'"


FUNCTIONS: Final[Mapping[str, Callable[..., object]]] = {
    "among": among,
    "claims": jwt_claims,
    "flatten": flatten,
    "join": join,
    "lower": lower,
    "shell": shell_word,
    "split": split,
    "sql_name": sql_name,
    "sql_text": sql_text,
    "time": time,
    "trim": trim,
    "wildcard": wildcard,
    "without": without,
}
