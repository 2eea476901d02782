"""The mixed load of the campaigns: workers that do everything a home can be asked for, and write down what they do."""

import asyncio
import json
import os
import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from jackfield.model.check import (
    CheckResult,
    EvidenceKind,
    Failure,
    FailureKind,
    Grant,
    GrantState,
    Outcome,
    Step,
    StepName,
    StepOutcome,
)
from jackfield.model.connection import Connection, IntendedUse, Scope
from jackfield.model.errors import Conflict, Refused
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.services import new_root, rotation
from jackfield.services.backup import back_up
from jackfield.services.connections import Changes, ConnectionList, Definition, parse_filter
from jackfield.services.home import Home
from jackfield.services.restore import restore
from jackfield.services.rotation import rotate_data_keys, rotate_root
from jackfield.services.session import Session
from jackfield.services.slots import add_slot, remove_slot
from jackfield.services.takeover import definition_of, take_over
from jackfield.store import trail
from jackfield.vault.costs import Costs
from jackfield.vault.sources import PassphraseSource

PASSPHRASE: Final = Secret("a garden of seven gates")
SECOND: Final = Secret("another garden, of eight gates")  # opens the slot that workers add and take away
CHEAP: Final = Costs(memory_kib=16, passes=1, lanes=1)
MOST: Final = 6  # connections of one worker
MANAGED: Final = "managed"
SYNC: Final = IntendedUse("secret-sync/env", {"team": "acme"})

Value = dict[str, Any] | None  # all there is to see of one connection or draft; None: there is none


class Vendor:
    """A vendor that knows one password, kept in a file, and lets it be changed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def password(self) -> str:
        return self._file.read_text()

    @password.setter
    def password(self, new: str) -> None:
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(new)
        unfinished.replace(self._file)

    def serve(self, session: Session) -> Session:
        """Stand in for the vendor's function and for the checks of this session."""
        patch.object(session.registry, "function", lambda *_: self._change).start()
        patch.object(session.tests, "run_fields", self._check).start()
        return session

    async def _change(self, _: object, new: Secret) -> None:
        self.password = new.reveal()

    async def _check(self, _: Connection, fields: dict[str, Any], __: Network) -> CheckResult:
        if fields["password"].reveal() == self.password:
            return passed(MANAGED)
        failure = Failure(FailureKind.REJECTED, "The password is wrong.", "Type the right one.")
        return CheckResult(Outcome.FAILED, datetime.now(UTC), 1.0, failure)


def passed(mark: str) -> CheckResult:
    """The result of a test that leaves `mark` in its sealed detail and in each of its verdicts."""
    held = [Grant(SYNC.use, f"p{n}", GrantState.GRANTED, EvidenceKind.ANSWERED, mark) for n in range(3)]
    step = Step(StepName.PERMISSIONS, StepOutcome.PASSED, 1.0)
    return CheckResult(
        Outcome.PASSED, datetime.now(UTC), 1.0, identity={"account": mark}, steps=(step,), grants=tuple(held)
    )


def look(session: Session, connection: Connection) -> dict[str, Any]:
    """All there is to see of a connection; opens everything that is sealed of it."""
    secret = session.connections.fields(connection, reason="look")["accessToken"]
    assert isinstance(secret, Secret)
    runs = session.tests.history(connection.id, limit=1000)
    return {
        "description": connection.description,
        "tags": list(connection.tags),
        "secret": secret.reveal(),
        "project": connection.scope.project_id,
        "state": connection.state.value,
        "runs": [session.tests.result(run).identity["account"] for run in runs],
        "verdicts": [grant.detail for grant in session.tests.verdicts(connection.id).grants],
    }


def all_connections(session: Session, word: str = "") -> tuple[Connection, ...]:
    found = session.connections.page(ConnectionList(filter=parse_filter(word, now=datetime.now(UTC))), limit=1000)
    return tuple(session.connections.get(one.id) for one in found)


class Journal:
    """A worker's own record, a line of JSON for each thing; what was written outlives its process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, **line: Any) -> None:
        os.write(self._file, f"{json.dumps(line)}\n".encode())


class Worker:
    """Works on a home until it is killed. Every worker has connections and a draft of its own."""

    def __init__(self, name: str, seed: str, journal: Journal, session: Session, folder: Path, *, alone: bool) -> None:
        self._name = name
        self._folder = folder
        self._alone = alone
        self._chance = random.Random(seed)
        self._journal = journal
        self._session = session
        organization = session.organizations.named("acme")
        self._places = [
            Scope(organization.id),
            *(Scope(organization.id, project.id) for project in session.projects.page(organization.id)),
        ]

    def work(self) -> None:
        """Never ends by itself."""
        while True:
            self.step()

    def step(self) -> None:
        """Do one thing, whatever chance says."""
        of_one = {self._edit: 5, self._record: 5, self._move: 2, self._delete: 1}
        of_all = {
            self._create: 4,
            self._save_draft: 3,
            self._discard_draft: 1,
            self._rotate_data_keys: 1,
            self._rotate_root: 1,
            self._take_over: 2,
            self._change_slots: 2,
        }
        mine = all_connections(self._session, self._name)
        if len(mine) > MOST:
            self._delete(mine[0])
        elif mine and self._alone and self._chance.random() < 0.2:
            self._restore(self._chance.choice(mine))
        elif mine and self._chance.random() < 0.5:
            self._chance.choices(list(of_one), list(of_one.values()))[0](self._chance.choice(mine))
        else:
            self._chance.choices(list(of_all), list(of_all.values()))[0]()

    def _do(self, action: str, do: Callable[[], object], key: str = "", value: Value = None, **more: int) -> None:
        """Do one thing, after which `key` has `value`."""
        self._journal.write(begun=action, key=key, value=value, **more)
        do()
        with self._session.store.read() as tx:
            entries = trail.head(tx).count
        self._journal.write(entries=entries)

    def _create(self) -> None:
        name, secret, scope = f"{self._name}-{new_word()}", new_word(), self._chance.choice(self._places)
        value = {"description": "new", "tags": ["new"], "secret": secret, "project": scope.project_id}
        value |= {"state": "untested", "runs": [], "verdicts": []}
        definition = Definition(name, "netlify", "access-token", "new", (SYNC,), ("new",))
        fields = {"accessToken": Secret(secret)}
        self._do("create", lambda: self._session.connections.create(scope, definition, fields), name, value)

    def _edit(self, one: Connection) -> None:
        word, secret = new_word(), new_word()
        changed = {"description": word, "tags": [word], "secret": secret, "state": "untested", "verdicts": []}
        definition = replace(definition_of(one), description=word, tags=(word,))
        changes = Changes(definition, {"accessToken": Secret(secret)})
        value = look(self._session, one) | changed
        self._do("edit", lambda: self._session.connections.edit(one, changes), one.name, value)

    def _record(self, one: Connection) -> None:
        mark, value = new_word(), look(self._session, one)
        value |= {"state": "passed", "runs": [mark, *value["runs"]], "verdicts": [mark] * 3}
        self._do("record", lambda: self._session.tests.record(one, passed(mark)), one.name, value)

    def _move(self, one: Connection) -> None:
        scope = self._chance.choice([place for place in self._places if place != one.scope])
        value = look(self._session, one) | {"project": scope.project_id}
        self._do("move", lambda: self._session.connections.move(one, scope), one.name, value)

    def _delete(self, one: Connection) -> None:
        self._do("delete", lambda: self._session.connections.delete(one), one.name)

    def _save_draft(self) -> None:
        version = next((one.version for one in self._session.drafts.all() if one.id == self._name), 0) + 1
        content = {"name": new_word(), "texts": {"accessToken": new_word()}}
        self._do(
            "save-draft",
            lambda: self._session.drafts.save(self._name, content, version=version),
            f"draft {self._name}",
            content,
        )

    def _discard_draft(self) -> None:
        self._do("discard-draft", lambda: self._session.drafts.discard(self._name), f"draft {self._name}")

    def _rotate_data_keys(self) -> None:
        self._do("rotate-data-keys", lambda: rotate_data_keys(self._session))

    def _rotate_root(self) -> None:
        def rotate() -> None:
            with suppress(Refused):  # the other worker has the home open
                rotate_root(self._session, *(PassphraseSource(one, CHEAP) for one in (PASSPHRASE, SECOND)))

        self._do("rotate-root", rotate)

    def _take_over(self) -> None:
        async def change() -> None:
            with suppress(Refused):  # the other worker is at it
                await take_over(self._session, self._session.connections.find(MANAGED), Network())

        self._do("take-over", lambda: asyncio.run(change()))

    def _change_slots(self) -> None:
        """Add a way in, or take one of those away."""
        others = self._session.vault.list_slots()[1:]

        def change() -> None:
            with suppress(Conflict):  # the other worker changed the header meanwhile
                if others:
                    remove_slot(self._session, others[-1].id)
                else:
                    add_slot(self._session, PassphraseSource(SECOND, CHEAP))

        self._do("change-slots", change)

    def _restore(self, one: Connection) -> None:
        """Back up, edit, and put the backup back: the edit is undone, and nothing else is."""
        backup, value, held = self._folder / f"backup-{new_word()}", look(self._session, one), 0

        def copy() -> None:
            nonlocal held
            held = back_up(self._session, backup).entries

        def put_back() -> None:
            self._session.lock()
            restore(self._session.home, backup, PassphraseSource(PASSPHRASE), floor=CHEAP)
            self._session = unlock(self._folder)

        self._do("back-up", copy)
        self._edit(one)
        self._do("restore", put_back, one.name, value, least=held)
        backup.unlink()


ACTIONS: Final = (
    *("open", "create", "edit", "record", "move", "delete", "save-draft"),
    *("rotate-data-keys", "rotate-root", "take-over", "change-slots", "back-up", "restore"),
)


def new_word() -> str:
    return secrets.token_hex(8)


def run_worker(name: str, seed: str, folder: Path, *, alone: bool) -> None:
    """The whole life of a worker's process; what it does not expect is told by its journal."""
    journal = Journal(folder / f"{name}.journal")
    try:
        # many batches, so that kills fall between them
        with patch.object(rotation, "BATCH", 4), patch.object(new_root, "BATCH", 4):
            Worker(name, seed, journal, unlock(folder, patience=10.0), folder, alone=alone).work()
    except Exception as error:
        journal.write(fault=f"{name}: {type(error).__name__}: {error}")
        raise


def unlock(folder: Path, *, patience: float = 0.0) -> Session:
    """Open the home; wait so many seconds while another process has it alone."""
    until = time.monotonic() + patience
    while True:
        try:
            session = Session.unlock(home_in(folder), PASSPHRASE, floor=CHEAP)
        except Refused:
            if time.monotonic() > until:
                raise
            time.sleep(0.002)
        else:
            return Vendor(folder / "vendor").serve(session)


def home_in(folder: Path) -> Home:
    """The home below `folder`, with all that is kept outside of it beside it."""
    return Home(folder / "home", folder / "state")


def make_home(folder: Path) -> None:
    """A home with an organization, two projects, and one connection whose secret Jackfield changes."""
    session, _ = Session.create(home_in(folder), PASSPHRASE, declined_recovery=True, costs=CHEAP, floor=CHEAP)
    acme = session.organizations.create("acme")
    for name in ("web", "mail"):
        session.projects.create(acme.id, name)
    Vendor(folder / "vendor").password = "first"
    fields: dict[str, FieldValue] = {
        "host": "db.example.com",
        "database": "app",
        "username": "bob",
        "password": Secret("first"),
    }
    session.connections.create(Scope(acme.id), Definition(MANAGED, "postgres", "username-and-password"), fields)
    session.lock()
