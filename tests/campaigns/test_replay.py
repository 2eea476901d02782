"""Older rows and pages put back in their own places, rows taken away and rows that were deleted put back: noticed.

By who has the database's key, or who swaps older pages of the file without one. What is found is one broken row, named
as such; everything else works.
"""

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, select, update

from jackfield.model.check import Outcome
from jackfield.model.connection import State
from jackfield.model.errors import JackfieldError, RowReplaced
from jackfield.model.secret import Secret
from jackfield.services.connections import Changes, ConnectionList
from jackfield.services.rotation import rotate_data_keys
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.services.takeover import definition_of
from jackfield.store import settings, tables
from jackfield.store.credentials import Status
from jackfield.store.engine import make_engine
from providers.netlify.vendor import Netlify

from .test_tamper import KINDS, PAGE, World, netlify, session, template, world

__all__ = ["netlify", "session", "template", "world"]  # fixtures

Rows = dict[Table, list[dict[str, Any]]]
GUARDED = (
    tables.connection, tables.intended_use, tables.tag, tables.credential, tables.check_run, tables.grant_verdict,
    tables.identity, tables.draft, tables.data_key, tables.setting,
)  # fmt: skip
NAMES = {
    "credential": "credential of broken",
    "pending": "credential of broken",
    "check_run": "result of the last test of broken",
    "draft": "draft broken",
    "identity": "source identity broken",
}


def rows(session: Session) -> Rows:
    """Every row of the guarded tables, as it is."""
    with session.store.read() as tx:
        return {table: [dict(row._mapping) for row in tx.all(select(table))] for table in GUARDED}


def put_back(session: Session, older: Rows, *only: Table) -> None:
    """Write the tables as they were, and nothing else: the trail goes on."""
    engine = make_engine(session.store.path, session.vault.database_key())
    raw = engine.raw_connection()
    raw.execute("PRAGMA foreign_keys = off")  # else what hangs on a deleted row went, too
    raw.close()
    with engine.begin() as connection:
        for table in only:
            connection.execute(delete(table))
            if older[table]:
                connection.execute(insert(table), older[table])
    engine.dispose()


def change(world: World, session: Session, kind: str) -> None:
    """A newer value of the broken one, as the program makes it."""
    match kind:
        case "credential" | "pending":
            status = Status.CURRENT if kind == "credential" else Status.PENDING
            with session.store.write() as tx:
                session.connections.seal_credential(tx, world.broken, {"accessToken": Secret("nfp_another")}, status)
                session.audit.append(tx, "credential.renew", object_id=world.broken.id, name="broken")
        case "check_run":
            last = session.tests.latest(world.broken.id)
            assert last is not None
            later = replace(last, outcome=Outcome.FAILED, started_at=last.started_at + timedelta(hours=1))
            assert session.tests.record(session.connections.get(world.broken.id), later)
        case "draft":
            session.drafts.save("broken", {"texts": {"accessToken": "nfp_another"}}, version=2)
            session.drafts.note()  # as the lock does
        case "identity":
            identity = session.identities.find("broken")
            session.identities.replace(
                identity, {"accessKeyId": "AKIAIOSFODNN7ANOTHER", "secretAccessKey": Secret("b" * 40)}
            )


def expect_noticed(world: World, session: Session, kind: str) -> None:
    """It does not open, it is named, the trail is whole, and so is everything else."""
    with pytest.raises(JackfieldError) as caught:
        world.sealed(session, kind).open(session)
    assert kind == "draft" or (isinstance(caught.value, RowReplaced) and "audit accept" in caught.value.next_step)
    assert session.audit.replaced() == (NAMES[kind],)
    assert session.audit.verify().bad is None
    world.expect_rest_whole(session)


@pytest.mark.parametrize("kind", KINDS)
def test_an_older_row_put_back_with_all_that_it_carries_is_noticed(world: World, session: Session, kind: str) -> None:
    """Its own version, key and id with it: the seal alone cannot tell. A fresh session says the same."""
    older = rows(session)
    change(world, session, kind)
    world.sealed(session, kind).open(session)
    assert session.audit.replaced() == ()
    put_back(session, older, world.sealed(session, kind).table, *((tables.connection,) if kind == "check_run" else ()))
    expect_noticed(world, session, kind)
    session.lock()
    again = world.unlock()
    expect_noticed(world, again, kind)
    again.lock()


def test_a_test_after_changes_of_keys_is_as_it_was_left(world: World, session: Session) -> None:
    """Sealing anew raises the version of a row; the next test begins with another row."""
    for _ in range(2):
        rotate_data_keys(session)
        change(world, session, "check_run")
        assert session.audit.replaced() == ()
        assert session.tests.latest(world.broken.id) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_keys_does_not_make_the_older_row_the_right_one(world: World, session: Session, kind: str) -> None:
    """However often: what is not as the trail says is not sealed anew."""
    older = rows(session)
    change(world, session, kind)
    put_back(session, older, world.sealed(session, kind).table, *((tables.connection,) if kind == "check_run" else ()))
    for _ in range(3):
        rotate_data_keys(session)
    expect_noticed(world, session, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_from_before_a_change_of_keys_put_back_with_its_key_is_noticed(
    world: World, session: Session, kind: str
) -> None:
    """It holds the same, but under a key that was to be gone."""
    table, older = world.sealed(session, kind).table, rows(session)
    rotate_data_keys(session)
    put_back(session, older, tables.data_key, table)
    with pytest.raises(JackfieldError):
        world.sealed(session, kind).open(session)
    assert any(one.startswith("data key ") for one in session.audit.replaced())


def test_nothing_new_is_sealed_with_an_older_key(world: World, session: Session) -> None:
    older = rows(session)
    rotate_data_keys(session)
    put_back(session, older, tables.data_key)
    with pytest.raises(RowReplaced, match="data key"):
        session.drafts.save("new", {}, version=1)


def test_accepted_on_purpose_it_is_the_right_one(world: World, session: Session) -> None:
    older = rows(session)
    change(world, session, "credential")
    put_back(session, older, tables.credential)
    session.accept_trail()
    assert session.audit.replaced() == ()
    session.connections.fields(world.broken, reason="look")
    assert session.audit.verify().bad is None


def test_typed_again_it_is_the_right_one(world: World, session: Session) -> None:
    older = rows(session)
    with session.store.write() as tx:
        tx.run(delete(tables.credential).where(tables.credential.c.status == Status.PENDING))
    change(world, session, "credential")
    put_back(session, older, tables.credential)
    with session.store.write() as tx:
        tx.run(delete(tables.credential).where(tables.credential.c.status == Status.PENDING))
    now = session.connections.get(world.broken.id)
    session.connections.edit(now, Changes(definition_of(now), {"accessToken": Secret("nfp_typed")}))
    assert session.connections.fields(now, reason="look") == {"accessToken": Secret("nfp_typed")}


async def test_the_list_names_the_replaced_one_and_the_others_are_tested(
    world: World, session: Session, netlify: Netlify
) -> None:
    """Testing it again and again does not make it right."""
    older = rows(session)
    change(world, session, "credential")
    put_back(session, older, tables.credential)
    for _ in range(2):
        with pytest.raises(RowReplaced):
            await session.tests.run(world.broken.id, netlify.network())
    assert (await session.tests.run(world.whole.id, netlify.network())).outcome is Outcome.PASSED
    states = {one.name: one.state for one in session.connections.page(ConnectionList())}
    assert states == {"broken": State.UNREADABLE, "whole": State.PASSED}


def _allow_private(world: World, session: Session, allowed: bool) -> None:
    now = session.connections.get(world.broken.id)
    session.connections.edit(now, Changes(replace(definition_of(now), private_address_allowed=allowed), {}))


def test_an_older_definition_is_noticed_whatever_is_done_with_it(world: World, session: Session) -> None:
    """Near addresses were allowed once. An edit of what was put back does not make it right, either."""
    _allow_private(world, session, True)
    older = rows(session)
    _allow_private(world, session, False)
    _allow_private(world, session, True)
    _allow_private(world, session, False)
    put_back(session, older, tables.connection)
    _allow_private(world, session, True)
    with pytest.raises(RowReplaced, match="definition"):
        session.connections.fields(world.broken, reason="look")
    assert session.audit.replaced() == ("definition of broken",)
    world.expect_rest_whole(session)


@pytest.mark.parametrize(
    "table", [tables.intended_use, tables.tag, tables.grant_verdict, tables.check_run, tables.connection],
    ids=lambda table: str(table.name),
)  # fmt: skip
def test_a_deleted_row_is_missed(world: World, session: Session, table: Table) -> None:
    session.connections.edit(world.broken, Changes(replace(definition_of(world.broken), tags=("web",)), {}))
    key = table.c.id if table is tables.connection else table.c.connection_id
    with session.store.write() as tx:
        assert tx.run(delete(table).where(key == world.broken.id))
    assert session.audit.replaced()
    assert not any("whole" in one for one in session.audit.replaced())


def test_a_verdict_turned_green_is_noticed(world: World, session: Session) -> None:
    verdict = tables.grant_verdict
    with session.store.write() as tx:
        assert tx.run(update(verdict).where(verdict.c.connection_id == world.broken.id).values(state="missing"))
    with pytest.raises(RowReplaced, match="result of the last test"):
        session.tests.latest(world.broken.id)
    assert session.audit.replaced() == ("result of the last test of broken",)


def test_a_deleted_connection_put_back_is_noticed(world: World, session: Session) -> None:
    older = rows(session)
    session.connections.delete(world.broken)
    hanging = (table for table in GUARDED if "connection_id" in table.c)
    put_back(session, older, tables.connection, *hanging)
    with pytest.raises(RowReplaced):
        session.connections.fields(world.broken, reason="look")
    assert {one.rpartition(" of ")[2] for one in session.audit.replaced()} == {"broken"}
    world.expect_rest_whole(session)


def test_an_older_setting_is_noticed(session: Session) -> None:
    """One that locks later, or never, and one that tests nothing by itself."""
    kept = Settings(session.store)
    kept.keep_idle_minutes(None, session.audit)
    kept.keep_automatic_tests(session.audit, on=False)
    older = rows(session)
    kept.keep_idle_minutes(5, session.audit)
    kept.keep_automatic_tests(session.audit, on=True)
    put_back(session, older, tables.setting)
    assert session.audit.replaced() == ("setting automatic_tests", "setting idle_minutes")


def test_a_package_that_was_trusted_once_is_not_trusted_again(world: World, session: Session) -> None:
    for trusted in ({"acme": "0" * 64}, {"other": "1" * 64}):
        older = rows(session)
        with session.store.write() as tx:
            settings.put(tx, "trusted_providers", trusted)
            session.audit.append(tx, "provider.trust", object_id="acme", name="acme")
        assert session.packages.trusted() == trusted
    put_back(session, older, tables.setting)
    session.lock()
    again = world.unlock()
    assert again.packages.trusted() == {}
    assert again.audit.replaced() == ("setting trusted_providers",)
    again.lock()


def test_what_the_trail_says_of_a_row_cannot_be_changed_with_it(world: World, session: Session) -> None:
    """Who has the database's key has not that of the trail."""
    older = rows(session)
    change(world, session, "credential")
    put_back(session, older, tables.credential)
    left = tables.audit_left
    here = left.c.name == f"credential/{world.broken.id}/current"
    with session.store.write() as tx:
        said = tx.all(select(left.c.what, left.c.version).where(here).order_by(left.c.seq))[0]
        assert tx.run(update(left).where(here).values(what=said.what, version=said.version)) > 1
    assert session.audit.replaced() == ()
    with pytest.raises(RowReplaced):
        session.connections.fields(world.broken, reason="look")
    assert session.audit.verify().bad is not None


def test_any_older_page_is_noticed_or_changes_nothing_that_is_guarded(world: World) -> None:
    """Who swaps pages needs no key. Each page that differs goes back alone."""
    before = world.home.folder / "before.db"
    file = world.home.folder / "store.db"
    session = world.unlock()
    session.store.empty_log()
    shutil.copy(file, before)
    for kind in KINDS:
        change(world, session, kind)
    told = contents(world, session)
    session.store.empty_log()
    session.lock()
    now, older = file.read_bytes(), before.read_bytes()
    noticed = 0
    for at in range(0, min(len(now), len(older)), PAGE):
        if now[at : at + PAGE] != older[at : at + PAGE]:
            file.write_bytes(now[:at] + older[at : at + PAGE] + now[at + PAGE :])
            noticed += is_noticed(world, told)
    assert noticed


def contents(world: World, session: Session) -> list[object]:
    """All that is guarded of both, opened."""
    found: list[object] = []
    for of in (world.broken, world.whole):
        with session.store.read() as tx:
            both = [session.connections.open_credential(tx, of, status) for status in Status]
        found += [session.connections.get(of.id), both, session.tests.latest(of.id)]
        found.append(session.identities.fields(session.identities.find(of.name), reason="look"))
    return [*found, [(one.id, one.content) for one in session.drafts.all()]]


def is_noticed(world: World, told: list[object]) -> bool:
    """Whether the page did harm, which was then noticed."""
    try:
        session = world.unlock()
    except JackfieldError:
        return True
    try:
        if session.warnings or session.store.damage() or session.audit.verify().bad or session.audit.replaced():
            return True
        assert contents(world, session) == told
    except JackfieldError:
        return True
    finally:
        session.lock()
    return False
