"""Kills processes at random points while they work on one home, and looks for what is lost or half-made.

    python tests/campaigns/crash.py [--kills 1000] [--seed 1]

A worker writes down, outside the home, what it is about to do and, once it was told so, that it is done. After a kill
everything in the home must be what was last done, or what was under way, whole. The seed decides the load and when a
kill comes; what the kill meets, the machine decides.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from sqlalchemy import delete, func, select

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
from jackfield.model.errors import JackfieldError, Refused
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.services import rotation
from jackfield.services.connections import Changes, ConnectionList, Definition, parse_filter
from jackfield.services.home import Home
from jackfield.services.rotation import rotate_data_keys, rotate_root
from jackfield.services.session import Session
from jackfield.services.takeover import Takeover, definition_of, pending_connections, resolve_pending, take_over
from jackfield.store import keys, tables, trail
from jackfield.store.credentials import Status
from jackfield.vault.costs import Costs
from jackfield.vault.sources import PassphraseSource

PASSPHRASE: Final = Secret("a garden of seven gates")
CHEAP: Final = Costs(memory_kib=16, passes=1, lanes=1)
KILLS_OF_A_HOME: Final = 50  # then a fresh one: the trail is read whole after every kill
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


@dataclass
class Told:
    """What a journal says: what is done, and what was under way when it ended."""

    done: dict[str, Value] = field(default_factory=dict)
    under_way: dict[str, Value] = field(default_factory=dict)
    action: str = "open"
    finished: int = 0
    entries: int = 0  # of the trail, when the last action had returned
    fault: str = ""

    @classmethod
    def read(cls, path: Path) -> "Told":
        told = cls()
        for line in path.read_text().splitlines(keepends=True) if path.exists() else ():
            if not line.endswith("\n"):
                break  # the kill cut the writing of it
            said = json.loads(line)
            if "begun" in said:
                told.action = said["begun"]
                told.under_way = {said["key"]: said["value"]} if said["key"] else {}
            elif "entries" in said:
                told.done |= told.under_way
                told.under_way, told.action = {}, "between"
                told.finished += 1
                told.entries = said["entries"]
            else:
                told.fault = said["fault"]
        return told


class Worker:
    """Works on a home until it is killed. Every worker has connections and a draft of its own."""

    def __init__(self, name: str, seed: str, journal: Journal, session: Session) -> None:
        self._name = name
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
        of_one = {self._edit: 5, self._record: 5, self._move: 2, self._delete: 1}
        of_all = {
            self._create: 4,
            self._save_draft: 3,
            self._discard_draft: 1,
            self._rotate_data_keys: 1,
            self._rotate_root: 1,
            self._take_over: 2,
        }
        while True:
            mine = all_connections(self._session, self._name)
            if len(mine) > MOST:
                self._delete(mine[0])
            elif mine and self._chance.random() < 0.5:
                self._chance.choices(list(of_one), list(of_one.values()))[0](self._chance.choice(mine))
            else:
                self._chance.choices(list(of_all), list(of_all.values()))[0]()

    def _do(self, action: str, do: Callable[[], object], key: str = "", value: Value = None) -> None:
        """Do one thing, after which `key` has `value`."""
        self._journal.write(begun=action, key=key, value=value)
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
                rotate_root(self._session, PassphraseSource(PASSPHRASE, CHEAP))

        self._do("rotate-root", rotate)

    def _take_over(self) -> None:
        async def change() -> None:
            with suppress(Refused):  # the other worker is at it
                await take_over(self._session, self._session.connections.find(MANAGED), Network())

        self._do("take-over", lambda: asyncio.run(change()))


ACTIONS: Final = (
    *("open", "create", "edit", "record", "move", "delete", "save-draft"),
    *("rotate-data-keys", "rotate-root", "take-over"),
)


def new_word() -> str:
    return secrets.token_hex(8)


def run_worker(name: str, seed: str, folder: Path) -> None:
    """The whole life of a worker's process; what it does not expect is told by its journal."""
    journal = Journal(folder / f"{name}.journal")
    try:
        with patch.object(rotation, "BATCH", 4):  # many batches, so that kills fall between them
            Worker(name, seed, journal, unlock(folder, patience=10.0)).work()
    except Exception as error:
        journal.write(fault=f"{name}: {type(error).__name__}: {error}")
        raise


def unlock(folder: Path, *, patience: float = 0.0) -> Session:
    """Open the home; wait so many seconds while another process has it alone."""
    until = time.monotonic() + patience
    while True:
        try:
            session = Session.unlock(Home(folder / "home"), PASSPHRASE, floor=CHEAP)
        except Refused:
            if time.monotonic() > until:
                raise
            time.sleep(0.002)
        else:
            return Vendor(folder / "vendor").serve(session)


def make_home(folder: Path) -> None:
    """A home with an organization, two projects, and one connection whose secret Jackfield changes."""
    session, _ = Session.create(Home(folder / "home"), PASSPHRASE, declined_recovery=True, costs=CHEAP, floor=CHEAP)
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


@dataclass
class Campaign:
    """Rounds of work and kills; what was found is kept for the report."""

    seed: int
    kills: int = 0
    finished: int = 0
    met: "Counter[str]" = field(default_factory=Counter)  # what was under way when a kill came
    ends: "Counter[str]" = field(default_factory=Counter)  # how takeovers that were cut off ended
    faults: list[str] = field(default_factory=list)

    def run(self, kills: int) -> None:
        """Kill so many processes, or stop after ten faults; a home with a fault is left."""
        while self.kills < kills and len(self.faults) < 10:
            with tempfile.TemporaryDirectory(prefix="crash-") as folder:
                make_home(Path(folder))
                known: dict[str, Value] = {}
                until = min(kills, self.kills + KILLS_OF_A_HOME)
                while self.kills < until and not self.faults:
                    known = self._round(Path(folder), known)

    def _round(self, folder: Path, known: dict[str, Value]) -> dict[str, Value]:
        """Let one worker or two begin, kill them, and look at what is there."""
        seed = f"{self.seed}.{self.kills}"
        chance = random.Random(seed)
        names = chance.choice([["alpha"], ["alpha"], ["alpha", "omega"]])
        journals = [folder / f"{name}.journal" for name in names]
        for journal in journals:
            journal.unlink(missing_ok=True)
        context = multiprocessing.get_context("fork")  # what was imported is there at once
        workers = [context.Process(target=run_worker, args=(name, f"{seed}.{name}", folder)) for name in names]
        for worker in workers:
            worker.start()
        _wait(journals[0], chance)
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()
        told = [Told.read(journal) for journal in journals]
        self.kills += len(workers)
        self.finished += sum(one.finished for one in told)
        self.met.update(one.action for one in told)
        return self._judge(folder, known, told, seed)

    def _judge(self, folder: Path, known: dict[str, Value], told: list[Told], seed: str) -> dict[str, Value]:
        faults = [one.fault for one in told if one.fault]
        seen: dict[str, Value] = {}
        under_way: dict[str, Value] = {}
        for one in told:
            known = known | one.done
            under_way |= one.under_way
        try:
            session = unlock(folder)
            try:
                faults += self._resolve(session, Vendor(folder / "vendor"))
                seen = observe(session)
                faults += differences(seen, known, under_way)
                faults += half_made(session, seen, entries=max(one.entries for one in told))
            finally:
                session.lock()
        except (JackfieldError, KeyError, AssertionError) as error:
            faults.append(f"what is there cannot be read: {type(error).__name__}: {error}")
        met = ", ".join(one.action for one in told)
        self.faults += [f"round {seed}, killed in {met}: {fault}" for fault in faults]
        return seen

    def _resolve(self, session: Session, vendor: Vendor) -> Iterator[str]:
        """Decide a takeover that was cut off, as after its lease ran out; the vendor's password must be a known one."""
        with session.store.write() as tx:
            tx.run(delete(tables.lease))
        for one in pending_connections(session):
            end, _ = asyncio.run(resolve_pending(session, one, Network()))
            self.ends[end.value] += 1
            if end is Takeover.UNRESOLVED:
                yield "neither the old nor the new secret holds"
        stored = session.connections.fields(session.connections.find(MANAGED), reason="look")["password"]
        if stored != Secret(vendor.password):
            yield "the stored password is not the vendor's"


def _wait(journal: Path, chance: random.Random) -> None:
    """Until a moment at which a kill is to come: in the midst of some action, mostly."""
    aim = chance.choice(ACTIONS)
    until = time.monotonic() + 0.6
    while aim != "open" and time.monotonic() < until and Told.read(journal).action != aim:
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, 0.06 if aim in {"open", "rotate-root", "rotate-data-keys", "take-over"} else 0.01))


def observe(session: Session) -> dict[str, Value]:
    """Everything that workers make, by name."""
    found: dict[str, Value] = {f"draft {draft.id}": draft.content for draft in session.drafts.all()}
    for one in all_connections(session):
        if one.name != MANAGED:
            found[one.name] = look(session, one)
    return found


def differences(seen: dict[str, Value], known: dict[str, Value], under_way: dict[str, Value]) -> Iterator[str]:
    """What is neither as it was last done nor as it was about to be."""
    for key in sorted(seen.keys() | known.keys() | under_way.keys()):
        allowed = [known.get(key), *([under_way[key]] if key in under_way else [])]
        if seen.get(key) not in allowed:
            yield f"{key} is {seen.get(key)}, not one of {allowed}"


def half_made(session: Session, seen: dict[str, Value], *, entries: int) -> Iterator[str]:
    """What no home may show, whatever was done in it."""
    yield from session.store.damage()
    verified = session.audit.verify()
    if verified.bad is not None:
        yield f"the trail: entry {verified.bad}, {verified.reason}"
    if verified.entries < entries:
        yield f"the trail has {verified.entries} entries, and {entries} were acknowledged"
    if session.vault.previous is not None or session.vault.healed:
        yield "the header is not whole"
    c, held = tables.connection.c, tables.credential.c
    with session.store.read() as tx:
        for key in keys.all_keys(tx):
            session.vault.unwrap_data_key(key.wrapped, scope=key.scope)
        credentials = Counter(row.connection_id for row in tx.all(select(held.connection_id)))
        if tx.first(select(held.id).where(held.status != Status.CURRENT)):
            yield "a credential is still pending"
        states = {row[0]: row[1] for row in tx.all(select(c.state, func.count()).group_by(c.state))}
        drafts = tx.value(select(func.count()).select_from(tables.draft))
    if {state: number for state, number in session.connections.counts().items() if number} != states:
        yield "the tallies are not the counts"
    if drafts != sum(key.startswith("draft ") for key in seen):
        yield "a draft does not open"
    for one in all_connections(session):
        yield from _half_made_of(session, one, credentials[one.id])


def _half_made_of(session: Session, connection: Connection, credentials: int) -> Iterator[str]:
    name = connection.name
    if credentials != 1:
        yield f"{name} has {credentials} credentials"
    if connection not in all_connections(session, name):
        yield f"{name} is not found by its name"
    if name == MANAGED:
        return
    secret = session.connections.fields(connection, reason="look")["accessToken"]
    assert isinstance(secret, Secret)
    if session.connections.with_secret(secret) != (connection,):
        yield f"{name} is not found by its secret"
    done = Counter(entry.event.action for entry in session.audit.page(about=connection.id, limit=100_000))
    if done["connection.create"] != 1:
        yield f"{name} has {done['connection.create']} entries that it was made"
    if done["connection.test"] != len(session.tests.history(connection.id, limit=1000)):
        yield f"{name} has another number of tests than of entries about them"


def main() -> int:
    """Run the campaign and print what it found; 1 when it found a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    campaign, began = Campaign(given.seed), time.monotonic()
    with suppress(KeyboardInterrupt):  # it ends with the report of what was done so far
        campaign.run(given.kills)
    print(f"{campaign.kills} kills with seed {campaign.seed} in {time.monotonic() - began:.0f} s")
    print(f"{campaign.finished} acknowledged actions; takeovers cut off: {dict(campaign.ends)}")
    print("killed in: " + ", ".join(f"{action} {number}" for action, number in campaign.met.most_common()))
    print("\n".join(campaign.faults) or "nothing was lost, nothing was half-made")
    return 1 if campaign.faults else 0


if __name__ == "__main__":
    sys.exit(main())
