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
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from campaigns.load import ACTIONS, MANAGED, Value, Vendor, all_connections, look, make_home, run_worker, unlock
from jackfield.model.connection import Connection
from jackfield.model.errors import JackfieldError
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.session import Session
from jackfield.services.takeover import Takeover, pending_connections, resolve_pending
from jackfield.store import keys, tables
from jackfield.store.credentials import Status

_LONG: Final = {"open", "rotate-root", "rotate-data-keys", "take-over", "back-up", "restore"}
KILLS_OF_A_HOME: Final = 50  # then a fresh one: the trail is read whole after every kill


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
                told.entries = said.get("least", told.entries)  # a restore makes the trail shorter
            elif "entries" in said:
                told.done |= told.under_way
                told.under_way, told.action = {}, "between"
                told.finished += 1
                told.entries = said["entries"]
            else:
                told.fault = said["fault"]
        return told


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
        alone = {"alone": len(names) == 1}
        workers = [
            context.Process(target=run_worker, args=(name, f"{seed}.{name}", folder), kwargs=alone) for name in names
        ]
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
    opened = time.monotonic() + 10.0
    while aim != "open" and time.monotonic() < opened and not Told.read(journal).under_way:
        time.sleep(0.0005)
    until = time.monotonic() + 0.6
    while aim != "open" and time.monotonic() < until and Told.read(journal).action != aim:
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, 0.06 if aim in _LONG else 0.01))


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
    yield from (f"not what the trail says was left: {one}" for one in session.audit.replaced())
    if verified.entries < entries:
        yield f"the trail has {verified.entries} entries, and {entries} were acknowledged"
    if session.vault.previous is not None or session.vault.healed:
        yield "the header is not whole"
    yield from session.warnings
    yield from _slots_not_as_told(session)
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


def _slots_not_as_told(session: Session) -> Iterator[str]:
    """Ways in that the trail does not know of, and those it says were taken away. One that was begun may be either."""
    there = {slot.id for slot in session.vault.list_slots()}
    ends: dict[str, tuple[str, str]] = {}
    for entry in session.audit.page(limit=100_000):  # the newest first, as far as the last new root key
        event = entry.event
        if (event.action, event.object_name) == ("key.rotate", "root"):
            break
        if event.action in {"key.add", "key.remove"}:
            ends.setdefault(event.object, (event.action, event.outcome))
    for slot_id, end in ends.items():
        if end[1] == "done" and (slot_id in there) is not (end[0] == "key.add"):
            yield f"slot {slot_id} is not as the trail says: {end}"


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
