"""The password file of libpq: `host:port:database:user:password` on each line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jackfield.services.importing.finding import Finding
from jackfield.services.importing.machine import RECORD_LIMIT, Machine, too_many

ANY: Final = "*"
PROVIDER: Final = "postgres"
METHOD: Final = "username-and-password"
_EVERY_SERVER_HAS: Final = "postgres"  # the database


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; each part but the password may be ANY."""

    line: int
    host: str
    port: str
    database: str
    user: str
    password: str


def places(machine: Machine) -> tuple[Path, ...]:
    return (machine.file("PGPASSFILE", machine.home / ".pgpass"),)


def read(texts: Sequence[str]) -> Iterator[Finding]:
    """One finding for each line; a database of `*` is taken for the one that every server has, and that is said."""
    for entry in (entry for text in texts for entry in entries(text)):
        why_not = _why_not(entry)
        notes = [] if why_not else [f"any {what} matches: {taken} is taken" for what, taken in _taken(entry)]
        called = (entry.host, "" if entry.database == ANY else entry.database, entry.user)
        yield Finding(
            f".pgpass, line {entry.line}",
            " ".join(part for part in called if part != ANY),
            PROVIDER,
            METHOD,
            {
                "PGHOST": entry.host,
                "PGPORT": "" if entry.port == ANY else entry.port,
                "PGDATABASE": _EVERY_SERVER_HAS if entry.database == ANY else entry.database,
                "PGUSER": entry.user,
                "PGPASSWORD": entry.password,
            },
            tuple(notes),
            why_not,
        )


def entries(text: str) -> Iterator[Entry]:
    """The lines that say something. Raises UsageError past 10,000."""
    count = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        if not line or line.startswith("#"):
            continue
        count += 1
        if count > RECORD_LIMIT:
            raise too_many("lines")
        parts = _split(line)
        yield Entry(number, *parts) if len(parts) == 5 else Entry(number, "", "", "", "", "")


def _split(line: str) -> list[str]:
    r"""The parts between colons; `\:` and `\\` stand for themselves, and what follows the fourth colon is the last."""
    parts: list[str] = []
    pieces: list[str] = []
    escaped = False
    for character in line:
        if not escaped and character == "\\":
            escaped = True
        elif not escaped and character == ":" and len(parts) < 4:
            parts.append("".join(pieces))
            pieces = []
        else:
            pieces.append(character)
            escaped = False
    return [*parts, "".join(pieces)]


def _taken(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.port == ANY:
        yield "port", "5432"
    if entry.database == ANY:
        yield "database", _EVERY_SERVER_HAS


def _why_not(entry: Entry) -> str:
    if not entry.host:
        return "The line does not have its five parts."
    if entry.host == ANY:
        return "It is for any host, and names none."
    if entry.host.startswith(("/", "@")):
        return "It is for a socket of this machine, and a connection needs a host."
    return "It is for any user, and names none." if entry.user == ANY else ""
