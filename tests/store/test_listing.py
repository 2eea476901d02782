"""The list of connections: every page of every order is a cut of the whole sorted list."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from benchmarks.store_bench import fill
from jackfield.model.connection import ConnectionSummary, Scope, State
from jackfield.store import connections, listing, projects
from jackfield.store.connections import Definition
from jackfield.store.filter import Filter, parse
from jackfield.store.listing import ConnectionList, Sort
from jackfield.store.store import Store, utc_now
from jackfield.store.transaction import Reading

KEY = bytes(range(32))
ROWS = 137
_RANK = [State.UNTESTED, State.FAILED, State.UNREADABLE, State.UNPROVEN, State.LIMITED, State.PASSED]
_FAR = utc_now() + timedelta(days=10**5)
_LONG_AGO = utc_now() - timedelta(days=10**5)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store with two organizations of 137 connections, some of the same name in several projects."""
    folder = tmp_path_factory.mktemp("many")
    folder.chmod(0o700)
    store = Store.open(folder, KEY)
    ids = [fill(store, ROWS, organization=name, seed=seed) for seed, name in enumerate(("acme", "other"))]
    with store.write() as tx:
        for place in projects.page(tx, ids[0])[:5]:
            connections.create(tx, Scope(ids[0], place.id), Definition("same", "aws", "pat", tags=("blue",)))
    yield store, ids[0]
    store.close()


def key_of(sort: Sort) -> Callable[[ConnectionSummary], Any]:
    return {
        Sort.NAME: lambda row: row.name,
        Sort.STATE: lambda row: (_RANK.index(row.state), row.name),
        Sort.EXPIRY: lambda row: (row.expires_at or _FAR, row.name),
        Sort.TESTED: lambda row: (row.tested_at or _LONG_AGO, row.name),
        Sort.PROVIDER: lambda row: (row.provider, row.name),
    }[sort]


def forwards(tx: Reading, wanted: ConnectionList, limit: int) -> list[ConnectionSummary]:
    rows: list[ConnectionSummary] = []
    while page := listing.page(tx, wanted, after=rows[-1] if rows else None, limit=limit):
        rows += page
    return rows


def backwards(tx: Reading, wanted: ConnectionList, limit: int) -> list[ConnectionSummary]:
    rows = list(listing.page(tx, wanted, last=True, limit=limit))
    while rows and (page := listing.page(tx, wanted, before=rows[0], limit=limit)):
        rows = [*page, *rows]
    return rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    sort=st.sampled_from(Sort),
    descending=st.booleans(),
    limit=st.integers(min_value=1, max_value=200),
    text=st.sampled_from(
        ["", "prod", "e", "state:failed", "project:project-3", "expires:<100d aws", "same", "nothing"]
    ),
    scoped=st.booleans(),
)
def test_pages_in_either_direction_make_the_sorted_list(
    many: tuple[Store, str], sort: Sort, limit: int, text: str, *, descending: bool, scoped: bool
) -> None:
    store, organization_id = many
    with store.read() as tx:
        found = parse(text, now=tx.now)
        wanted = ConnectionList(organization_id if scoped else None, None, found, sort, descending)
        rows = forwards(tx, wanted, limit)
        assert rows == backwards(tx, wanted, limit)
        keys = list(map(key_of(sort), rows))
        assert keys == sorted(keys, reverse=descending)
        assert len({row.id for row in rows}) == len(rows) == listing.count(tx, wanted)
        if rows:
            middle = rows[len(rows) // 2]
            assert listing.position(tx, wanted, middle.id) == len(rows) // 2
            assert listing.page(tx, wanted, skip=len(rows) // 2, limit=1) == (middle,)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("prod", lambda row, now: "prod" in row.name),
        ("pr", lambda row, now: "pr" in row.name or "pr" in row.scope_name or "pr" in row.provider),
        ("PROJECT-1", lambda row, now: "project-1" in row.scope_name),
        ("aws prod", lambda row, now: row.provider == "aws" and "prod" in row.name),
        ("%", lambda row, now: False),
        ("state:failed,untested", lambda row, now: row.state in (State.FAILED, State.UNTESTED)),
        ("state:rejected", lambda row, now: row.failure_kind == "rejected"),
        ("provider:aws,gcp", lambda row, now: row.provider in ("aws", "gcp")),
        ("project:project-3", lambda row, now: row.scope_name == "project-3"),
        ("method:pat tag:blue", lambda row, now: row.name == "same"),
        ("org:other", lambda row, now: False),
        ("expires:never", lambda row, now: row.expires_at is None),
        ("expires:<50d", lambda row, now: row.expires_at is not None and row.expires_at < now + timedelta(days=50)),
        ("expires:>50d", lambda row, now: row.expires_at is not None and row.expires_at > now + timedelta(days=50)),
    ],
)
def test_a_filter_keeps_exactly_what_it_says(
    many: tuple[Store, str], text: str, passes: Callable[[ConnectionSummary, Any], bool]
) -> None:
    store, organization_id = many
    with store.read() as tx:
        every = forwards(tx, ConnectionList(organization_id), 50)
        found = forwards(tx, ConnectionList(organization_id, filter=parse(text, now=tx.now)), 50)
    assert found == [row for row in every if passes(row, tx.now)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(word=st.text(min_size=1))
def test_any_word_can_be_looked_for(many: tuple[Store, str], word: str) -> None:
    store, organization_id = many
    with store.read() as tx:
        wanted = ConnectionList(organization_id, filter=Filter(words=parse(f'"{word}"', now=tx.now).words))
        assert len(forwards(tx, wanted, 500)) == listing.count(tx, wanted)


def test_counts_by_state_are_those_of_the_rows(many: tuple[Store, str]) -> None:
    store, organization_id = many
    with store.read() as tx:
        project_id = projects.named(tx, organization_id, "project-3").id
        for scope in ((organization_id, None), (organization_id, project_id), (None, project_id), (None, None)):
            rows = forwards(tx, ConnectionList(*scope), 100)
            counts = listing.counts_by_state(tx, organization_id=scope[0], project_id=scope[1])
            assert counts == {state: sum(row.state is state for row in rows) for state in State}


def test_a_deleted_row_still_serves_as_a_cursor(store: Store, scope: Scope) -> None:
    wanted = ConnectionList(scope.organization_id)
    with store.write() as tx:
        for name in ("a", "b", "c"):
            connections.create(tx, scope, Definition(name, "aws", "m"))
        rows = listing.page(tx, wanted)
        connections.remove(tx, rows[1].id, version=1)
        assert listing.page(tx, wanted, after=rows[1]) == rows[2:]
        assert listing.page(tx, wanted, before=rows[1]) == rows[:1]
        assert listing.position(tx, wanted, rows[1].id) is None


def test_words_follow_renames_and_deletes(store: Store, scope: Scope) -> None:
    def found(tx: Reading, word: str) -> int:
        return listing.count(tx, ConnectionList(scope.organization_id, filter=Filter(words=(word,))))

    with store.write() as tx:
        place = projects.create(tx, scope.organization_id, name="web-shop")
        made = connections.create(tx, Scope(scope.organization_id, place.id), Definition("first-name", "aws", "m"))
        assert (found(tx, "first"), found(tx, "shop")) == (1, 1)
        connections.edit(tx, made.id, version=1, definition=Definition("second-name", "aws", "m"))
        projects.edit(tx, place.id, version=1, name="billing", description="")
        assert (found(tx, "first"), found(tx, "shop"), found(tx, "second"), found(tx, "illin")) == (0, 0, 1, 1)
        connections.remove(tx, made.id, version=2)
        assert found(tx, "second") == 0


def test_pages_and_counts_never_scan_the_table(many: tuple[Store, str]) -> None:
    store, organization_id = many
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            raw = connection.connection.dbapi_connection
            plans.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    with store.read() as tx:
        event.listen(tx.connection, "before_cursor_execute", explain)
        for sort in Sort:
            for text in ("", "prod", "pr", "state:failed provider:aws"):
                wanted = ConnectionList(organization_id, filter=parse(text, now=tx.now), sort=sort)
                listing.count(tx, wanted)
                first = listing.page(tx, wanted)
                if first:
                    listing.page(tx, wanted, after=first[-1])
        event.remove(tx.connection, "before_cursor_execute", explain)
    assert plans
    assert not [plan for plan in plans if plan.startswith(("SCAN connection", "SCAN filtered"))]


def test_the_tally_survives_random_changes(store: Store, scope: Scope) -> None:
    chance = random.Random(7)
    with store.write() as tx:
        ids = [connections.create(tx, scope, Definition(f"c-{n}", "aws", "m")).id for n in range(30)]
        for _ in range(200):
            connections.show_state(tx, chance.choice(ids), chance.choice(list(State)))
        for gone in ids[:10]:
            connections.remove(tx, gone, version=1)
        rows = listing.page(tx, ConnectionList(scope.organization_id))
        counts = listing.counts_by_state(tx, organization_id=scope.organization_id)
    assert counts == {state: sum(row.state is state for row in rows) for state in State}
    assert len(rows) == 20
