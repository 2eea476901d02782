"""The preview and what becomes of it: names, duplicates, one transaction each, and stopping in the middle."""

from collections.abc import Iterable

import pytest

from jackfield.model.connection import Scope, State
from jackfield.model.errors import InvalidField, LockedError, UsageError
from jackfield.model.names import NAME_LIMIT
from jackfield.model.secret import Secret
from jackfield.services.connections import Definition
from jackfield.services.importing.finding import TAG, Candidate, Finding, candidate_of
from jackfield.services.importing.plan import Planned, Standing, carry_out, choose, counts, plan
from jackfield.services.session import Session

ROLE = "arn:aws:iam::123456789012:role/"


def token(session: Session, name: str, secret: str = "", *, source: str = "env") -> Candidate:
    texts = {"accessToken": secret or f"nfp_{name}"}
    return candidate_of(session.registry, source, Finding(f"where {name} is", name, "netlify", "access-token", texts))


def role(session: Session, name: str) -> Candidate:
    texts = {
        "AWS_ROLE_ARN": ROLE + name,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "shared by all",
    }
    return candidate_of(session.registry, "aws", Finding(name, name, "aws", "assume-role", texts))


def standings(rows: Iterable[Planned]) -> dict[str, Standing]:
    return {row.name: row.standing for row in rows}


def test_a_preview_writes_nothing(session: Session, scope: Scope) -> None:
    before = session.audit.page(limit=100)
    rows = plan(session, [token(session, "a"), token(session, "b")], scope)
    assert standings(rows) == {"a": Standing.NEW, "b": Standing.NEW}
    assert session.audit.page(limit=100) == before
    assert sum(session.connections.counts().values()) == 0


def test_what_is_imported_is_untested_without_uses_and_rests(session: Session, scope: Scope) -> None:
    (done,) = carry_out(session, plan(session, [token(session, "a", source="netrc")], scope), scope)
    made = done.connection
    assert made is not None
    assert (made.state, made.uses, made.tags, made.test_every_minutes) == (State.UNTESTED, (), (TAG,), None)
    assert made.description == "Imported from where a is"
    assert session.connections.fields(made, reason="test") == {"accessToken": Secret("nfp_a")}
    entry = session.audit.page(about=made.id)[-1].event
    assert (entry.action, entry.reason) == ("connection.create", "import netrc")


def test_a_secret_that_is_stored_is_not_chosen_but_may_be(session: Session, scope: Scope) -> None:
    """In whatever place it is stored, and whatever its connection is called."""
    other = Scope(session.organizations.create("other").id)
    session.connections.create(other, Definition("held", "netlify", "access-token"), {"accessToken": Secret("nfp_a")})
    rows = plan(session, [token(session, "a"), token(session, "b")], scope)
    assert standings(rows) == {"a": Standing.STORED, "b": Standing.NEW}
    assert rows[0].why == "held holds the same secret."
    assert [row.name for row in choose(rows)] == ["b"]
    assert [row.name for row in choose(rows, ["a"])] == ["a"]


def test_a_secret_that_is_found_twice_is_chosen_once(session: Session, scope: Scope) -> None:
    rows = plan(session, [token(session, "a", "nfp_x"), token(session, "b", "nfp_x")], scope)
    assert standings(rows) == {"a": Standing.NEW, "b": Standing.REPEATED}


def test_roles_that_start_from_one_key_are_not_the_same(session: Session, scope: Scope) -> None:
    list(carry_out(session, plan(session, [role(session, "a")], scope), scope))
    rows = plan(session, [role(session, "b"), role(session, "c"), role(session, "a")], scope)
    assert [row.standing for row in rows] == [Standing.NEW, Standing.NEW, Standing.NAMED]


def test_a_taken_name_gets_a_number_and_is_not_chosen(session: Session, scope: Scope) -> None:
    session.connections.create(scope, Definition("a", "netlify", "access-token"), {"accessToken": Secret("nfp_old")})
    rows = plan(session, [token(session, "a"), token(session, "a", "nfp_2"), token(session, "a", "nfp_3")], scope)
    assert [(row.name, row.standing) for row in rows] == [
        ("a-2", Standing.NAMED),
        ("a-3", Standing.NAMED),
        ("a-4", Standing.NAMED),
    ]
    (done,) = carry_out(session, choose(rows, ["a-2"]), scope)
    assert done.connection is not None
    assert done.connection.name == "a-2"


def test_names_found_twice_are_both_new(session: Session, scope: Scope) -> None:
    """A number behind a long name cuts it, not the number."""
    long = "x" * (NAME_LIMIT - 2) + "-y"
    rows = plan(session, [token(session, long, "nfp_1"), token(session, long, "nfp_2")], scope)
    assert standings(rows) == {long: Standing.NEW, "x" * (NAME_LIMIT - 2) + "-2": Standing.NEW}


def test_a_thousand_of_one_name_are_numbered(session: Session, scope: Scope) -> None:
    rows = plan(session, [token(session, "a", f"nfp_{number}") for number in range(300)], scope)
    assert [row.name for row in rows] == ["a", *(f"a-{number}" for number in range(2, 301))]


def test_what_cannot_be_made_comes_last_and_is_never_chosen(session: Session, scope: Scope) -> None:
    bad = candidate_of(session.registry, "env", Finding("x", "bad", "netlify", "access-token"))
    rows = plan(session, [bad, token(session, "a")], scope)
    assert [(row.name, row.standing, row.why) for row in rows] == [
        ("a", Standing.NEW, ""),
        ("bad", Standing.UNUSABLE, "Access token is needed."),
    ]
    assert counts(rows) == {Standing.NEW: 1, Standing.UNUSABLE: 1}
    with pytest.raises(UsageError, match="bad cannot be imported: Access token is needed"):
        choose(rows, ["bad"])
    with pytest.raises(UsageError, match="Nothing that was found is called none"):
        choose(rows, ["none"])


def test_stopping_in_the_middle_keeps_what_was_made_and_no_more(session: Session, scope: Scope) -> None:
    rows = plan(session, [token(session, name) for name in "abc"], scope)
    steps = carry_out(session, rows, scope)
    next(steps)
    steps.close()  # type: ignore[attr-defined]  # it is a generator
    assert sum(session.connections.counts().values()) == 1
    assert session.audit.verify().bad is None
    again = plan(session, [token(session, name) for name in "abc"], scope)
    assert [row.standing for row in again] == [Standing.STORED, Standing.NEW, Standing.NEW]


def test_one_that_fails_is_told_and_the_others_are_made(session: Session, scope: Scope) -> None:
    """Somebody took the name between the preview and the yes."""
    rows = plan(session, [token(session, "a"), token(session, "b")], scope)
    session.connections.create(scope, Definition("a", "netlify", "access-token"), {"accessToken": Secret("nfp_z")})
    first, second = carry_out(session, rows, scope)
    assert first.connection is None
    assert isinstance(first.error, InvalidField)
    assert second.connection is not None


def test_a_lock_ends_it(session: Session, scope: Scope) -> None:
    steps = carry_out(session, plan(session, [token(session, "a"), token(session, "b")], scope), scope)
    next(steps)
    session.lock()
    with pytest.raises(LockedError):
        next(steps)
