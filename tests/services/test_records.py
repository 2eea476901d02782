"""Drafts, the trail, a credential as environment variables, and what the doctor finds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from jackfield.model.connection import Connection
from jackfield.model.errors import HomeError, Refused
from jackfield.model.secret import Secret
from jackfield.services.connections import Definition
from jackfield.services.doctor import Finding, examine
from jackfield.services.environment import variables
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.store import tables, trail
from providers.netlify.vendor import GOOD

from .conftest import Make


def test_a_draft_survives_a_lock_with_its_secrets(session: Session, reopen: Callable[[], Session]) -> None:
    session.drafts.save("form", {"texts": {"accessToken": GOOD}}, version=1)
    session.drafts.save("form", {"texts": {"accessToken": f"{GOOD}2"}}, version=2)
    session.lock()
    again = reopen()
    assert [draft.content for draft in again.drafts.all()] == [{"texts": {"accessToken": f"{GOOD}2"}}]
    again.drafts.discard("form")
    assert again.drafts.all() == ()


def test_a_draft_that_does_not_open_hides_no_other(session: Session) -> None:
    session.drafts.save("one", {"name": "one"}, version=1)
    session.drafts.save("two", {"name": "two"}, version=1)
    with session.store.write() as tx:
        tx.run(update(tables.draft).where(tables.draft.c.id == "one").values(version=7))
    assert [draft.id for draft in session.drafts.all()] == ["two"]


def test_every_action_and_every_opening_is_in_the_trail(session: Session, make: Make) -> None:
    made = make()
    session.connections.fields(made, reason="exec")
    session.connections.delete(made)
    told = [(entry.event.action, entry.event.reason) for entry in session.audit.page(about=made.id)]
    assert told == [("connection.delete", ""), ("credential.open", "exec"), ("connection.create", "")]


def test_a_lock_that_comes_later_or_never_is_in_the_trail(session: Session) -> None:
    settings = Settings(session.store)
    settings.keep_idle_minutes(30, session.audit)
    settings.keep_idle_minutes(None, session.audit)
    told = [(entry.event.action, entry.event.reason) for entry in session.audit.page(limit=2)]
    assert (settings.idle_minutes(), told) == (
        None,
        [("settings.idle", "never"), ("settings.idle", "after 30 minutes")],
    )


def test_automatic_tests_that_are_paused_and_go_on_are_in_the_trail(session: Session) -> None:
    settings = Settings(session.store)
    assert settings.automatic_tests()
    settings.keep_automatic_tests(session.audit, on=False)
    assert not settings.automatic_tests()
    settings.keep_automatic_tests(session.audit, on=True)
    assert settings.automatic_tests()
    told = [(entry.event.action, entry.event.reason) for entry in session.audit.page(limit=2)]
    assert told == [("settings.tests", "on"), ("settings.tests", "paused")]


def test_no_entry_no_action(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be noted is not done."""

    def full(*_: object, **__: object) -> None:
        raise HomeError("The disk is full: nothing was changed.")

    monkeypatch.setattr(trail, "append", full)
    with pytest.raises(HomeError):
        session.organizations.create("acme")
    assert session.organizations.page() == ()


@pytest.mark.parametrize("attack", ["change", "remove"])
def test_a_changed_or_missing_entry_is_named(session: Session, make: Make, attack: str) -> None:
    for number in range(4):
        make(f"c-{number}")
    event = tables.audit_event
    with session.store.write() as tx:
        if attack == "change":
            tx.run(update(event).where(event.c.seq == 4).values(actor="nobody"))
        else:
            tx.run(delete(event).where(event.c.seq == 4))
    assert session.audit.verify().bad == 4


def test_a_credential_has_the_names_its_tools_read(session: Session, database: Connection) -> None:
    provider, method = session.connections.provider_and_method("postgres", database.method)
    found = variables(provider, method, session.connections.fields(database, reason="exec"))
    assert {name: value.reveal() for name, value in found.items()} == {
        "PGHOST": "db.example.com",
        "PGPORT": "5432",
        "PGDATABASE": "app",
        "PGUSER": "bob",
        "PGPASSWORD": "first secret",
        "PGSSLMODE": "verify-full",
    }
    assert "first secret" not in repr(found)


def test_a_method_without_such_names_is_refused(session: Session) -> None:
    registry = session.registry
    bare = next(
        (registry.get(slug), method)
        for slug in registry.slugs()
        for method in registry.get(slug).methods
        if not method.environment
    )
    with pytest.raises(Refused, match="environment"):
        variables(*bare, {})


def findings(home: Home) -> dict[str, Finding]:
    return {one.name: one for one in examine(home)}


def test_the_doctor_finds_nothing_wrong_before_the_first_start(tmp_path: Path) -> None:
    found = findings(Home(tmp_path / "none"))
    assert found["home"].ok
    assert found["vault"].ok
    assert not (tmp_path / "none").exists()


def test_the_doctor_names_what_is_wrong_and_what_to_do(session: Session, home: Home) -> None:
    home.providers.mkdir(mode=0o700)
    home.providers.joinpath("own.yaml").write_text("slug: [")
    home.folder.chmod(0o755)
    found = findings(home)
    assert (found["home"].ok, found["home"].next_step) == (False, f"Close it: chmod 700 {home.folder}")
    assert not found["provider file"].ok
    assert "own.yaml:" in found["provider file"].cause


def test_the_doctor_sees_a_damaged_header_without_a_key(session: Session, home: Home) -> None:
    session.lock()
    header = home.folder / "vault.jackfield"
    header.write_bytes(header.read_bytes()[:-100])
    found = findings(home)["vault"]
    assert (found.ok, "damaged" in found.cause) == (False, True)


def test_the_doctor_sees_a_clock_that_was_set_back(session: Session, home: Home) -> None:
    import os

    os.utime(home.folder / "vault.jackfield", (4_000_000_000, 4_000_000_000))
    assert not findings(home)["clock"].ok


def test_what_the_doctor_says_holds_no_value_of_a_connection(session: Session, make: Make, home: Home) -> None:
    make("prod-secrets")
    session.connections.create(
        session.connections.find("prod-secrets").scope,
        Definition("second", "netlify", "access-token"),
        {"accessToken": Secret(GOOD)},
    )
    said = " ".join(f"{one.cause} {one.next_step}" for one in examine(home))
    assert "prod-secrets" not in said
    assert GOOD not in said
