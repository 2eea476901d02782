"""What the store costs at N connections: `python tests/benchmarks/store_bench.py [--rows 100000] [--folder DIR]`.

Prints milliseconds and asserts none. `fill` makes the database of N rows that other benchmarks read too.
"""

import argparse
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from jackfield.model.check import CheckResult, ExpiryKnown, FailureKind, Outcome
from jackfield.model.connection import Scope, State
from jackfield.store import checks, connections, keys, listing, organizations, projects, tables
from jackfield.store.filter import parse
from jackfield.store.listing import ConnectionList, Sort
from jackfield.store.store import Store
from jackfield.store.transaction import Reading, new_id

KEY = bytes(range(32))
ROUNDS = 15
_WORDS = (
    "prod",
    "dev",
    "billing",
    "search",
    "edge",
    "deploys",
    "secrets",
    "cache",
    "web",
    "api",
    "mail",
    "ledger",
    "report",
)
_PROVIDERS = ("aws", "github", "postgres", "redis", "netlify", "okta", "gcp", "cloudflare")
_STATES = [State.PASSED] * 12 + [State.LIMITED] * 3 + [State.UNPROVEN, State.UNTESTED, State.FAILED, State.FAILED]


def fill(store: Store, rows: int, *, organization: str = "acme", seed: int = 1) -> str:
    """Add an organization with 20 projects and `rows` connections in every state; return its id."""
    chance = random.Random(seed)
    now = datetime.now(UTC)
    with store.write() as tx:
        tx.connection.exec_driver_sql("PRAGMA cache_size = -400000")
        organization_id = organizations.create(tx, name=organization).id
        places: list[str | None] = [projects.create(tx, organization_id, name=f"project-{n}").id for n in range(20)]
        places.append(None)
        made = [_row(organization_id, chance.choice(places), number, chance, now) for number in range(rows)]
        tx.run_many(insert(tables.connection), made)
        c = tables.connection.c
        groups = select(c.organization_id, func.coalesce(c.project_id, ""), c.state, func.count()).where(
            c.organization_id == organization_id
        )
        columns = ["organization_id", "project_id", "state", "amount"]
        tx.run(insert(tables.state_tally).from_select(columns, groups.group_by(c.project_id, c.state)))
    return organization_id


def _row(
    organization_id: str, project_id: str | None, number: int, chance: random.Random, now: datetime
) -> dict[str, object]:
    state = chance.choice(_STATES)
    tested = None if state is State.UNTESTED else now - timedelta(seconds=chance.randrange(10**6))
    return {
        "id": new_id(),
        "organization_id": organization_id,
        "project_id": project_id,
        "name": f"{chance.choice(_WORDS)}-{chance.choice(_WORDS)}-{number}",
        "description": "what this connection is for, in a line or two of ordinary length",
        "provider": chance.choice(_PROVIDERS),
        "method": "access-key",
        "state": state,
        "failure_kind": FailureKind.REJECTED if state is State.FAILED else None,
        "last_outcome": None,
        "tested_at": tested,
        "expires_at": now + timedelta(days=chance.randrange(400)) if number % 3 == 0 else None,
        "expiry_known": ExpiryKnown.READ,
        "test_every_minutes": 60,
        "next_test_at": now + timedelta(minutes=chance.randrange(60)),
        "failures_in_row": 0,
        "unverified": 0,
        "automatic_tests_stopped": "",
        "platform_managed": False,
        "attempts_allowed": False,
        "private_address_allowed": False,
        "tls_unverified": False,
        "secret_digest": None,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }


def _report(label: str, once: Callable[[], object]) -> None:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        once()
        times.append((time.perf_counter() - start) * 1000)
    print(f"{label:44} first {times[0]:8.2f} ms   median {statistics.median(times[1:]):8.2f} ms")


def _report_lists(store: Store, organization_id: str) -> None:
    def reading(ask: Callable[[Reading], object]) -> Callable[[], object]:
        def once() -> object:
            with store.read() as tx:
                return ask(tx)

        return once

    for sort in Sort:
        for descending in (False, True):
            wanted = ConnectionList(organization_id, sort=sort, descending=descending)
            with store.read() as tx:
                middle = listing.page(tx, wanted, skip=listing.count(tx, wanted) // 2, limit=1)[0]
            order = f"{sort} {'falling' if descending else 'rising'}"
            _report(f"first page, {order}", reading(lambda tx, w=wanted: listing.page(tx, w)))
            _report(
                f"page after the middle, {order}", reading(lambda tx, w=wanted, m=middle: listing.page(tx, w, after=m))
            )
            _report(
                f"page before the middle, {order}",
                reading(lambda tx, w=wanted, m=middle: listing.page(tx, w, before=m)),
            )
            _report(f"last page, {order}", reading(lambda tx, w=wanted: listing.page(tx, w, last=True)))
    plain = ConnectionList(organization_id)
    half = listing.PAGE * 400
    _report("page by position in the middle", reading(lambda tx: listing.page(tx, plain, skip=half)))
    _report("position of a row in the middle", reading(lambda tx: listing.position(tx, plain, middle.id)))
    _report("count, no filter", reading(lambda tx: listing.count(tx, plain)))
    _report("counts by state", reading(lambda tx: listing.counts_by_state(tx, organization_id=organization_id)))
    now = datetime.now(UTC)
    for text in (
        *("p", "pr", "prod", "ledger-report", "-9999", "nothing-like-it", "aws prod"),
        *("state:failed", "provider:aws", "project:project-3", "method:access-key", "expires:<30d"),
        "state:failed provider:aws expires:<30d prod",
    ):
        for sort in (Sort.NAME, Sort.STATE):
            wanted = ConnectionList(organization_id, filter=parse(text, now=now), sort=sort)
            _report(
                f"count + first page by {sort}: {text}",
                reading(lambda tx, w=wanted: (listing.count(tx, w), listing.page(tx, w))),
            )


def _report_writes(store: Store, organization_id: str) -> None:
    numbers = iter(range(10**6))
    with store.write() as tx:
        keys.add(tx, "key", scope=organization_id, wrapped=bytes(60))

    def create() -> None:
        definition = connections.Definition(f"new-{next(numbers)}", "aws", "access-key")
        with store.write() as tx:
            connections.create(tx, Scope(organization_id), definition)

    def record() -> None:
        detail = checks.SealedDetail(new_id(), bytes(2000), "key")
        result = CheckResult(Outcome.PASSED, datetime.now(UTC), 12.5)
        with store.write() as tx:
            checks.record(tx, tested, result, detail, version=1)

    _report("one connection created, durable", create)
    with store.read() as look:
        tested = connections.named(look, Scope(organization_id), "new-0").id
    _report("one check recorded, durable", record)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--folder", type=Path, help="keep the database here; reused when it is there already")
    options = arguments.parse_args()
    folder: Path = options.folder or Path(tempfile.mkdtemp(prefix="jackfield-bench-"))
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        start = time.perf_counter()
        store = Store.open(folder, KEY)
        print(f"{'open':44} first {(time.perf_counter() - start) * 1000:8.2f} ms")
        with store.read() as tx:
            there = organizations.page(tx, limit=1)
        start = time.perf_counter()
        organization_id = there[0].id if there else fill(store, options.rows)
        print(f"{'fill':44} first {(time.perf_counter() - start) * 1000:8.0f} ms")
        store.close()
        size = (folder / "store.db").stat().st_size
        print(f"{options.rows} connections, {size / 1e6:.0f} MB")
        _report("open and close", lambda: Store.open(folder, KEY).close())
        store = Store.open(folder, KEY)
        _report_lists(store, organization_id)
        _report_writes(store, organization_id)
        store.close()
    finally:
        if options.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
