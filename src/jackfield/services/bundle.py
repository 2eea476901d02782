"""The encrypted bundle between two Jackfields: connections with their fields, uses, tags and schedule.

What is sealed (see `vault.bundle`) is JSON:

    {"connections":[…],"created":"…"}      created in ISO 8601, UTC; 1 to 10,000 connections, each an object with
        name, description, provider, method, organization     texts
        project             text, or null
        tags                list of texts
        uses                list of {"use":…,"targets":{…}}
        test_every_minutes  number, or null
        expires_at          ISO 8601 when the user typed it, or null
        fields              field → text, number or boolean

History, state and consent stay behind: they hold for the machine and the person that they come from.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jackfield.model.check import ExpiryKnown
from jackfield.model.connection import Connection, IntendedUse
from jackfield.model.errors import (
    BlobTampered,
    HomeError,
    InvalidField,
    NotFound,
    Refused,
    StoreTampered,
    UsageError,
)
from jackfield.model.names import DESCRIPTION_LIMIT, require_description, suggest_slug
from jackfield.model.secret import FieldValue, Secret
from jackfield.providers.contract.field import Field
from jackfield.providers.contract.fields import complete, read_value
from jackfield.providers.contract.kinds import FieldKind
from jackfield.providers.contract.registry import Registry
from jackfield.providers.contract.spec import Method
from jackfield.services.importing.finding import Candidate, is_text, provider_and_method, told_of_hosts
from jackfield.services.importing.machine import RECORD_LIMIT, no_file, read_bytes, too_many
from jackfield.services.requirements import require_definition
from jackfield.services.sealing import fields_to_bytes
from jackfield.services.session import Session
from jackfield.store.connections import Definition
from jackfield.store.files import flush_folder
from jackfield.text import cleaned
from jackfield.vault.bundle import SIZE_LIMIT, open_bundle, seal_bundle
from jackfield.vault.costs import FLOOR, Costs, calibrate
from jackfield.vault.folder import write_private
from jackfield.vault.passphrase import require_passphrase

SOURCE: Final = "bundle"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A connection that is not in the bundle, and why."""

    connection: Connection
    reason: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What a bundle holds, and what it does not."""

    connections: tuple[Connection, ...]
    left_out: tuple[LeftOut, ...]


def export(
    session: Session,
    connections: Iterable[Connection],
    target: Path,
    passphrase: Secret,
    *,
    costs: Costs | None = None,
) -> Exported:
    """Seal connections into the new file `target`, mode 0600. Each opening of a secret is in the trail.

    Raises InvalidField for a passphrase that is too short, Refused when `target` exists or nothing can be exported,
    HomeError when it cannot be written.
    """
    require_passphrase(passphrase)
    records: list[dict[str, Any]] = []
    held: list[Connection] = []
    left_out: list[LeftOut] = []
    for one in connections:
        if len(held) == RECORD_LIMIT:
            raise UsageError(f"A bundle holds {RECORD_LIMIT:,} connections at most.", "Export fewer at a time.")
        if one.platform_managed:
            left_out.append(LeftOut(one, "Jackfield manages its secret, and a copy would stop working."))
            continue
        try:
            fields = session.connections.fields(one, reason="export")
        except (BlobTampered, NotFound, InvalidField) as error:
            left_out.append(LeftOut(one, error.message))
            continue
        records.append(_record(session, one, fields))
        held.append(one)
    if not held:
        raise Refused("There is no connection to export.", left_out[0].reason if left_out else "Name another place.")
    body = {"connections": records, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    raw = seal_bundle(
        json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode(),
        passphrase,
        costs or calibrate(),
    )
    if len(raw) > SIZE_LIMIT:
        raise UsageError(f"The bundle would be larger than {SIZE_LIMIT >> 20} MiB.", "Export fewer at a time.")
    _write(target, raw)
    return Exported(tuple(held), tuple(left_out))


def _write(target: Path, raw: bytes) -> None:
    """Write the whole file or leave none."""
    try:
        write_private(target, raw)
        flush_folder(target.parent)
    except FileExistsError:
        raise Refused(f"There is a file {target} already.", "Choose another name: a bundle replaces nothing.") from None
    except OSError as error:
        target.unlink(missing_ok=True)
        raise HomeError(
            f"The bundle cannot be written: {error.strerror}.", "Choose another place, or make room."
        ) from None


def _record(session: Session, one: Connection, fields: Mapping[str, FieldValue]) -> dict[str, Any]:
    project = one.scope.project_id
    typed = one.expires_at if one.expiry_known is ExpiryKnown.TYPED else None
    return {
        "name": one.name,
        "description": one.description,
        "provider": one.provider,
        "method": one.method,
        "organization": session.organizations.get(one.scope.organization_id).name,
        "project": None if project is None else session.projects.get(project).name,
        "tags": list(one.tags),
        "uses": [{"use": use.use, "targets": use.targets} for use in one.uses],
        "test_every_minutes": one.test_every_minutes,
        "expires_at": None if typed is None else typed.astimezone(UTC).isoformat(),
        "fields": json.loads(fields_to_bytes(fields)),
    }


def read_bundle(registry: Registry, file: Path, passphrase: Secret, *, floor: Costs = FLOOR) -> tuple[Candidate, ...]:
    """The connections of a bundle, as an import previews them. Takes as long as the bundle's costs say.

    Raises UsageError when the file cannot be read, and what `open_bundle` raises.
    """
    raw = read_bytes(file, SIZE_LIMIT, sealed=True)
    if raw is None:
        raise no_file(file)
    try:
        records = json.loads(open_bundle(raw, passphrase, floor=floor))["connections"]
    except (ValueError, TypeError, KeyError, RecursionError):
        records = None
    if not isinstance(records, list):
        raise StoreTampered("What the bundle holds is not of the form it names.", "Export it again.")
    if len(records) > RECORD_LIMIT:
        raise too_many("connections")
    return tuple(_candidate(registry, record) for record in records)


def _candidate(registry: Registry, record: object) -> Candidate:
    """A connection as it was, each value judged again but not changed. What is wrong with it is told in its place."""
    if not isinstance(record, dict):
        return Candidate(SOURCE, "", "imported", why_not="It is not of the form that a bundle has.")
    place = (record.get("organization"), record.get("project"), record.get("name"))
    origin = cleaned("/".join(str(part) for part in place if part), limit=DESCRIPTION_LIMIT, lines=False)
    name = suggest_slug(str(record.get("name"))[:DESCRIPTION_LIMIT]) or "imported"
    found = provider_and_method(registry, str(record.get("provider")), str(record.get("method")))
    if isinstance(found, str):
        return Candidate(SOURCE, origin, name, why_not=found)
    provider, method = found
    try:
        definition = _definition(record, name, provider.slug)
        require_definition(provider, method, definition)
        fields = _fields(method, record["fields"])
        expires = record["expires_at"]
        expires_at = None if expires is None else datetime.fromisoformat(expires).astimezone(UTC)
    except InvalidField as error:
        return Candidate(SOURCE, origin, name, why_not=error.message)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return Candidate(SOURCE, origin, name, why_not="It is not of the form that a bundle has.")
    notes = tuple(told_of_hosts(method, fields))
    return Candidate(SOURCE, origin, name, definition, fields, notes, expires_at=expires_at)


def _definition(record: Mapping[str, Any], name: str, provider: str) -> Definition:
    """Raises InvalidField, or TypeError and its like for what has another form."""
    every = record["test_every_minutes"]
    if every is not None and type(every) is not int:
        raise TypeError
    uses = tuple(
        IntendedUse(_text(use["use"]), {_text(key): _text(value) for key, value in use["targets"].items()})
        for use in record["uses"]
    )
    return Definition(
        name=name,
        provider=provider,
        method=_text(record["method"]),
        description=require_description(cleaned(_text(record["description"]), lines=False)),
        uses=uses,
        tags=tuple(map(_text, record["tags"])),
        test_every_minutes=every,
    )


def _fields(method: Method, found: Mapping[str, object]) -> dict[str, FieldValue]:
    known = {field.name: field for field in method.fields}
    values: dict[str, FieldValue] = {}
    for name, value in found.items():
        if name not in known:
            raise InvalidField("field", f"{method.name} has no field {cleaned(name, limit=40, lines=False)} here.")
        values[name] = _value(known[name], value)
    return complete(method, values)


def _value(field: Field, value: object) -> FieldValue:
    """The value, unchanged: a bundle holds what was stored. Raises InvalidField or TypeError."""
    match field.kind, value:
        case FieldKind.BOOLEAN, bool():
            return value
        case FieldKind.INTEGER, int() if not isinstance(value, bool):
            return read_value(field, str(value))
        case _:
            text = _text(value)
            return read_value(field, text) if text else text


def _text(value: object) -> str:
    if not isinstance(value, str) or not is_text(value):
        raise TypeError
    return value
