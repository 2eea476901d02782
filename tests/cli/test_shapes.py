"""The JSON that others rely on, and the lines that people read."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from jackfield.__main__ import main
from jackfield.cli.commands import root
from providers.netlify.vendor import GOOD, Netlify

from .conftest import Jackfield

CREATE = ("connection", "create", "netlify", "-o", "acme", "--use", "secret-sync/env", "--target", "team=acme")


@pytest.fixture
def made(jackfield: Jackfield, secret_file: Callable[[str], str]) -> Jackfield:
    """With the connection sites."""
    jackfield.done(*CREATE, "--name", "sites", "--set", f"accessToken={secret_file(GOOD)}")
    return jackfield


def keys_of(value: Any) -> Any:
    """The shape of a value: names of its parts, and the shape of a list's first item."""
    if isinstance(value, dict):
        return {name: keys_of(part) for name, part in value.items()}
    return [keys_of(value[0])] if isinstance(value, list) and value else type(value).__name__


def test_providers_are_listed_in_their_shape(empty: Jackfield) -> None:
    listed = json.loads(empty.done("provider", "list", "--json"))
    netlify = next(one for one in listed if one["slug"] == "netlify")
    assert keys_of(netlify) == {
        "slug": "str",
        "name": "str",
        "category": "str",
        "methods": [
            {
                "id": "str",
                "name": "str",
                "recommended": "bool",
                "fields": [{"name": "str", "label": "str", "kind": "str", "required": "bool", "secret": "bool"}],
            }
        ],
        "uses": [
            {
                "id": "str",
                "feature": "str",
                "target": {name: {"label": "str", "required": "bool"} for name in ("team", "site")},
                "permissions": [{"name": "str", "why": "str", "when": "str"}],
            }
        ],
        "guide": ["str"],
        "platform_managed": "bool",
    }
    assert all(set(one) == set(netlify) and one["guide"] for one in listed)
    assert not empty.home.exists()


def test_one_provider_shows_how_it_was_tested_and_verified(empty: Jackfield) -> None:
    shown = json.loads(empty.done("provider", "show", "postgresql", "--json"))
    assert (shown["slug"], shown["tested"]["kind"], shown["platform_managed"]) == ("postgres", "real-server", True)
    assert all(row["verified"] for use in shown["uses"] for row in use["permissions"])
    assert "CREATEROLE" in empty.done("provider", "show", "postgres")


def test_a_test_is_told_in_its_shape(made: Jackfield) -> None:
    ran = made("connection", "test", "sites", "--json")
    assert ran.code == 0
    assert keys_of(ran.json) == {
        "connection": "str",
        "outcome": "str",
        "failure": "NoneType",
        "identity": {"account": "str", "name": "str", "id": "str"},
        "steps": [{"name": "str", "outcome": "str", "ms": "float"}],
        "grants": [{"use": "str", "permission": "str", "state": "str", "evidence": "str", "detail": "str"}],
        "expires_at": "NoneType",
        "duration_ms": "float",
    }
    assert (ran.json["connection"], ran.json["outcome"]) == ("sites", "passed")


def test_a_failed_test_says_why_and_what_to_do(made: Jackfield, netlify: Netlify) -> None:
    netlify.revoked = True
    ran = made("connection", "test", "sites", "--json")
    assert ran.code == 1
    assert keys_of(ran.json["failure"]) == {"kind": "str", "message": "str", "next_step": "str"}
    assert ran.json["failure"]["kind"] == "rejected"
    plain = made("connection", "test", "sites")
    assert plain.code == 1
    assert "make a new one (step 1)" in plain.out


def test_several_tests_are_a_list(made: Jackfield, secret_file: Callable[[str], str]) -> None:
    made.done(*CREATE, "-p", "web", "--name", "other", "--set", f"accessToken={secret_file(GOOD)}")
    assert [one["connection"] for one in made("connection", "test", "other", "sites", "--json").json] == [
        "other",
        "sites",
    ]
    assert {one["connection"] for one in made("connection", "test", "--all", "--json").json} == {"other", "sites"}
    assert [one["connection"] for one in made("connection", "test", "--project", "web", "--json").json] == ["other"]


def test_one_failure_among_several_gives_one(made: Jackfield, secret_file: Callable[[str], str]) -> None:
    made.done(*CREATE, "--name", "other", "--untested", "--set", f"accessToken={secret_file('nfp_WrongTokenOfNobody')}")
    ran = made("connection", "test", "--all")
    assert ran.code == 1
    assert "sites  passed" in ran.out
    assert "other  failed" in ran.out


def test_steps_are_told_on_the_other_stream_as_they_finish(made: Jackfield) -> None:
    ran = made("connection", "test", "sites")
    assert "authenticate passed" in ran.err
    assert "authenticate" not in ran.out
    assert made("connection", "test", "sites", "--json").err == ""


def test_what_fails_its_test_is_saved_only_on_purpose(jackfield: Jackfield, secret_file: Callable[[str], str]) -> None:
    wrong = secret_file("nfp_WrongTokenOfNobody")
    ran = jackfield(*CREATE, "--name", "sites", "--set", f"accessToken={wrong}", "--json")
    assert (ran.code, ran.json["connection"], ran.json["test"]["outcome"]) == (1, None, "failed")
    assert jackfield("connection", "list", "--json").json == []
    ran = jackfield(*CREATE, "--name", "sites", "--set", f"accessToken={wrong}", "--untested", "--json")
    assert (ran.code, ran.json["state"], ran.json["test"]) == (0, "untested", None)


def test_a_list_is_filtered_sorted_and_aligned(made: Jackfield, secret_file: Callable[[str], str]) -> None:
    token = secret_file("nfp_WrongTokenOfNobody")
    made.done(*CREATE, "-p", "web", "--name", "other", "--tag", "blue", "--untested", "--set", f"accessToken={token}")
    assert [row["name"] for row in made("connection", "list", "tag:blue", "--json").json] == ["other"]
    assert [row["name"] for row in made("connection", "list", "state:passed", "--json").json] == ["sites"]
    assert [row["name"] for row in made("connection", "list", "--sort", "state", "--json").json] == ["other", "sites"]
    lines = made.done("connection", "list", "-o", "acme").splitlines()
    assert len({line.index("netlify") for line in lines[1:]} | {lines[0].index("PROVIDER")}) == 1


def test_a_connection_is_copied_without_its_secret(made: Jackfield, secret_file: Callable[[str], str]) -> None:
    ran = made("connection", "create", "netlify", "-o", "acme", "--name", "copy", "--like", "sites")
    assert (ran.code, "Access token is needed" in ran.err) == (2, True)
    made.done(
        *("connection", "create", "netlify", "-o", "acme", "--name", "copy", "--like", "sites"),
        *("--set", f"accessToken={secret_file(GOOD)}"),
    )
    shown = json.loads(made.done("connection", "show", "copy", "--json"))
    assert shown["uses"] == [{"use": "secret-sync/env", "targets": {"team": "acme"}}]


def test_an_edit_changes_what_is_said_and_nothing_else(made: Jackfield) -> None:
    before = json.loads(made.done("connection", "show", "sites", "--json"))
    made.done("connection", "edit", "sites", "--description", "of the web team", "--every", "off", "--tag", "blue")
    after = json.loads(made.done("connection", "show", "sites", "--json"))
    changed = {name for name in after if after[name] != before[name]} - {"updated_at"}
    assert changed == {"description", "test_every_minutes", "tags"}
    made.done("connection", "edit", "sites", "--expires", "2031-05-01")
    assert json.loads(made.done("connection", "show", "sites", "--json"))["expires_at"] == "2031-05-01T23:59:59+00:00"
    assert "nfp_" not in made.done("connection", "show", "sites", "--fields")


def test_places_are_made_renamed_and_deleted(made: Jackfield) -> None:
    made.done("organization", "create", "other")
    made.done("organization", "rename", "other", "third")
    made.done("project", "create", "api", "-o", "third")
    made.done("project", "rename", "api", "rest", "-o", "third")
    made.done("connection", "move", "acme/sites", "--to-organization", "third", "--to-project", "rest")
    assert made("connection", "show", "third/rest/sites", "--json").json["project"] == "rest"
    assert made("project", "delete", "rest", "-o", "third").code == 5
    made.done("connection", "delete", "sites")
    made.done("project", "delete", "rest", "-o", "third")
    made.done("organization", "delete", "third")
    assert [one["name"] for one in made("organization", "list", "--json").json] == ["acme"]
    assert [one["name"] for one in made("project", "list", "-o", "acme", "--json").json] == ["web"]


def test_the_trail_is_listed_and_verified(made: Jackfield) -> None:
    listed = made("audit", "list", "--about", "sites", "--json").json
    assert [one["action"] for one in listed] == ["connection.test", "connection.create"]
    assert made("audit", "verify", "--json").json["whole"]


def test_a_bad_entry_of_the_trail_is_named(made: Jackfield) -> None:
    from sqlalchemy import update

    from jackfield.model.secret import Secret
    from jackfield.services.home import Home
    from jackfield.services.session import Session
    from jackfield.store import tables

    from .conftest import PASSPHRASE

    session = Session.unlock(Home(made.home), Secret(PASSPHRASE))
    with session.store.write() as tx:
        tx.run(update(tables.audit_event).where(tables.audit_event.c.seq == 2).values(action="nothing"))
    session.lock()
    ran = made("audit", "verify", "--json")
    assert (ran.code, ran.json["whole"], ran.json["bad"]) == (1, False, 2)


def test_json_is_ascii_and_lines_are_literal(jackfield: Jackfield) -> None:
    """What would steer a terminal is taken out of lines, and is written as a number in JSON."""
    hostile = "\x1b]0;owned\x07[red]caf\u00e9\u202e\x9b2J"
    jackfield.done("organization", "create", "other", "--description", hostile)
    plain = jackfield.done("organization", "list")
    assert "]0;owned[red]caf\u00e92J" in plain
    assert not set("\x1b\x07\u202e\x9b") & set(plain)
    out = jackfield.done("organization", "list", "--json")
    assert out.isascii()
    assert "\x1b" not in out


LOADED = """
import sys
from jackfield.cli import main
code = main(sys.argv[1:])
bad = {"textual", "rich", "httpx", "h11", "celpy", "boto3", "psycopg", "redis", "ldap3", "asyncssh", "pymongo"}
print(sorted(bad & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [("provider", "list"), ("status",), ("connection", "list"), ("audit", "verify"), ("doctor",), ("key", "slots")],
)
def test_a_command_that_tests_nothing_loads_no_client(jackfield: Jackfield, words: tuple[str, ...]) -> None:
    given = ["--home", str(jackfield.home), "--passphrase-file", str(jackfield.passphrase_file)]
    ran = subprocess.run([sys.executable, "-c", LOADED, *given, *words], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.splitlines()[-1] == "[]"


def test_the_help_names_every_command_and_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands under `commands:` is what there is."""
    monkeypatch.setattr(sys, "argv", ["jackfield", "--help"])
    assert main() == 0
    assert sorted(capsys.readouterr().out.partition("commands:\n")[2].split()) == sorted(root.commands)


def test_places_are_described(jackfield: Jackfield) -> None:
    """By commands of their own, which leave the name as it is; an empty sentence takes the old one away."""
    jackfield.done("organization", "describe", "acme", "of the anvils")
    jackfield.done("project", "describe", "web", "the shop", "-o", "acme")
    assert [one["description"] for one in jackfield("organization", "list", "--json").json] == ["of the anvils"]
    assert [one["description"] for one in jackfield("project", "list", "-o", "acme", "--json").json] == ["the shop"]
    jackfield.done("organization", "describe", "acme", "")
    assert [one["description"] for one in jackfield("organization", "list", "--json").json] == [""]
