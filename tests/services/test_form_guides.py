"""The steps at the vendor, filled with what is known of the connection."""

import pytest
from pydantic import TypeAdapter

from jackfield.model.connection import Scope
from jackfield.model.secret import FieldValue, Secret
from jackfield.providers.contract.coherence import find_incoherence
from jackfield.providers.contract.guide import guide_steps
from jackfield.providers.contract.part import Text
from jackfield.providers.contract.spec import Provider
from jackfield.services.connections import Definition
from jackfield.services.form import Form
from jackfield.services.session import Session
from jackfield.services.trial import stored_form


def test_a_role_is_told_its_external_id_and_what_is_not_known_is_named(session: Session, scope: Scope) -> None:
    form = Form.new(session.registry.get("aws"), scope)
    assert f"enter {scope.organization_id}," in form.guide()[1]
    assert f'"sts:ExternalId": "{scope.organization_id}"' in form.guide()[1]
    assert "exactly <Role ARN>" in form.guide()[4]
    form.type("roleArn", "arn:aws:iam::123456789012:role/jackfield")
    assert "exactly arn:aws:iam::123456789012:role/jackfield" in form.guide()[4]
    form.scope = None
    assert "enter <organization id>," in form.guide()[1]


def test_a_stored_connection_fills_its_guide_and_quotes_for_the_shell(session: Session, scope: Scope) -> None:
    fields: dict[str, FieldValue] = {
        "host": "db.example",
        "username": "ada; rm -rf ~",
        "password": Secret("canary-51aa"),
        "hostKey": "ssh-ed25519 AAAA",
    }
    made = session.connections.create(scope, Definition("box", "ssh", "password"), fields)
    steps = stored_form(session, made).guide()
    assert "'ada; rm -rf ~'@db.example" in steps[0]
    assert "canary" not in "".join(steps)


def test_every_guide_is_whole_without_any_value(session: Session) -> None:
    """No brace is left, and nothing is cut out."""
    for slug in session.registry.slugs():
        provider = session.registry.get(slug)
        for method in provider.tested_methods:
            for step, text in zip(provider.guide_of(method), guide_steps(provider, method, {}), strict=True):
                assert "<>" not in text
                if step.reads:
                    assert "{" not in text.replace('{"sts', ""), (slug, text)
                else:
                    assert text == step.text


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("Type {password} there.", "password is secret"),
        ("Open {session.body.page}.", "session is no field, and not known before a test"),
        ("Open {nothing}.", "nothing is no field"),
    ],
)
def test_a_guide_reads_neither_secrets_nor_facts(session: Session, step: str, why: str) -> None:
    provider = session.registry.get("postgres")
    guide = TypeAdapter(tuple[Text, ...]).validate_python([step])
    changed: Provider = provider.model_copy(update={"guide": guide})
    assert why in find_incoherence(changed)
