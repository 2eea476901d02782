"""Files that someone else made: links, rights, sizes, depths, and texts that would act on the terminal."""

import os
from pathlib import Path

import pytest

from jackfield.model.errors import UsageError
from jackfield.providers.contract.registry import Registry
from jackfield.services.importing import netrc
from jackfield.services.importing.documents import DEPTH_LIMIT, branch, leaf, read_ini, read_yaml
from jackfield.services.importing.finding import Finding, candidate_of
from jackfield.services.importing.machine import RECORD_LIMIT, SIZE_LIMIT, Machine, read_text
from jackfield.services.importing.sources import ENVIRONMENT, SOURCES, look, source

from .conftest import Look, Write

LINE = "db.example.com:5432:app:bob:secret\n"


def refused(found: object) -> str:
    """Why the one source was not read; nothing of it is told."""
    assert getattr(found, "candidates") == ()  # noqa: B009  any source
    (trouble,) = getattr(found, "troubles")  # noqa: B009
    return f"{trouble.message} {trouble.next_step}"


def test_a_link_is_not_followed(write: Write, looked: Look, machine: Machine) -> None:
    machine.home.joinpath(".pgpass").symlink_to(write("elsewhere", LINE))
    assert "it is a link" in refused(looked("pgpass"))


def test_a_folder_that_leads_out_of_the_home_is_not_entered(
    tmp_path: Path, looked: Look, machine: Machine, write: Write
) -> None:
    """Within the home it may lead elsewhere, as with folders of settings that are kept in one place."""
    outside = tmp_path / "outside"
    outside.mkdir()
    outside.joinpath("credentials").write_text("[a]\naws_access_key_id = x\n")
    machine.home.joinpath(".aws").symlink_to(outside)
    found = looked("aws")
    assert found.candidates == ()
    assert all("out of your home" in trouble.message for trouble in found.troubles)
    write("dotfiles/gh/hosts.yml", "github.com:\n  user: a\n  oauth_token: ghp_1\n")
    machine.home.joinpath(".config").symlink_to(machine.home / "dotfiles")
    assert len(looked("gh").candidates) == 1


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_can_write_is_not_read(mode: int, write: Write, looked: Look) -> None:
    write(".pgpass", LINE).chmod(mode)
    assert "other users can write it" in refused(looked("pgpass"))
    assert "chmod go-w" in refused(looked("pgpass"))


def test_what_is_someone_elses_is_not_read(write: Write, looked: Look) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(write(".pgpass", LINE), 12345, 12345)
    if os.geteuid() != 12345:
        assert "another user" in refused(looked("pgpass"))


def test_a_pipe_keeps_nobody_waiting(machine: Machine, looked: Look) -> None:
    os.mkfifo(machine.home / ".pgpass", 0o600)
    assert "no plain file" in refused(looked("pgpass"))


def test_five_mebibytes_are_the_limit(write: Write, looked: Look) -> None:
    write(".pgpass", "#" * (SIZE_LIMIT - len(LINE) - 1) + "\n" + LINE)
    assert len(looked("pgpass").candidates) == 1
    write(".pgpass", "#" * (SIZE_LIMIT - len(LINE)) + "\n" + LINE)
    assert "larger than 5 MiB" in refused(looked("pgpass"))


def test_what_is_no_text_is_not_read(write: Write, looked: Look, machine: Machine) -> None:
    write(".pgpass", "")
    machine.home.joinpath(".pgpass").write_bytes(b"db:5432:app:bob:\xff\n")
    assert "not UTF-8" in refused(looked("pgpass"))


@pytest.mark.parametrize(
    ("name", "one", "what"),
    [
        ("pgpass", "h:1:d:u:{}\n", "lines"),
        ("aws", "[a{}]\naws_access_key_id = x\n", "sections"),
        ("pg-service", "[a{}]\nhost=h\n", "sections"),
        ("netrc", "machine m{} login a password b\n", "machines"),
    ],
)
def test_ten_thousand_entries_are_the_limit(name: str, one: str, what: str) -> None:
    lines = [one.format(number) for number in range(RECORD_LIMIT + 1)]
    assert len(list(source(name).read(["".join(lines[:-1])]))) == RECORD_LIMIT
    with pytest.raises(UsageError, match=f"more than 10,000 {what}"):
        list(source(name).read(["".join(lines)]))


def test_too_many_entries_leave_none(write: Write, looked: Look) -> None:
    write(".pgpass", "h:1:d:u\n" * (RECORD_LIMIT + 1))
    assert "Nothing of it was read" in refused(looked("pgpass"))


def test_yaml_has_limits_of_its_own(write: Write, looked: Look) -> None:
    write(".config/gh/hosts.yml", "h:\n" + "".join(f"  a{number}: b\n" for number in range(5 * RECORD_LIMIT)))
    assert "more than 10,000 entries" in refused(looked("gh"))


def test_variables_have_a_limit(registry: Registry, machine: Machine) -> None:
    many = Machine(machine.home, {f"V{number}": "x" for number in range(RECORD_LIMIT + 1)})
    assert "more than 10,000 variables" in refused(look(registry, many, ENVIRONMENT))


BOMB = "a: &a [x, x]\n" + "".join(f"b{number}: &b{number} [*a, *a]\n" for number in range(9))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "aliases"),
        ("github.com: &x\n  user: a\nother: *x\n", "aliases"),
        ("[" * (DEPTH_LIMIT + 1), "nested more than"),
        ("".join(f"{' ' * depth}a:\n" for depth in range(DEPTH_LIMIT + 2)) + " " * (DEPTH_LIMIT + 2) + "b", "nested"),
        ("a: [", "not YAML (line 1)"),
        ("a: b: c", "not YAML"),
        ("\x00", "not YAML"),
        ("%TAG", "not YAML"),
    ],
)
def test_yaml_that_is_none_or_a_bomb_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match="YAML") as caught:
        read_yaml(text)
    assert why in str(caught.value)


def test_yaml_tags_make_nothing(tmp_path: Path) -> None:
    """Whatever a tag asks for, the text stays text."""
    trap = tmp_path / "made"
    tree = read_yaml(f"!!python/object/apply:os.system [touch {trap}]")
    assert tree == [f"touch {trap}"]
    assert not trap.exists()
    assert read_yaml("a: !!int x\n? [k]\n: v\n") == {"a": "x", "": "v"}
    assert read_yaml("") == ""


def test_trees_of_another_shape_hold_nothing() -> None:
    assert branch(["a"], "b") == {}
    assert leaf({"a": ["b"]}, "a") == ""
    assert read_ini("a = b\n", nested=True) == {}


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("pgpass", ".pgpass", "\\" * SIZE_LIMIT),
        ("pgpass", ".pgpass", ":" * SIZE_LIMIT),
        ("aws", ".aws/credentials", "[a]\nx" + " " * (SIZE_LIMIT - 100) + "y"),
        ("aws", ".aws/credentials", "[a]\naws_access_key_id =" + " #" * (SIZE_LIMIT // 2 - 100)),
        ("netrc", ".netrc", 'machine "' + '\\"' * (SIZE_LIMIT // 2 - 100)),
        ("netrc", ".netrc", 'machine a password "' + "x " * (SIZE_LIMIT // 20)),
        ("gh", ".config/gh/hosts.yml", "a: " + "b" * (SIZE_LIMIT - 100)),
        ("glab", ".config/glab-cli/config.yml", "[" * (SIZE_LIMIT - 100)),
    ],
    ids=["escapes", "colons", "white-space", "comments", "open-quote", "words", "scalar", "brackets"],
)
def test_one_endless_line_ends(name: str, file: str, text: str, write: Write, looked: Look) -> None:
    """No reader goes over a line more than once: with twice the work for each character this would take days."""
    write(file, text)
    assert looked(name).is_here


def test_an_endless_assignment_ends(write: Write, registry: Registry, machine: Machine) -> None:
    file = write("env", "GH_TOKEN=a" + " " * (SIZE_LIMIT - 100) + "b")
    (one,) = look(registry, machine, ENVIRONMENT, file).candidates
    assert "characters" in one.why_not


EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b31m\u202eevil\x00"


def test_what_steers_a_terminal_stays_out_of_every_word(registry: Registry) -> None:
    one = candidate_of(
        registry,
        "aws",
        Finding(EVIL, EVIL, "netlify", "access-token", {"accessToken": "nfp_1"}, notes=(EVIL,), why_not=EVIL),
    )
    assert one.name == "52-c-zxzpba-31m-evil"
    assert one.definition is not None
    for text in (one.origin, one.why_not, one.definition.description, *one.notes):
        assert "evil" in text
        assert not set(text) & set(EVIL[:1] + "\x07\x9b\u202e\x00")


def test_hidden_characters_leave_plain_fields_and_are_told_and_secrets_are_refused(registry: Registry) -> None:
    texts = {"PGHOST": "db\u200b.example.com", "PGUSER": "bob", "PGDATABASE": "app", "PGPASSWORD": "a"}
    one = candidate_of(registry, "env", Finding("x", "x", "postgres", "username-and-password", texts))
    assert one.fields["host"] == "db.example.com"
    assert one.notes == ("Host: invisible characters removed",)
    bad = candidate_of(
        registry, "env", Finding("x", "x", "postgres", "username-and-password", {**texts, "PGPASSWORD": "a\x1bb"})
    )
    assert bad.why_not == "Password holds control characters."


@pytest.mark.parametrize("name", ["", "💥", "../../etc/passwd", "-" * 300, "A" * 300])
def test_any_name_becomes_a_slug(name: str, registry: Registry) -> None:
    one = candidate_of(registry, "x", Finding("x", name, "netlify", "access-token", {"accessToken": "nfp_1"}))
    assert one.why_not == ""
    assert one.name in {"netlify", "etc-passwd", "a" * 64}


def test_a_provider_that_is_not_here_is_said(registry: Registry) -> None:
    assert "no provider nowhere" in candidate_of(registry, "x", Finding("x", "x", "nowhere", "y")).why_not
    assert "no method nothing" in candidate_of(registry, "x", Finding("x", "x", "netlify", "nothing")).why_not


def test_no_value_is_in_what_is_told_of_a_finding() -> None:
    finding = Finding("x", "x", "netlify", "access-token", {"accessToken": "nfp_canary"})
    assert "canary" not in repr(finding)
    (entry,) = netrc._entries("machine a password canary")
    assert "canary" not in repr(entry)


def test_a_file_that_is_not_there_is_nothing_unless_it_was_named(
    registry: Registry, machine: Machine, tmp_path: Path
) -> None:
    for one in SOURCES:
        assert not look(registry, machine, one).is_here
        assert "There is no file" in refused(look(registry, machine, one, tmp_path / "none"))
    with pytest.raises(UsageError, match="no file name"):
        read_text(Path("a\x00b"))
    assert source("aws").title == "AWS profiles"
