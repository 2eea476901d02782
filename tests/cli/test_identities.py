"""Source identities from the command line: kept, tested by themselves, and lent to connections."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.gcp.vendor import ACCOUNT, METHOD, SOURCE, Gcp, key_file

from .conftest import Jackfield

CREATE = ("connection", "create", "gcp", "-o", "acme", "--method", METHOD, "--set", f"serviceAccountEmail={ACCOUNT}")


@pytest.fixture
def google(jackfield: Jackfield) -> Iterator[Gcp]:
    with Gcp() as world:
        jackfield.network = world.network
        yield world


@pytest.fixture
def made(jackfield: Jackfield, google: Gcp, secret_file: Callable[[str], str]) -> Jackfield:
    """With the identity tools."""
    given = f"sourceCredentials={secret_file(key_file())}"
    jackfield.done("identity", "create", "tools", "--provider", "gcp", "--kind", "source", "--set", given)
    return jackfield


def shown(jackfield: Jackfield, *words: str) -> Any:
    return json.loads(jackfield.done(*words, "--json"))


def test_identity_is_listed_and_shown_without_its_secret(made: Jackfield) -> None:
    (listed,) = shown(made, "identity", "list")
    assert set(listed) == {"id", "name", "provider", "kind", "used_by", "last_test", "created_at", "updated_at"}
    assert (listed["name"], listed["provider"], listed["kind"], listed["used_by"]) == ("tools", "gcp", "source", [])
    assert shown(made, "identity", "show", "tools", "--fields") == listed | {"fields": {}}
    assert "tools  gcp       source  0" in made.done("identity", "list")
    assert "PRIVATE KEY" not in made.done("identity", "show", listed["id"], "--fields")


def test_kind_may_be_left_out_where_there_is_one(made: Jackfield, secret_file: Callable[[str], str]) -> None:
    given = f"sourceCredentials={secret_file(key_file())}"
    assert shown(made, "identity", "create", "more", "--provider", "gcp", "--set", given)["kind"] == "source"


@pytest.mark.parametrize("command", [("create", "x", "--provider", "gcp"), ("replace", "tools")])
def test_secret_among_the_words_is_refused(made: Jackfield, command: tuple[str, ...]) -> None:
    ran = made("identity", *command, "--set", "sourceCredentials=canary-8f3c1e7a")
    assert (ran.code, ran.out, "=@FILE" in ran.err) == (2, "", True)
    assert "canary" not in ran.err


def test_test_says_who_it_is_and_fails_with_one(
    made: Jackfield, google: Gcp, secret_file: Callable[[str], str]
) -> None:
    passed = made("identity", "test", "tools", "--json")
    assert passed.code == 0
    assert (passed.json["source_identity"], passed.json["outcome"]) == ("tools", "passed")
    assert passed.json["identity"]["account"] == SOURCE
    assert shown(made, "identity", "show", "tools")["last_test"]["outcome"] == "passed"
    made.done("identity", "rename", "tools", "hub")
    made.done("identity", "rename", "hub", "tools")
    assert "passed, 2" in made.done("identity", "list")
    made.done("identity", "replace", "tools", "--set", f"sourceCredentials={secret_file(key_file('wrong'))}")
    assert shown(made, "identity", "show", "tools")["last_test"] is None
    failed = made("identity", "test", "tools", "--json")
    assert (failed.code, failed.json["failure"]["kind"]) == (1, "rejected")
    assert shown(made, "identity", "show", "tools")["last_test"]["failure"] == "rejected"


def test_connection_starts_from_it(made: Jackfield, google: Gcp) -> None:
    """It is tested with the identity's fields, and refuses other values for them."""
    created = shown(made, *CREATE, "--name", "deploy", "--identity", "tools")
    assert (created["state"], created["source_identity"]) == ("passed", "tools")
    assert shown(made, "identity", "show", "tools")["used_by"] == ["deploy"]
    assert shown(made, "connection", "test", "deploy")["outcome"] == "passed"
    ran = made(*CREATE, "--name", "other", "--identity", "tools", "--set", "sourceCredentials=-", stdin="{}")
    assert (ran.code, "The source identity tools gives this field." in ran.err) == (2, True)
    opened = [one for one in shown(made, "audit", "list") if one["action"] == "identity.open"]
    assert [(one["name"], one["reason"]) for one in opened] == [("tools", "test")]


def test_copy_starts_from_the_same_identity(made: Jackfield) -> None:
    made.done(*CREATE, "--name", "deploy", "--identity", "tools")
    copied = shown(made, *("connection", "create", "gcp", "-o", "acme", "--name", "copy", "--like", "deploy"))
    assert (copied["state"], copied["source_identity"]) == ("passed", "tools")


def test_identity_is_given_and_taken_by_an_edit(made: Jackfield, secret_file: Callable[[str], str]) -> None:
    own = f"sourceCredentials={secret_file(key_file())}"
    made.done(*CREATE, "--name", "deploy", "--set", own)
    edit = ("connection", "edit", "deploy", "--identity")
    assert shown(made, *edit, "tools")["source_identity"] == "tools"
    assert made("identity", "delete", "tools").code == 5
    refused = made(*edit, "none")
    assert (refused.code, "Source credentials is needed" in refused.err) == (2, True)
    assert shown(made, *edit, "none", "--set", own)["source_identity"] is None
    assert made("connection", "test", "deploy").code == 0
    made.done("identity", "delete", "tools")


def test_edit_that_lacks_a_field_changes_nothing_else(made: Jackfield) -> None:
    made.done(*CREATE, "--name", "deploy", "--identity", "tools")
    ran = made("connection", "edit", "deploy", "--identity", "none", "--description", "x")
    assert (ran.code, "Source credentials is needed" in ran.err) == (2, True)
    after = shown(made, "connection", "show", "deploy")
    assert (after["source_identity"], after["description"], after["state"]) == ("tools", "", "passed")


def test_identity_is_edited_together_with_the_rest(made: Jackfield, secret_file: Callable[[str], str]) -> None:
    made.done(*CREATE, "--name", "deploy", "--set", f"sourceCredentials={secret_file(key_file())}")
    edit = ("connection", "edit", "deploy", "--identity", "tools", "--description", "x")
    after = shown(made, *edit)
    assert (after["source_identity"], after["description"], after["state"]) == ("tools", "x", "untested")
    ran = made(*edit, "--set", "sourceCredentials=-", stdin="{}")
    assert (ran.code, "The source identity tools gives this field." in ran.err) == (2, True)
    assert made("connection", "test", "deploy").code == 0


def test_renamed_and_replaced_identity_stays_the_connections(
    made: Jackfield, secret_file: Callable[[str], str]
) -> None:
    """Other fields make what tests said void, and are what the next test uses."""
    made.done(*CREATE, "--name", "deploy", "--identity", "tools")
    made.done("identity", "rename", "tools", "hub")
    told = made.done("identity", "replace", "hub", "--set", f"sourceCredentials={secret_file(key_file('wrong'))}")
    assert "Test what starts from it: deploy." in told
    after = shown(made, "connection", "show", "deploy")
    assert (after["source_identity"], after["state"]) == ("hub", "untested")
    assert made("connection", "test", "deploy").code == 1


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (("identity", "show", "none"), 4, "source identity"),
        (("identity", "create", "x", "--provider", "none"), 4, "none"),
        (("identity", "create", "x", "--provider", "netlify"), 2, "Its connections have all their fields themselves"),
        (("identity", "create", "x", "--provider", "gcp", "--kind", "y"), 2, "no source identity of the kind y"),
        (("identity", "create", "tools", "--provider", "gcp"), 2, "is needed"),
        (("identity", "rename", "tools", "Not A Slug"), 2, "A name holds only a-z"),
        ((*CREATE, "--name", "x", "--identity", "other"), 4, "source identity"),
        (
            ("connection", "create", "netlify", "-o", "acme", "--name", "x", "--identity", "tools"),
            2,
            "cannot start from tools",
        ),
    ],
)
def test_what_is_wrong_is_named(made: Jackfield, words: tuple[str, ...], code: int, cause: str) -> None:
    ran = made(*words)
    assert (ran.code, ran.out) == (code, "")
    assert cause in ran.err
