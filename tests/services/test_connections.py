"""Connections made, edited, moved and deleted, and the rules about their secrets."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from jackfield.model.connection import Connection, IntendedUse, Scope, State
from jackfield.model.errors import (
    BlobTampered,
    Conflict,
    InUse,
    InvalidField,
    NotFound,
    Refused,
    TakenOverByPlatform,
    UsageError,
)
from jackfield.model.secret import FieldInput, FieldValue, Secret, Stored
from jackfield.services.connections import Changes, Definition
from jackfield.services.requirements import near_address
from jackfield.services.session import Session
from jackfield.services.takeover import definition_of
from jackfield.store import tables
from jackfield.store.credentials import Status
from providers.netlify.vendor import GOOD
from support.whole import result_of

from .conftest import Make


def edited(connection: Connection, **more: object) -> Definition:
    return replace(definition_of(connection), **more)  # type: ignore[arg-type]  # test values


def break_credential(session: Session, connection: Connection) -> None:
    """Change the sealed bytes, as a damaged disk would."""
    with session.store.write() as tx:
        here = tables.credential.c.connection_id == connection.id
        tx.run(update(tables.credential).where(here).values(sealed=b"\x01" + bytes(90)))


def test_a_credential_comes_back_as_it_was_typed(session: Session, make: Make) -> None:
    made = make()
    assert session.connections.fields(made, reason="test") == {"accessToken": Secret(GOOD)}
    assert made.state is State.UNTESTED


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": "Not A Slug"}, "name"),
        ({"uses": (IntendedUse("secret-sync/none"),)}, "use"),
        ({"uses": (IntendedUse("secret-sync/env"),)}, "target.team"),
        ({"tags": ("Two Words",)}, "tag"),
        ({"test_every_minutes": 1}, "every"),
        ({"method": "password"}, "method"),
        ({"description": "x" * 257}, "description"),
    ],
)
def test_a_wrong_definition_is_named_by_its_field(make: Make, more: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        make(**more)
    assert refused.value.field == field


def test_a_name_is_taken_once_in_its_place(session: Session, scope: Scope, make: Make) -> None:
    make()
    with pytest.raises(InvalidField, match="exists already"):
        make()
    with pytest.raises(InvalidField, match="exists already"):
        session.connections.require_free(scope, "sites")
    session.connections.require_free(scope, "other")


def test_an_edit_without_fields_opens_and_changes_no_secret(session: Session, make: Make) -> None:
    made = make()
    before = len(session.audit.page(limit=100))
    changed = session.connections.edit(made, Changes(edited(made, description="for the web team"), {}))
    assert changed.description == "for the web team"
    assert [entry.event.action for entry in session.audit.page(limit=100)[: -before or None]] == ["connection.edit"]
    assert session.connections.fields(changed, reason="test") == {"accessToken": Secret(GOOD)}


def test_an_unchanged_secret_stays_while_another_field_changes(session: Session, database: Connection) -> None:
    changes = Changes(edited(database), {"database": "other", "password": Stored.UNCHANGED})
    changed = session.connections.edit(database, changes)
    fields = session.connections.fields(changed, reason="test")
    assert (fields["database"], fields["password"]) == ("other", Secret("first secret"))


def test_another_secret_leaves_id_uses_and_history(session: Session, make: Make) -> None:
    """Repaired in place: whoever refers to it need not be told."""
    made = make()
    session.connections.record_use(made, kind="sync", name="nightly")
    assert session.tests.record(made, result_of("failed"))
    tested = session.connections.get(made.id)
    before = (session.connections.used_by(made.id), session.tests.history(made.id))
    changed = session.connections.edit(tested, Changes(edited(tested), {"accessToken": Secret("nfp_another")}))
    assert changed.id == made.id
    assert (session.connections.used_by(made.id), session.tests.history(made.id)) == before
    assert session.connections.fields(changed, reason="test") == {"accessToken": Secret("nfp_another")}


@pytest.mark.parametrize("moved", [{"host": "evil.example.com"}, {"port": 6432}, {"sslEnabled": False}])
def test_a_stored_secret_does_not_go_to_another_address(
    session: Session, database: Connection, moved: dict[str, str]
) -> None:
    with pytest.raises(InvalidField, match="The address changed") as refused:
        session.connections.edit(database, Changes(edited(database), {**moved, "password": Stored.UNCHANGED}))
    assert refused.value.field == "password"
    typed = Changes(edited(database), {**moved, "password": Secret("typed again")})
    changed = session.connections.edit(database, typed)
    assert session.connections.fields(changed, reason="test")["password"] == Secret("typed again")


def test_a_field_that_is_not_asked_for_is_no_change_of_address(session: Session, scope: Scope) -> None:
    """The form leaves out what other fields make meaningless; a default in its place moves nothing."""
    plain: dict[str, FieldValue] = {
        "host": "db",
        "database": "app",
        "username": "bob",
        "password": Secret("s3cret"),
        "sslEnabled": False,
    }
    made = session.connections.create(scope, Definition("plain", "postgres", "username-and-password"), plain)
    cleared: dict[str, FieldInput] = {
        "sslRejectUnauthorized": Stored.CLEARED,
        "password": Stored.UNCHANGED,
        "database": "other",
    }
    changed = session.connections.edit(made, Changes(edited(made), cleared))
    assert session.connections.fields(changed, reason="test")["database"] == "other"


def test_a_required_secret_cannot_be_cleared(session: Session, database: Connection) -> None:
    with pytest.raises(InvalidField, match="Password is needed"):
        session.connections.edit(database, Changes(edited(database), {"password": Stored.CLEARED}))


def test_an_optional_field_can_be_cleared(session: Session, scope: Scope) -> None:
    made = session.connections.create(
        scope,
        Definition("cache", "redis", "username-and-password"),
        {"host": "cache", "username": "bob", "password": Secret("s3cret")},
    )
    changed = session.connections.edit(made, Changes(edited(made), {"username": Stored.CLEARED}))
    assert session.connections.fields(changed, reason="test").get("username") != "bob"


def test_a_managed_secret_is_not_typed_over(session: Session, database: Connection) -> None:
    with session.store.write() as tx:
        here = tables.connection.c.id == database.id
        tx.run(update(tables.connection).where(here).values(platform_managed=True))
    managed = session.connections.get(database.id)
    with pytest.raises(TakenOverByPlatform):
        session.connections.edit(managed, Changes(edited(managed), {"password": Secret("mine again")}))
    given_back = session.connections.edit(managed, Changes(edited(managed, platform_managed=False), {}))
    typed = session.connections.edit(given_back, Changes(edited(given_back), {"password": Secret("mine again")}))
    assert session.connections.fields(typed, reason="test")["password"] == Secret("mine again")


def test_only_a_takeover_makes_a_connection_managed(session: Session, make: Make) -> None:
    made = make(platform_managed=True)
    assert not made.platform_managed
    assert not session.connections.edit(made, Changes(edited(made, platform_managed=True), {})).platform_managed


def test_no_secret_is_typed_while_a_takeover_is_undecided(session: Session, database: Connection) -> None:
    fields = session.connections.fields(database, reason="test")
    with session.store.write() as tx:
        session.connections.seal_credential(tx, database, fields, Status.PENDING)
        session.audit.append(tx, "takeover.begin", object_id=database.id, name=database.name)
    with pytest.raises(Refused, match="not finished"):
        session.connections.edit(database, Changes(edited(database), {"password": Secret("mine")}))


def test_the_loser_of_two_edits_is_told_and_changes_nothing(session: Session, make: Make) -> None:
    made = make()
    session.connections.edit(made, Changes(edited(made, description="first"), {}))
    with pytest.raises(Conflict, match="changed since you read it"):
        session.connections.edit(made, Changes(edited(made, description="second"), {}))
    assert session.connections.get(made.id).description == "first"


def test_a_used_connection_is_deleted_only_on_purpose(session: Session, make: Make) -> None:
    made = make()
    session.connections.record_use(made, kind="command", name="deploy")
    with pytest.raises(InUse) as refused:
        session.connections.delete(made)
    assert refused.value.uses == ("command deploy",)
    session.connections.delete(made, even_if_used=True)
    with pytest.raises(NotFound):
        session.connections.get(made.id)


def test_several_of_one_name_are_told_apart_by_their_place(session: Session, scope: Scope, make: Make) -> None:
    made = make()
    project = session.projects.create(scope.organization_id, "web")
    inner = session.connections.create(
        Scope(scope.organization_id, project.id), definition_of(made), {"accessToken": Secret(GOOD)}
    )
    with pytest.raises(UsageError, match="2 connections are called sites"):
        session.connections.find("sites")
    assert session.connections.find("sites", project_id=project.id).id == inner.id
    assert session.connections.find(made.id) == made
    with pytest.raises(NotFound):
        session.connections.find("sites", organization_id="none")


def test_equal_secrets_are_found_without_opening_any(session: Session, make: Make) -> None:
    make("one")
    make("two")
    make("three", "nfp_AnotherToken")
    opened = [entry for entry in session.audit.page(limit=100) if entry.event.action == "credential.open"]
    assert [one.name for one in session.connections.with_secret(Secret(GOOD))] == ["one", "two"]
    assert opened == []


def test_a_moved_connection_keeps_its_secret_and_its_history(
    session: Session, scope: Scope, make: Make, reopen: Callable[[], Session]
) -> None:
    """What was sealed for one place opens at the other, with the other's key."""
    made = make()
    other = session.organizations.create("other")
    project = session.projects.create(other.id, "web")
    moved = session.connections.move(made, Scope(other.id, project.id))
    session.organizations.delete(session.organizations.get(scope.organization_id))
    session.lock()
    again = reopen()
    assert moved.scope == Scope(other.id, project.id)
    assert again.connections.fields(again.connections.get(made.id), reason="test") == {"accessToken": Secret(GOOD)}
    assert again.connections.counts(organization_id=other.id)[State.UNTESTED] == 1


def test_a_move_to_a_taken_name_is_refused(session: Session, make: Make) -> None:
    made = make()
    other = Scope(session.organizations.create("other").id)
    session.connections.create(other, definition_of(made), {"accessToken": Secret(GOOD)})
    with pytest.raises(InvalidField, match="exists already"):
        session.connections.move(made, other)
    assert session.connections.get(made.id).scope == made.scope


def test_one_broken_credential_hurts_nothing_else(session: Session, make: Make) -> None:
    broken, whole = make("broken"), make("whole")
    break_credential(session, broken)
    with pytest.raises(BlobTampered):
        session.connections.fields(broken, reason="test")
    assert session.connections.fields(whole, reason="test") == {"accessToken": Secret(GOOD)}


def test_a_broken_credential_is_mended_by_typing_it_again(session: Session, database: Connection) -> None:
    break_credential(session, database)
    with pytest.raises(BlobTampered):
        session.connections.edit(database, Changes(edited(database), {"database": "other"}))
    all_of_it: dict[str, FieldInput] = {
        "host": "h",
        "port": 1,
        "database": "d",
        "username": "u",
        "password": Secret("typed again"),
    }
    whole = Changes(edited(database), {**all_of_it, "sslEnabled": True, "sslRejectUnauthorized": True})
    changed = session.connections.edit(database, whole)
    assert session.connections.fields(changed, reason="test")["password"] == Secret("typed again")


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("10.1.2.3", True),
        ("::1", True),
        ("db.example.com", False),
        ("8.8.8.8", False),
        ("169.254.169.254", False),
    ],
)
def test_a_near_address_is_seen_only_where_it_is_named(
    session: Session, database: Connection, host: str, near: bool
) -> None:
    """A name may lead anywhere, and a link-local address is never allowed: neither is consent to come near."""
    provider, method = session.connections.provider_and_method("postgres", database.method)
    assert near_address(provider, method, {"host": host, "username": "127.0.0.1"}) == (host if near else "")
