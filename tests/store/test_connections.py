"""Organizations, projects and connections: names, versions, what may be deleted."""

from datetime import timedelta

import pytest

from jackfield.model.check import CheckResult, ExpiryKnown, Failure, FailureKind, Outcome
from jackfield.model.connection import IntendedUse, Organization, Scope, State
from jackfield.model.errors import Conflict, InUse, InvalidField, NotFound
from jackfield.store import checks, connections, consumers, organizations, projects, trail
from jackfield.store.connections import Definition
from jackfield.store.store import Store
from jackfield.store.transaction import Writing, new_id

from .conftest import Clock

FULL = Definition(
    name="prod-secrets",
    provider="aws",
    method="access-key",
    description="what for",
    uses=(IntendedUse("sync/a", {"region": "eu"}), IntendedUse("sync/a", {"region": "us"})),
    tags=("blue", "web"),
    test_every_minutes=15,
    platform_managed=True,
    attempts_allowed=True,
    private_address_allowed=True,
)


def make(tx: Writing, scope: Scope, name: str = "c", **more: object) -> str:
    return connections.create(tx, scope, Definition(name, "aws", "m", **more)).id  # type: ignore[arg-type]  # test values


def test_a_connection_comes_back_as_it_was_defined(store: Store, scope: Scope, clock: Clock) -> None:
    with store.write() as tx:
        made = connections.create(tx, scope, FULL)
    with store.read() as tx:
        assert connections.get(tx, made.id) == made == connections.named(tx, scope, "prod-secrets")
        assert connections.ids_named(tx, "prod-secrets") == connections.ids_named(tx, made.id) == (made.id,)
    assert (made.uses, made.tags, made.test_every_minutes) == (FULL.uses, FULL.tags, 15)
    assert (made.state, made.version, made.created_at) == (State.UNTESTED, 1, clock.now)
    assert made.platform_managed
    assert made.attempts_allowed
    assert made.private_address_allowed


def test_an_edit_replaces_everything_a_user_defines(store: Store, scope: Scope, clock: Clock) -> None:
    with store.write() as tx:
        made = connections.create(tx, scope, FULL)
        clock.forward(60)
    with store.write() as tx:
        edited = connections.edit(tx, made.id, version=1, definition=Definition("other", "aws", "role"))
    assert (edited.name, edited.method, edited.uses, edited.tags, edited.version) == ("other", "role", (), (), 2)
    assert (edited.created_at, edited.updated_at) == (made.created_at, clock.now)


def test_names_are_unique_in_their_place_only(store: Store, acme: Organization) -> None:
    with store.write() as tx:
        web, api = (projects.create(tx, acme.id, name=name) for name in ("web", "api"))
        for scope in (Scope(acme.id), Scope(acme.id, web.id), Scope(acme.id, api.id)):
            make(tx, scope, "same")
            with pytest.raises(InvalidField, match="exists already"):
                make(tx, scope, "same")
        other = make(tx, Scope(acme.id), "other")
        with pytest.raises(InvalidField, match="exists already"):
            connections.edit(tx, other, version=1, definition=Definition("same", "aws", "m"))
        with pytest.raises(InvalidField, match="exists already"):
            projects.create(tx, acme.id, name="web")
        with pytest.raises(InvalidField, match="exists already"):
            organizations.create(tx, name="acme")
        with pytest.raises(InvalidField):
            make(tx, Scope(acme.id), "Not A Slug")
        assert len(connections.ids_named(tx, "same")) == 3


def test_a_place_that_is_not_there_is_refused(store: Store, acme: Organization) -> None:
    with store.write() as tx:
        elsewhere = organizations.create(tx, name="elsewhere")
        foreign = projects.create(tx, elsewhere.id, name="foreign")
        for scope in (Scope("none"), Scope(acme.id, "none"), Scope(acme.id, foreign.id)):
            with pytest.raises(NotFound):
                make(tx, scope)


def test_a_change_of_something_changed_meanwhile_names_who_won(store: Store, scope: Scope, clock: Clock) -> None:
    with store.write() as tx:
        row_id = make(tx, scope)
    clock.forward(90)
    with store.write() as tx:
        connections.edit(tx, row_id, version=1, definition=Definition("first", "aws", "m"))
        event = trail.Event("alice", "build-1", "connection.edit", row_id, "first", "done")
        trail.append(tx, event, lambda data: data[:32])
    clock.forward(90)
    with pytest.raises(Conflict, match=r"12:01:30 UTC by alice on build-1") as caught, store.write() as tx:
        connections.edit(tx, row_id, version=1, definition=Definition("second", "aws", "m"))
    assert "again" in caught.value.next_step
    with store.read() as tx:
        assert connections.get(tx, row_id).name == "first"


@pytest.mark.parametrize("kind", ["organization", "project"])
def test_an_organization_and_a_project_have_versions_too(store: Store, acme: Organization, kind: str) -> None:
    with store.write() as tx:
        if kind == "project":
            made = projects.create(tx, acme.id, name="web")
            changed = projects.edit(tx, made.id, version=1, name="site", description="d")
            with pytest.raises(Conflict):
                projects.edit(tx, made.id, version=1, name="late", description="")
            assert projects.get(tx, made.id) == changed == projects.named(tx, acme.id, "site")
            projects.remove(tx, made.id, version=2)
            assert projects.page(tx, acme.id) == ()
        else:
            changed_organization = organizations.edit(tx, acme.id, version=1, name="renamed", description="d")
            with pytest.raises(Conflict):
                organizations.remove(tx, acme.id, version=1)
            assert organizations.page(tx) == (changed_organization,)
            organizations.remove(tx, acme.id, version=2)
            with pytest.raises(NotFound):
                organizations.get(tx, acme.id)


def test_what_holds_connections_is_not_deleted(store: Store, acme: Organization) -> None:
    with store.write() as tx:
        web = projects.create(tx, acme.id, name="web")
        inner = make(tx, Scope(acme.id, web.id), "inner")
        outer = make(tx, Scope(acme.id), "outer")
        with pytest.raises(InUse) as caught:
            projects.remove(tx, web.id, version=1)
        assert caught.value.uses == ("connection inner",)
        with pytest.raises(InUse) as caught:
            organizations.remove(tx, acme.id, version=1)
        assert caught.value.uses == ("project web", "1 connections of its own")
        for row_id in (inner, outer):
            connections.remove(tx, row_id, version=1)
        projects.remove(tx, web.id, version=1)
        organizations.remove(tx, acme.id, version=1)


def test_a_connection_in_use_is_deleted_only_when_told_so(store: Store, acme: Organization, clock: Clock) -> None:
    with store.write() as tx:
        web = projects.create(tx, acme.id, name="web")
        row_id = make(tx, Scope(acme.id))
        consumers.record_use(tx, row_id, kind="sync", name="nightly", project_id=web.id)
        clock.forward(5)
    with store.write() as tx:
        consumers.record_use(tx, row_id, kind="sync", name="nightly", project_id=web.id)
        consumers.add(tx, row_id, kind="exec", name="deploy")
        used_by = consumers.of_connection(tx, row_id)
        assert [(use.kind, use.project_name, use.use_count) for use in used_by] == [("exec", "", 0), ("sync", "web", 2)]
        assert used_by[1].last_used_at == clock.now
        assert consumers.of_project(tx, web.id) == used_by[1:]
        with pytest.raises(InUse) as caught:
            connections.remove(tx, row_id, version=1)
        assert caught.value.uses == ("exec deploy", "sync nightly of web")
        connections.remove(tx, row_id, version=1, even_if_used=True)
        with pytest.raises(NotFound):
            connections.get(tx, row_id)
        assert consumers.of_project(tx, web.id) == ()


def test_due_tests_come_longest_waiting_first_and_stopped_ones_never(store: Store, scope: Scope, clock: Clock) -> None:
    with store.write() as tx:
        ids = [make(tx, scope, f"c-{number}", test_every_minutes=5) for number in range(4)]
        for number, row_id in enumerate(ids):
            connections.set_next_test(tx, row_id, clock.now + timedelta(minutes=3 - number))
        failed = CheckResult(
            Outcome.FAILED, clock.now, 1, Failure(FailureKind.REJECTED, "no", "make a new one"), expires_at=clock.now
        )
        detail = checks.SealedDetail(new_id(), b"", "key")
        checks.record(
            tx,
            ids[3],
            failed,
            detail,
            version=1,
            next_test_at=clock.now,
            stop_automatic_tests="rejected",
        )
        assert connections.due(tx) == ()
        assert connections.next_due(tx) == clock.now + timedelta(minutes=1)
    clock.forward(120)
    with store.write() as tx:
        assert [one.connection_id for one in connections.due(tx)] == [ids[2], ids[1]]
        assert connections.get(tx, ids[3]).automatic_tests_stopped == "rejected"
        connections.edit(tx, ids[3], version=1, definition=Definition("c-3", "aws", "m", test_every_minutes=5))
        assert ids[3] in {one.connection_id for one in connections.due(tx)}


def test_equal_secrets_are_found_and_a_new_secret_forgets_the_result(store: Store, scope: Scope, clock: Clock) -> None:
    with store.write() as tx:
        first = connections.create(tx, scope, Definition("a", "aws", "m"), secret_digest="x").id
        second = connections.create(tx, scope, Definition("b", "aws", "m"), secret_digest="x").id
        assert connections.with_secret(tx, "x") == (first, second)
        result = CheckResult(Outcome.PASSED, clock.now, 1)
        checks.record(tx, first, result, checks.SealedDetail(new_id(), b"", "key"), version=1)
        assert connections.get(tx, first).state is State.PASSED
        assert connections.set_secret_digest(tx, first, version=1, digest="y") == 2
        assert connections.with_secret(tx, "x") == (second,)
        assert (connections.get(tx, first).state, connections.get(tx, first).tested_at) == (State.UNTESTED, None)


def test_a_typed_expiry_is_kept_until_a_check_knows_better(store: Store, scope: Scope, clock: Clock) -> None:
    typed, read = clock.now + timedelta(days=9), clock.now + timedelta(days=7)
    with store.write() as tx:
        row_id = make(tx, scope)
        connections.set_typed_expiry(tx, row_id, version=1, expires_at=typed)
        for expires_at, known, expected in (
            (None, ExpiryKnown.UNKNOWN, (typed, ExpiryKnown.TYPED)),
            (read, ExpiryKnown.READ, (read, ExpiryKnown.READ)),
            (None, ExpiryKnown.NEVER, (None, ExpiryKnown.NEVER)),
        ):
            result = CheckResult(Outcome.PASSED, clock.now, 1, expires_at=expires_at, expiry_known=known)
            checks.record(tx, row_id, result, checks.SealedDetail(new_id(), b"", "key"), version=2)
            now = connections.get(tx, row_id)
            assert (now.expires_at, now.expiry_known) == expected
