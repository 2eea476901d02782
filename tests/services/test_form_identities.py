"""The guided form of a connection that starts from a source identity."""

from collections.abc import Iterator

import pytest

from jackfield.model.check import Outcome
from jackfield.model.connection import Connection, Scope
from jackfield.model.secret import FieldValue, Secret, Stored
from jackfield.services.form import Form
from jackfield.services.identities import Identity
from jackfield.services.resuming import begun_forms, resume
from jackfield.services.session import Session
from jackfield.services.trial import Trial, draft_to_test, save_form, stored_form
from providers.gcp.vendor import ACCOUNT, METHOD, Gcp, key_file


@pytest.fixture
def google() -> Iterator[Gcp]:
    with Gcp() as world:
        yield world


@pytest.fixture
def tools(session: Session) -> Identity:
    fields: dict[str, FieldValue] = {"sourceCredentials": Secret(key_file())}
    return session.identities.create("tools", "gcp", "source", fields)


@pytest.fixture
def form(session: Session, scope: Scope, tools: Identity) -> Form:
    made = Form.new(session.registry.get("gcp"), scope)
    made.choose_method(METHOD)
    made.type("serviceAccountEmail", ACCOUNT)
    made.identity, made.name = tools, "deploy"
    return made


@pytest.fixture
def stored(session: Session, form: Form) -> Connection:
    return save_form(session, form, None)


def asked(form: Form) -> list[str]:
    return [field.name for field in form.asked()]


async def test_what_it_gives_is_not_asked_but_tested_and_kept(session: Session, form: Form, google: Gcp) -> None:
    assert "sourceCredentials" not in asked(form)
    assert form.problems() == ()

    result = await session.tests.run_draft(draft_to_test(session, form), google.network())
    saved = save_form(session, form, Trial.of(form, result))

    assert result.outcome is Outcome.PASSED
    assert session.identities.of_connection(saved.id) == form.identity
    assert session.connections.get(saved.id).last_outcome is Outcome.PASSED


def test_another_choice_voids_the_result_and_asks_the_fields_again(session: Session, form: Form, google: Gcp) -> None:
    form.identity = None
    assert "sourceCredentials" in asked(form)
    assert [problem.field for problem in form.problems()] == ["sourceCredentials"]


async def test_a_result_with_another_identity_does_not_speak_of_it(
    session: Session, form: Form, tools: Identity, google: Gcp
) -> None:
    result = await session.tests.run_draft(draft_to_test(session, form), google.network())
    trial = Trial.of(form, result)
    form.identity = session.identities.replace(tools, {"sourceCredentials": Secret(key_file("other"))})
    assert not trial.speaks_of(form)


def test_another_method_that_cannot_start_from_it_drops_it(session: Session, scope: Scope) -> None:
    form = Form.new(session.registry.get("aws"), scope)
    fields: dict[str, FieldValue] = {"accessKeyId": "AKIA" + "X" * 16, "secretAccessKey": Secret("x" * 40)}
    form.identity = session.identities.create("hub", "aws", "access-key", fields)
    assert asked(form) == ["roleArn", "partition", "fips"]
    form.choose_method("access-key")
    assert form.identity is None


def test_only_those_that_fit_are_offered(session: Session, tools: Identity) -> None:
    assert session.identities.lenders("gcp", METHOD) == (tools,)
    assert session.identities.lenders("aws", "assume-role") == ()
    assert session.identities.lenders("netlify", "access-token") == ()


async def test_an_edit_keeps_it_unseen(session: Session, stored: Connection, tools: Identity, google: Gcp) -> None:
    form = stored_form(session, stored)
    assert (form.identity, form.stored) == (tools, {})
    form.description = "changed"

    result = await session.tests.run_draft(draft_to_test(session, form), google.network())
    saved = save_form(session, form, Trial.of(form, result))

    assert (result.outcome, saved.description) == (Outcome.PASSED, "changed")
    assert session.identities.of_connection(saved.id) == tools


def test_an_edit_gives_it_fields_of_its_own(session: Session, stored: Connection) -> None:
    form = stored_form(session, stored)
    form.identity = None
    form.type("sourceCredentials", key_file("own"))

    saved = save_form(session, form, None)

    assert session.identities.of_connection(saved.id) is None
    opened = session.connections.fields(saved, reason="test")
    assert opened["sourceCredentials"] == Secret(key_file("own"))


def test_an_edit_gives_it_another_one(session: Session, stored: Connection) -> None:
    fields: dict[str, FieldValue] = {"sourceCredentials": Secret(key_file("other"))}
    other = session.identities.create("other", "gcp", "source", fields)
    form = stored_form(session, stored)
    form.identity, form.description = other, "both at once"

    saved = save_form(session, form, None)

    assert (session.identities.of_connection(saved.id), saved.description) == (other, "both at once")
    assert session.connections.fields(saved, reason="test")["sourceCredentials"] == fields["sourceCredentials"]
    reasons = [entry.event.reason for entry in session.audit.page(about=saved.id)]
    assert reasons.count("identity") == 1


def test_a_draft_keeps_it_and_what_is_gone_is_left_out(session: Session, form: Form, tools: Identity) -> None:
    session.drafts.save("one", form.content(), version=1)
    (begun,) = begun_forms(session)
    assert resume(session, begun.draft).identity == tools

    session.identities.delete(tools)
    assert resume(session, begun.draft).identity is None


def test_a_draft_of_an_edit_keeps_the_choice_of_own_fields(session: Session, stored: Connection) -> None:
    form = stored_form(session, stored)
    form.identity = None
    session.drafts.save(stored.id, form.content(), version=1)
    (begun,) = begun_forms(session)

    taken_up = resume(session, begun.draft)

    assert taken_up.identity is None
    assert Stored.UNCHANGED not in taken_up.stored.values()
