"""The service files of libpq, with the passwords that `.pgpass` has for them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from jackfield.services.importing import pgpass
from jackfield.services.importing.documents import read_ini
from jackfield.services.importing.finding import Finding
from jackfield.services.importing.machine import Machine

_VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
}
"""Parameter → the variable that libpq reads for the same."""


def places(machine: Machine) -> tuple[Path, ...]:
    """The password file first, then the user's service file and the system's."""
    folder = machine.environment.get("PGSYSCONFDIR")
    own = machine.file("PGSERVICEFILE", machine.home / ".pg_service.conf")
    return *pgpass.places(machine), own, *([Path(folder) / "pg_service.conf"] if folder else [])


def read(texts: Sequence[str], passwords: str = "") -> Iterator[Finding]:
    """One finding for each service. `passwords` is the text of a password file; of a repeated name the first counts."""
    known = tuple(pgpass.entries(passwords))
    services: dict[str, dict[str, str]] = {}
    for text in texts:
        for name, parameters in read_ini(text, nested=False).items():
            services.setdefault(name, parameters)
    for name, parameters in services.items():
        found = {_VARIABLES[key]: value for key, value in parameters.items() if key in _VARIABLES}
        notes: tuple[str, ...] = ()
        if not found.get("PGPASSWORD") and (entry := _match(found, known)) is not None:
            found["PGPASSWORD"] = entry.password
            notes = (f"its password is that of .pgpass, line {entry.line}",)
        yield Finding(
            f"PostgreSQL service {name}", name, pgpass.PROVIDER, pgpass.METHOD, found, notes, _why_not(parameters)
        )


def _match(found: Mapping[str, str], known: Sequence[pgpass.Entry]) -> pgpass.Entry | None:
    """The first line of the password file that fits, as libpq finds it."""
    user = found.get("PGUSER", "")
    wanted = (found.get("PGHOST", ""), found.get("PGPORT") or "5432", found.get("PGDATABASE") or user, user)
    for entry in known:
        parts = (entry.host, entry.port, entry.database, entry.user)
        if all(part in (pgpass.ANY, value) for part, value in zip(parts, wanted, strict=True)):
            return entry
    return None


def _why_not(parameters: Mapping[str, str]) -> str:
    if any(key.startswith("ldap://") for key in parameters):
        return "Its parameters are on an LDAP server, and nothing is fetched."
    if "service" in parameters:
        return "It names another service, which libpq does not allow."
    if "," in parameters.get("host", ""):
        return "It names several hosts, and a connection has one."
    if parameters.get("host", "").startswith(("/", "@")):
        return "It is for a socket of this machine, and a connection needs a host."
    return ""
