"""Writes the backup that every later version must restore: `python tests/write_backup.py`.

Only before a release, while the schema of version 0001 still changes: what is released is never written again.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

from jackfield.model.check import CheckResult, EvidenceKind, Grant, GrantState, Outcome, Step, StepName, StepOutcome
from jackfield.model.connection import IntendedUse, Scope
from jackfield.model.secret import FieldValue, Secret
from jackfield.services.backup import back_up
from jackfield.services.connections import ConnectionList, Definition
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import Costs

FIXTURES: Final = Path(__file__).parent / "fixtures"
BACKUP: Final = FIXTURES / "backup-0001.jackfield"
CONTENTS: Final = FIXTURES / "backup-0001.json"  # a digest of each plaintext, and what opens the backup
PASSPHRASE: Final = Secret("a gärden of seven gates")
CHEAP: Final = Costs(memory_kib=16, passes=1, lanes=1)


def contents(session: Session) -> dict[str, str]:
    """A digest of each part of what a home holds, sealed or not, by what it is. Opens every credential."""
    found: dict[str, Any] = {}
    for summary in session.connections.page(ConnectionList()):
        one = session.connections.get(summary.id)
        found[f"connection {one.name}"] = one
        found[f"credential of {one.name}"] = _plain(session.connections.fields(one, reason="look"))
        found[f"verdicts on {one.name}"] = session.tests.verdicts(one.id)
        for number, run in enumerate(session.tests.history(one.id, limit=100)):
            found[f"test {number} of {one.name}"] = session.tests.result(run)
    for identity in session.identities.page():
        found[f"identity {identity.name}"] = identity
        found[f"credential of {identity.name}"] = _plain(session.identities.fields(identity, reason="look"))
    for organization in session.organizations.page():
        found[f"organization {organization.name}"] = organization
        found |= {f"project {project.name}": project for project in session.projects.page(organization.id)}
    found |= {f"draft {draft.id}": draft.content for draft in session.drafts.all()}
    parts = {part: told for name, value in sorted(found.items()) for part, told in _parts(name, value)}
    return {part: hashlib.sha256(told.encode()).hexdigest() for part, told in parts.items()}


def _parts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A part that a later version adds to a type is one more here, and changes no other."""
    if is_dataclass(value):
        yield from ((f"{name}: {one.name}", repr(getattr(value, one.name))) for one in dataclass_fields(value))
    else:
        yield name, repr(value)


def _plain(fields: dict[str, FieldValue]) -> list[tuple[str, object]]:
    return sorted((name, value.reveal() if isinstance(value, Secret) else value) for name, value in fields.items())


def fill(session: Session) -> None:
    """One of everything that is kept."""
    acme = session.organizations.create("acme", "Everything that faces customers")
    web = session.projects.create(acme.id, "web", "The shop")
    sync = IntendedUse("secret-sync/env", {"team": "acme"})
    sites = Definition("sites", "netlify", "access-token", "The shop's pages", (sync,), ("live", "shop"))
    tested = session.connections.create(Scope(acme.id, web.id), sites, {"accessToken": Secret("nfp_0123456789")})
    step = Step(StepName.PERMISSIONS, StepOutcome.PASSED, 1.5)
    grant = Grant(sync.use, "deploy", GrantState.GRANTED, EvidenceKind.ANSWERED, "the vendor said so")
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    result = CheckResult(Outcome.PASSED, at, 12.5, identity={"account": "ann"}, steps=(step,), grants=(grant,))
    session.tests.record(tested, result)
    fields: dict[str, FieldValue] = {"host": "db.example.com", "database": "app", "username": "bob"}
    database = Definition("db", "postgres", "username-and-password")
    session.connections.create(Scope(acme.id), database, {**fields, "password": Secret("pässword of bob")})
    keys: dict[str, FieldValue] = {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": Secret("a" * 40)}
    session.identities.create("deployer", "aws", "access-key", keys)
    session.drafts.save("begun", {"provider": "netlify", "texts": {"accessToken": "nfp_begun"}}, version=1)


def main() -> None:
    """Make the home, back it up, and write down what it holds."""
    FIXTURES.mkdir(exist_ok=True)
    BACKUP.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder, "home"), Path(folder, "state"))
        session, recovery = Session.create(home, PASSPHRASE, costs=CHEAP, floor=CHEAP)
        assert recovery is not None
        fill(session)
        session.store.compact()
        held = contents(session)
        back_up(session, BACKUP)
        session.lock()
    BACKUP.chmod(0o644)
    kept = {"contents": held, "passphrase": PASSPHRASE.reveal(), "recovery_key": recovery.reveal()}
    CONTENTS.write_text(json.dumps(kept, indent=2) + os.linesep, "utf-8")


if __name__ == "__main__":
    main()
