"""`.netrc`: logins by machine, for the few hosts whose password is a token that a provider knows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jackfield.services.importing.finding import Finding
from jackfield.services.importing.machine import RECORD_LIMIT, Machine, too_many

_DEFAULT: Final = "default"
_WORD: Final = re.compile(r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>\S+))', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_LINE_END: Final = re.compile(r"\n")
_EMPTY_LINE: Final = re.compile(r"\n[ \t]*\r?(?:\n|\Z)")  # the end of a macro
_HOSTS: Final = {
    "github.com": ("github", "pat", "", "GH_TOKEN"),
    "api.github.com": ("github", "pat", "", "GH_TOKEN"),
    "gitlab.com": ("gitlab", "access-token", "", "GITLAB_TOKEN"),
    "api.heroku.com": ("heroku", "auth-token", "", "HEROKU_API_KEY"),
    "git.heroku.com": ("heroku", "auth-token", "", "HEROKU_API_KEY"),
    "bitbucket.org": ("bitbucket", "api-token", "BITBUCKET_EMAIL", "BITBUCKET_API_TOKEN"),
    "api.bitbucket.org": ("bitbucket", "api-token", "BITBUCKET_EMAIL", "BITBUCKET_API_TOKEN"),
}
"""Machine → provider, method, the variable that the login fills, and the one that the password fills."""


@dataclass
class _Entry:
    """One machine; `machine` is empty for the default."""

    machine: str
    values: dict[str, str] = field(default_factory=dict, repr=False)


def places(machine: Machine) -> tuple[Path, ...]:
    return (machine.file("NETRC", machine.home / ".netrc"),)


def read(texts: Sequence[str]) -> Iterator[Finding]:
    """One finding for each machine, and for the default, which names none."""
    for entry in (entry for text in texts for entry in _entries(text)):
        origin = f".netrc, {entry.machine or _DEFAULT}"
        known = _HOSTS.get(entry.machine.lower())
        if not entry.machine:
            yield Finding(origin, _DEFAULT, why_not="It is for any host, and names none.")
        elif known is None:
            yield Finding(origin, entry.machine, why_not="No provider is known for this host.")
        else:
            provider, method, login, password = known
            found = {login: entry.values.get("login", ""), password: entry.values.get("password", "")}
            called = f"{entry.machine} {entry.values.get('login', '')}"
            yield Finding(origin, called, provider, method, {name: text for name, text in found.items() if name})


def _entries(text: str) -> Iterator[_Entry]:
    """The machines. Raises UsageError past 10,000."""
    count = 0
    entry: _Entry | None = None
    words = _Words(text)
    while word := words.next():
        if word.startswith("#"):
            words.skip(_LINE_END)
        elif word == "macdef":
            words.skip(_EMPTY_LINE)
        elif word in {"machine", _DEFAULT}:
            if entry is not None:
                yield entry
            count += 1
            if count > RECORD_LIMIT:
                raise too_many("machines")
            entry = _Entry(words.next() if word == "machine" else "")
        elif word in {"login", "user", "password", "account"}:
            value = words.next()
            if entry is not None:
                entry.values["login" if word == "user" else word] = value
    if entry is not None:
        yield entry


class _Words:
    """Words between white space, one after the other; one in double quotes may hold spaces and escapes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def next(self) -> str:
        """The next word, empty at the end."""
        found = _WORD.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        quoted = found["quoted"]
        return found["plain"] if quoted is None else _ESCAPE.sub(r"\1", quoted)

    def skip(self, until: re.Pattern[str]) -> None:
        """Go on behind the next match, or to the end."""
        found = until.search(self._text, self._at)
        self._at = len(self._text) if found is None else found.end()
