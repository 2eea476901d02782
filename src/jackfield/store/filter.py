"""The filter line of a list: `state:failed provider:aws,gcp expires:<30d words`.

Everything that is not `key:value` is a word, found anywhere in name, provider or project. All parts must hold; several
values of one key, separated by commas, are alternatives. Double quotes keep spaces and colons in a word.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from jackfield.model.check import FailureKind
from jackfield.model.connection import State
from jackfield.model.errors import UsageError

_TOKEN: Final = re.compile(r'(?P<key>[^\s:"]+):(?P<value>"[^"]*"?|[^\s"]*)|"(?P<quoted>[^"]*)"?|(?P<word>[^\s"]+)')
_AGE: Final = re.compile(r"([0-9]{1,5})([hdwmy])")
_HOURS: Final = {"h": 1, "d": 24, "w": 24 * 7, "m": 24 * 30, "y": 24 * 365}
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Expires:
    """A span of expiry times, open where it has no end; `never` asks for those without one."""

    after: datetime | None = None
    before: datetime | None = None
    never: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to. Every part that is not empty must hold."""

    words: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    failures: tuple[FailureKind, ...] = ()
    providers: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    expires: tuple[Expires, ...] = ()
    secret_digest: str = ""  # keyed, of the first secret; nothing that is typed gives it


def parse(text: str, *, now: datetime) -> Filter:
    """Read a filter as typed. Raises UsageError, naming what is possible, for a key or value that is none."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    found = Filter()
    for token in _TOKEN.finditer(printable):
        key = token["key"]
        if key is None:
            word = (token["quoted"] if token["word"] is None else token["word"]).strip().casefold()
            if word:
                found = replace(found, words=(*found.words, word))
            continue
        read = _KEYS.get(key.casefold())
        if read is None:
            raise UsageError(f"A list cannot be filtered by {key}.", f'Use {", ".join(_KEYS)}, or "{key}:…" in quotes.')
        values = [value for value in token["value"].strip('"').strip().casefold().split(",") if value]
        if not values:
            raise UsageError(f"{key}: needs a value.", _HINTS.get(key.casefold(), f"Type one, as in {key}:name."))
        for value in values:
            found = read(found, value, now)
    return found


def _state(found: Filter, value: str, _: datetime) -> Filter:
    if value in _STATES:
        return replace(found, states=(*found.states, State(value)))
    if value in _FAILURES:
        return replace(found, failures=(*found.failures, FailureKind(value)))
    raise UsageError(f"There is no state {value}.", _HINTS["state"])


def _expires(found: Filter, value: str, now: datetime) -> Filter:
    return replace(found, expires=(*found.expires, _span(value, now)))


def _span(value: str, now: datetime) -> Expires:
    if value == "never":
        return Expires(never=True)
    if value == "expired":
        return Expires(before=now)
    sign, bound = (value[0], value[1:]) if value[0] in "<>" else ("<", value)
    moment = _moment(bound, now)
    if moment is None:
        raise UsageError(f"{value} is no time for expires.", _HINTS["expires"])
    return Expires(before=moment) if sign == "<" else Expires(after=moment)


def _moment(bound: str, now: datetime) -> datetime | None:
    try:
        if age := _AGE.fullmatch(bound):
            return now + timedelta(hours=int(age[1]) * _HOURS[age[2]])
        if _DATE.fullmatch(bound):
            return datetime.fromisoformat(bound).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return None


_STATES: Final = frozenset(State)
_FAILURES: Final = frozenset(FailureKind)
_HINTS: Final = {
    "state": f"Use one of {', '.join(State)}, or a kind of failure: {', '.join(FailureKind)}.",
    "expires": "Use <30d, >6m, <2027-01-31, expired or never; units are h, d, w, m and y.",
}
_KEYS: Final[dict[str, Callable[[Filter, str, datetime], Filter]]] = {
    "state": _state,
    "provider": lambda found, value, _: replace(found, providers=(*found.providers, value)),
    "method": lambda found, value, _: replace(found, methods=(*found.methods, value)),
    "project": lambda found, value, _: replace(found, projects=(*found.projects, value)),
    "org": lambda found, value, _: replace(found, organizations=(*found.organizations, value)),
    "tag": lambda found, value, _: replace(found, tags=(*found.tags, value)),
    "expires": _expires,
}
