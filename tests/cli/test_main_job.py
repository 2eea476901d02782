"""The main job, from an empty folder to a tested connection, against a real server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.servers.databases import Postgres
from support.servers.room import Login, unique

from .conftest import Jackfield

USE = "dynamic-secret/group-role"


@pytest.fixture
def group(postgres: Postgres) -> Iterator[str]:
    """A role that short-lived roles become members of."""
    name = unique("group_")
    postgres.execute(f"create role {name} nologin")
    yield name
    postgres.execute(f"drop role {name}")


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as name:
        yield name


@pytest.fixture
def login(
    empty: Jackfield, postgres: Postgres, group: str, database: str, secret_file: Callable[[str], str]
) -> Iterator[Login]:
    """A role made by nothing but the SQL that the program prints for this use."""
    login = Login(unique("role_"), unique("pw-"))
    sql = empty.done(
        *("provider", "snippet", "postgres", "--use", USE, "--target", f"{USE}.group_role={group}"),
        *("--set", f"username={login.user}", "--set", f"password={secret_file(login.password)}"),
        *("--set", f"database={database}"),
    )
    for statement in filter(str.strip, sql.split(";\n")):
        postgres.execute(statement.replace("%", "%%"), database=database)
    yield login
    postgres.execute(f"drop owned by {login.user} cascade", database=database)
    postgres.execute(f"drop role {login.user}")


def test_six_commands_lead_from_an_empty_folder_to_a_tested_connection(
    empty: Jackfield, postgres: Postgres, login: Login, group: str, database: str, secret_file: Callable[[str], str]
) -> None:
    """Every one a process of its own, as a script would run them; the snippet's role has all it needs, and no more."""
    made = empty.process("init", "--json")
    assert made.code == 0, made.err
    assert len(made.json["recovery_key"]) == 39
    for words in (("organization", "create", "acme"), ("project", "create", "web", "-o", "acme")):
        assert empty.process(*words, "--json").code == 0
    created = empty.process(
        *("connection", "create", "postgres", "-o", "acme", "-p", "web", "--name", "db"),
        *("--method", "username-and-password", "--use", USE, "--target", f"{USE}.group_role={group}"),
        *("--set", f"host={postgres.host}", "--set", f"port={postgres.port}", "--set", f"database={database}"),
        *("--set", f"username={login.user}", "--set", f"password={secret_file(login.password)}"),
        *("--set", f"sslCertificate={secret_file(postgres.ca_pem)}", "--json"),
    )
    assert created.code == 0, created.out + created.err
    assert created.json["state"] == "passed"
    tested = empty.process("connection", "test", "db", "--json")
    assert tested.code == 0, tested.out + tested.err
    assert {grant["state"] for grant in tested.json["grants"]} <= {"granted", "implied"}
    listed = empty.process("connection", "list", "--json")
    assert [(row["name"], row["project"], row["state"]) for row in listed.json] == [("db", "web", "passed")]


def test_any_other_outcome_than_passed_gives_one(
    jackfield: Jackfield, postgres: Postgres, secret_file: Callable[[str], str]
) -> None:
    """`trust` is unproven, a missing group is limited, a wrong password is failed: none of them is a pass."""
    jackfield.network = None
    with postgres.role("in role trusted") as trusted, postgres.role() as plain:
        for name, user, password, use in (
            ("trusted", trusted.user, "whatever", ()),
            ("limited", plain.user, plain.password, ("--use", USE, "--target", f"{USE}.group_role=nobody")),
            ("failed", plain.user, "wrong", ()),
        ):
            jackfield.done(
                *("connection", "create", "postgres", "-o", "acme", "--name", name, *use, "--untested"),
                *("--set", f"host={postgres.host}", "--set", f"port={postgres.port}", "--set", "database=postgres"),
                *("--set", f"username={user}", "--set", f"password={secret_file(password)}"),
                *("--set", "sslEnabled=false"),
            )
        outcomes = {}
        for name in ("trusted", "limited", "failed"):
            ran = jackfield("connection", "test", name, "--json")
            assert ran.code == 1
            outcomes[name] = ran.json["outcome"]
    assert outcomes == {"trusted": "unproven", "limited": "limited", "failed": "failed"}


def test_a_secret_is_taken_over_and_given_back(
    jackfield: Jackfield, postgres: Postgres, secret_file: Callable[[str], str]
) -> None:
    jackfield.network = None
    with postgres.role() as login:
        place = ("--set", f"host={postgres.host}", "--set", f"port={postgres.port}", "--set", "database=postgres")
        given = secret_file(login.password)
        jackfield.done(
            *("connection", "create", "postgres", "-o", "acme", "--name", "db", *place, "--platform-managed"),
            *("--set", f"username={login.user}", "--set", f"password={given}", "--set", "sslEnabled=false"),
        )
        assert json.loads(jackfield.done("connection", "show", "db", "--json"))["platform_managed"]
        assert jackfield("connection", "list", "--with-secret", given[1:], "--json").json == []
        refused = jackfield("connection", "edit", "db", "--set", f"password={given}")
        assert (refused.code, "manages this secret" in refused.err) == (5, True)
        assert "Done" in jackfield.done("connection", "take-over", "db")
        jackfield.done("connection", "give-back", "db")
        assert jackfield("connection", "test", "db").code == 0
        assert not json.loads(jackfield.done("connection", "show", "db", "--json"))["platform_managed"]


def test_a_command_reads_the_credential_from_its_environment(
    jackfield: Jackfield, postgres: Postgres, secret_file: Callable[[str], str], tmp_path: Path
) -> None:
    """psql logs in with nothing in its words; the use is counted by the command's name."""
    jackfield.network = None
    with postgres.role() as login:
        jackfield.done(
            *("connection", "create", "postgres", "-o", "acme", "-p", "web", "--name", "db"),
            *("--set", f"host={postgres.host}", "--set", f"port={postgres.port}", "--set", "database=postgres"),
            *("--set", f"username={login.user}", "--set", f"password={secret_file(login.password)}"),
            *("--set", "sslEnabled=false"),
        )
        ran = jackfield.process("exec", "db", "--", "psql", "-XtAc", "select current_user")
        assert (ran.code, ran.out.strip()) == (0, login.user), ran.err
    used = json.loads(jackfield.done("connection", "uses", "db", "--json"))
    assert [(one["project"], one["kind"], one["name"], one["count"]) for one in used] == [("web", "command", "psql", 1)]
