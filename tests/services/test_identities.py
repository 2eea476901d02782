"""Source identities: kept once, tested by the provider's own check, and lent to connections."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from jackfield.model.check import CheckResult, Failure, FailureKind, Outcome
from jackfield.model.connection import Connection, Scope, State
from jackfield.model.errors import Conflict, InUse, InvalidField, NotFound
from jackfield.model.secret import FieldValue, Secret, Stored
from jackfield.services.connections import Changes, Definition
from jackfield.services.identities import Identity
from jackfield.services.identity_form import IdentityForm, save_identity
from jackfield.services.rotation import rotate_data_keys
from jackfield.services.session import Session
from jackfield.services.takeover import definition_of
from jackfield.store.credentials import Status
from providers.aws.vendor import AwsWorld
from providers.gcp.vendor import ACCOUNT, METHOD, SOURCE, Gcp, key_file
from providers.github.vendor import APP_ID, INSTALLATION, GitHub, new_key, pem
from support.servers.web import Aws


@pytest.fixture
def google() -> Iterator[Gcp]:
    with Gcp() as world:
        yield world


@pytest.fixture
def source(session: Session) -> Identity:
    return session.identities.create("tools", "gcp", "source", {"sourceCredentials": Secret(key_file())})


@pytest.fixture
def connection(session: Session, scope: Scope, source: Identity) -> Connection:
    """It holds the e-mail alone."""
    definition = Definition("deploy", "gcp", METHOD)
    return session.connections.create(scope, definition, {"serviceAccountEmail": ACCOUNT}, identity=source)


async def test_identity_is_tested_by_itself(session: Session, source: Identity, google: Gcp) -> None:
    result = await session.identities.test(source, google.network())

    assert (result.failure, result.outcome) == (None, Outcome.PASSED)
    assert result.identity["account"] == SOURCE
    assert google.undeclared() == []
    assert session.audit.page(about=source.id)[0].event.action == "identity.test"


async def test_identity_that_the_vendor_refuses_fails(session: Session, google: Gcp) -> None:
    wrong: dict[str, FieldValue] = {"sourceCredentials": Secret(key_file("wrong"))}
    result = await session.identities.test_fields("gcp", "source", wrong, google.network())
    assert result.failure is not None
    assert (result.failure.kind, result.failure.rule) == (FailureKind.REJECTED, "source-refused")


async def test_connection_starts_from_it(
    session: Session, source: Identity, connection: Connection, google: Gcp
) -> None:
    """The lent field is in every opened credential, and sealed in none."""
    assert (await session.tests.run(connection.id, google.network())).outcome is Outcome.PASSED
    with session.store.read() as tx:
        own = session.connections._own_fields(tx, connection, Status.CURRENT)
    assert set(own) == {"serviceAccountEmail"}
    assert session.identities.of_connection(connection.id) == source
    assert session.identities.used_by(source) == ("deploy",)


async def test_edit_leaves_the_lent_field_with_the_identity(
    session: Session, connection: Connection, google: Gcp
) -> None:
    kept = Changes(definition_of(connection), {"serviceAccountEmail": ACCOUNT, "sourceCredentials": Stored.UNCHANGED})
    edited = session.connections.edit(connection, kept)
    with pytest.raises(InvalidField, match="source identity of this connection gives"):
        session.connections.edit(edited, Changes(definition_of(edited), {"sourceCredentials": Secret("{}")}))
    with session.store.read() as tx:
        assert set(session.connections._own_fields(tx, edited, Status.CURRENT)) == {"serviceAccountEmail"}
    assert (await session.tests.run(connection.id, google.network())).outcome is Outcome.PASSED


async def test_new_keys_of_an_identity_serve_at_once_and_what_tests_said_is_forgotten(
    session: Session, source: Identity, connection: Connection, google: Gcp
) -> None:
    await session.tests.run(connection.id, google.network())

    changed = session.identities.replace(source, {"sourceCredentials": Secret(key_file("wrong"))})

    assert session.connections.get(connection.id).state is State.UNTESTED
    assert (await session.tests.run(connection.id, google.network())).outcome is Outcome.FAILED
    with pytest.raises(Conflict):
        session.identities.replace(source, {"sourceCredentials": Secret(key_file())})
    session.identities.replace(changed, {"sourceCredentials": Secret(key_file())})
    assert (await session.tests.run(connection.id, google.network())).outcome is Outcome.PASSED


def test_identity_in_use_is_not_deleted(session: Session, source: Identity, connection: Connection) -> None:
    with pytest.raises(InUse) as refused:
        session.identities.delete(source)
    assert refused.value.uses == ("connection deploy",)

    with pytest.raises(InvalidField, match="Source credentials is needed"):
        session.connections.edit(connection, Changes(definition_of(connection), {}, None))
    own: dict[str, FieldValue] = {"sourceCredentials": Secret(key_file("own"))}
    freed = session.connections.edit(connection, Changes(definition_of(connection), own, None))
    assert session.connections.fields(freed, reason="test")["sourceCredentials"] == own["sourceCredentials"]
    session.identities.delete(source)
    assert session.identities.page() == ()


def test_connection_gets_an_identity_later(session: Session, scope: Scope, source: Identity) -> None:
    fields: dict[str, FieldValue] = {"serviceAccountEmail": ACCOUNT, "sourceCredentials": Secret(key_file("own"))}
    made = session.connections.create(scope, Definition("own", "gcp", METHOD), fields)
    assert session.connections.with_secret(Secret(key_file("own"))) == (made,)

    lent = session.connections.edit(made, Changes(definition_of(made), {}, source))

    assert session.connections.fields(lent, reason="test")["sourceCredentials"] == Secret(key_file())
    assert session.connections.with_secret(Secret(key_file("own"))) == ()


def test_names_are_slugs_and_free(session: Session, source: Identity) -> None:
    fields: dict[str, FieldValue] = {"sourceCredentials": Secret(key_file())}
    for name in ("tools", "Not a slug"):
        with pytest.raises(InvalidField):
            session.identities.create(name, "gcp", "source", fields)
    renamed = session.identities.rename(source, "build")
    assert session.identities.find("build") == renamed == session.identities.find(source.id)
    assert session.identities.fields(renamed, reason="test")["sourceCredentials"] == Secret(key_file())
    with pytest.raises(NotFound):
        session.identities.find("tools")


def test_identity_fits_only_its_methods(session: Session, scope: Scope, source: Identity) -> None:
    with pytest.raises(InvalidField, match="cannot start from tools"):
        session.connections.create(scope, Definition("x", "aws", "assume-role"), {}, identity=source)
    with pytest.raises(InvalidField, match="Its connections have all their fields themselves"):
        session.identities.create("x", "netlify", "source", {})


def test_fresh_data_keys_open_identities_too(session: Session, source: Identity, connection: Connection) -> None:
    assert rotate_data_keys(session) == 2
    again = session.identities.find("tools")
    assert session.identities.fields(again, reason="test")["sourceCredentials"] == Secret(key_file())
    assert session.connections.fields(connection, reason="test")["sourceCredentials"] == Secret(key_file())


async def test_github_app_serves_many_installations(session: Session, scope: Scope) -> None:
    app: dict[str, FieldValue] = {"appId": APP_ID, "privateKey": Secret(pem(new_key("app")))}
    identity = session.identities.create("app", "github", "github-app", app)
    fields: dict[str, FieldValue] = {"installationId": str(INSTALLATION)}
    made = session.connections.create(scope, Definition("inst", "github", "github-app"), fields, identity=identity)
    with GitHub() as world:
        alone = await session.identities.test(identity, world.network())
        assert (alone.failure, alone.outcome, alone.identity["app"]) == (None, Outcome.PASSED, "sync")
        assert [request.path for request in world.vendor.requests] == ["/app"]
        assert (await session.tests.run(made.id, world.network())).outcome is Outcome.PASSED
        wrong = app | {"privateKey": Secret(pem(new_key("other")))}
        refused = await session.identities.test_fields("github", "github-app", wrong, world.network())
    assert refused.failure is not None
    assert refused.failure.rule == "bad-key"


async def test_aws_identity_takes_the_role_on(session: Session, aws: Aws) -> None:
    with AwsWorld(aws) as world:
        given = world.fields("assume-role")
        keys: dict[str, FieldValue] = {
            "accessKeyId": given["sourceAccessKeyId"],
            "secretAccessKey": Secret(given["sourceSecretAccessKey"]),
        }
        identity = session.identities.create("hub", "aws", "access-key", keys)
        alone = await session.identities.test(identity, world.network())
        assert (alone.failure, alone.outcome) == (None, Outcome.PASSED)
        world.external_id = session.organizations.create("acme").id
        made = session.connections.create(
            Scope(world.external_id),
            Definition("role", "aws", "assume-role"),
            {"roleArn": given["roleArn"]},
            identity=identity,
        )
        result = await session.tests.run(made.id, world.network())
    assert (result.failure, result.outcome) == (None, Outcome.PASSED)


def test_form_of_an_identity_is_filled_by_a_pasted_profile(session: Session) -> None:
    """It asks for the fields of its kind and for nothing that a use would need."""
    form = IdentityForm.of_kind(session.registry.get("aws"), "access-key")
    assert [problem.field for problem in form.problems()] == ["accessKeyId", "secretAccessKey"]
    form.paste(f"[hub]\naws_access_key_id = AKIA{'A' * 16}\naws_secret_access_key = {'s' * 40}\n")
    form.name = "hub"
    assert form.values()["accessKeyId"] == f"AKIA{'A' * 16}"
    assert form.values()["secretAccessKey"] == Secret("s" * 40)
    assert (form.problems(), form.possible_uses()) == ((), ())
    assert save_identity(session, form, None).name == "hub"


def test_what_its_last_test_said_holds_until_it_has_other_fields(session: Session, source: Identity) -> None:
    """A rename changes nothing of that, however often; other fields do."""
    assert session.identities.last_said(source) is None
    failed = CheckResult(
        Outcome.FAILED, datetime.now(UTC), 1.0, Failure(FailureKind.REJECTED, "It is not known.", "Make another.")
    )
    session.identities.note_test(source, failed)
    for number in range(60):
        source = session.identities.rename(source, f"tools-{number}")
    said = session.identities.last_said(source)
    assert said is not None
    assert (said.outcome, said.failure) == (Outcome.FAILED, FailureKind.REJECTED)
    assert session.identities.last_said(session.identities.replace(source, {"sourceCredentials": Secret("{}")})) is None
