"""Switching the verification of a peer off: what is asked for it, what stays marked, and what the trail keeps."""

from dataclasses import replace

import pytest

from jackfield.model.connection import Connection, Scope
from jackfield.model.errors import InvalidField
from jackfield.model.secret import FieldValue, Secret
from jackfield.services.connections import Changes, ConnectionList, Definition
from jackfield.services.form import Form
from jackfield.services.session import Session
from jackfield.services.takeover import definition_of
from jackfield.services.trial import draft_to_test, save_form, stored_form

SWITCH = "sslRejectUnauthorized"
FIELDS: dict[str, FieldValue] = {
    "host": "10.0.0.7",
    "database": "app",
    "username": "bob",
    "password": Secret("first secret"),
}


@pytest.fixture
def form(session: Session, scope: Scope) -> Form:
    """All filled in, with the verification off."""
    made = Form.new(session.registry.get("postgres"), scope)
    for name, value in FIELDS.items():
        made.type(name, value.reveal() if isinstance(value, Secret) else str(value))
    made.type(SWITCH, "false")
    made.name = "db"
    return made


def trail(session: Session, connection: Connection) -> list[str]:
    """What the trail says of it and TLS, the latest first."""
    actions = [entry.event.action for entry in session.audit.page(about=connection.id)]
    return [action for action in actions if "tls" in action]


def test_a_form_is_neither_tested_nor_saved_before_consent(session: Session, form: Form) -> None:
    for attempt in (lambda: draft_to_test(session, form), lambda: save_form(session, form, None)):
        with pytest.raises(InvalidField, match=r"Nobody would verify that it is 10\.0\.0\.7") as refused:
            attempt()
        assert refused.value.field == SWITCH
    form.accept_unverified()
    assert draft_to_test(session, form).fields[SWITCH] is False


def test_consent_is_for_one_host(form: Form) -> None:
    form.accept_unverified()
    assert form.problems() == ()
    form.type("host", "10.0.0.8")
    assert [problem.field for problem in form.problems()] == [SWITCH]


@pytest.mark.parametrize(("name", "value"), [(SWITCH, "true"), ("sslEnabled", "false")])
def test_nothing_is_asked_where_nothing_is_left_unverified(form: Form, name: str, value: str) -> None:
    form.type(name, value)
    assert form.problems() == ()


def test_the_mark_stays_and_the_trail_has_an_entry_of_its_own(session: Session, form: Form) -> None:
    form.accept_unverified()
    made = save_form(session, form, None)
    (row,) = session.connections.page(ConnectionList())
    assert made.tls_unverified
    assert row.tls_unverified
    assert trail(session, made) == ["connection.tls-unverified"]

    renamed = session.connections.edit(made, Changes(replace(definition_of(made), name="other"), {}))
    assert renamed.tls_unverified
    assert trail(session, made) == ["connection.tls-unverified"]

    verified = session.connections.edit(
        renamed, Changes(definition_of(renamed), {SWITCH: True, "password": Secret("x")})
    )
    assert not verified.tls_unverified
    assert trail(session, made) == ["connection.tls-verified", "connection.tls-unverified"]


def test_an_edit_asks_only_for_what_is_new(session: Session, form: Form) -> None:
    """The consent that was given is remembered for its host, and for no other one."""
    form.accept_unverified()
    edited = stored_form(session, save_form(session, form, None))
    assert edited.problems() == ()
    edited.type("host", "10.0.0.8")
    assert [problem.field for problem in edited.problems()] == [SWITCH]


def test_a_draft_keeps_the_consent(session: Session, form: Form) -> None:
    form.accept_unverified()
    kept = Form.from_content(form.provider, form.content())
    assert kept.problems() == ()
    kept.type("host", "10.0.0.8")
    assert kept.problems() != ()


def test_a_verified_connection_is_not_marked(session: Session, scope: Scope) -> None:
    made = session.connections.create(scope, Definition("db", "postgres", "username-and-password"), FIELDS)
    assert not made.tls_unverified
    assert trail(session, made) == []


@pytest.mark.parametrize("slug", ["azure-adcs", "ldap", "mongodb", "mssql", "mysql", "oracledb", "postgres", "redis"])
def test_every_provider_with_such_a_switch_is_asked_about(session: Session, scope: Scope, slug: str) -> None:
    """The switch is found from the provider's rules, with TLS in use."""
    form = Form.new(session.registry.get(slug), scope)
    address = {"ldap": ("url", "ldaps://10.0.0.7"), "azure-adcs": ("adcsUrl", "https://10.0.0.7/certsrv")}
    form.type(*address.get(slug, ("host", "10.0.0.7")))
    for field in form.method.fields:
        if field.name in {"sslEnabled", "tlsEnabled"}:
            form.type(field.name, "true")
    assert form.goes_unverified_to() == ""
    switches = [field.name for field in form.asked() if "RejectUnauthorized" in field.name]
    form.type(switches[0], "false")
    assert form.goes_unverified_to() == "10.0.0.7"
