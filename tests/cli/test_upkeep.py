"""The head of the trail, the copies there are, and the check of an open home, from the command line."""

import json
import shutil
from pathlib import Path

from .conftest import Jackfield


def put_back(jackfield: Jackfield, copy: Path) -> None:
    shutil.rmtree(jackfield.home)
    shutil.copytree(copy, jackfield.home)


def test_an_older_home_is_told_on_standard_error_until_it_is_accepted(jackfield: Jackfield, tmp_path: Path) -> None:
    """What a command prints as its result stays what it was."""
    shutil.copytree(jackfield.home, tmp_path / "yesterday")
    older = jackfield.done("audit", "head").strip()
    jackfield.done("organization", "create", "later")
    newer = jackfield.done("audit", "head").strip()
    assert jackfield("organization", "list").err == ""
    put_back(jackfield, tmp_path / "yesterday")
    ran = jackfield("organization", "list", "--json")
    assert [one["name"] for one in ran.json] == ["acme"]
    assert older in ran.err
    assert newer in ran.err
    assert jackfield("doctor").code == 1
    assert jackfield("audit", "accept").code == 0
    assert jackfield("organization", "list").err == ""
    assert jackfield("audit", "list", "--limit", "1", "--json").json[0]["reason"] == newer


def test_a_head_is_written_down_and_compared_later(jackfield: Jackfield, tmp_path: Path) -> None:
    """Also where nothing is noted outside the home, as on another machine."""
    shutil.copytree(jackfield.home, tmp_path / "yesterday")
    jackfield.done("organization", "create", "later")
    shown = json.loads(jackfield.done("audit", "head", "--json"))
    assert shown["head"].startswith(f"{shown['entries']}-")
    jackfield.done("organization", "create", "latest")
    assert jackfield("audit", "verify", "--head", shown["head"]).code == 0
    shutil.copytree(tmp_path / "yesterday", tmp_path / "moved")
    jackfield.home = tmp_path / "moved"
    assert jackfield("audit", "verify").code == 0
    ran = jackfield("audit", "verify", "--head", shown["head"], "--json")
    assert (ran.code, ran.json["whole"], ran.err) == (1, False, "")
    assert "missing" in ran.json["reason"]


def test_a_mistyped_head_is_a_mistake_of_usage(jackfield: Jackfield) -> None:
    ran = jackfield("audit", "verify", "--head", "4-AAAA-AAAA-AAAA-AAAA")
    assert (ran.code, "mistyped" in ran.err) == (2, True)


def test_locking_shows_the_head_without_a_key(jackfield: Jackfield) -> None:
    head = jackfield.done("audit", "head").strip()
    assert jackfield("lock", keys=False).out.splitlines()[-1].startswith(f"Head of the trail: {head} of ")
    assert jackfield("lock", "--json", keys=False).json["head"] == head
    for file in jackfield.home.glob("vault.jackfield*"):
        file.write_bytes(b"damaged")
    assert jackfield("lock", "--json", keys=False).json == {"asked": False, "head": None}


def test_copies_are_listed_with_their_age(jackfield: Jackfield, tmp_path: Path) -> None:
    assert jackfield("status", "--json").json["last_backup"] is None
    for name in ("first", "second"):
        jackfield.done("backup", str(tmp_path / name))
    (tmp_path / "first").unlink()
    jackfield.done("key", "rotate")
    jackfield.done("backup", str(tmp_path / "third"))
    listed = jackfield("backup", "--list", "--json").json
    assert [(Path(one["file"]).name, one["there"], one["old_keys"]) for one in listed] == [
        ("first", False, True),
        ("second", True, True),
        ("third", True, False),
    ]
    assert "ago" in jackfield("backup", "--list").out
    assert jackfield("status", "--json").json["last_backup"] == listed[-1]["made"]
    ran = jackfield("doctor")
    assert (ran.code, f"{tmp_path / 'second'} opens with the keys from before" in ran.out) == (1, True)
    assert str(tmp_path / "first") not in ran.out


def test_a_restore_keeps_a_copy_that_is_listed(jackfield: Jackfield, tmp_path: Path) -> None:
    jackfield.done("backup", str(tmp_path / "backup"))
    kept = json.loads(jackfield.done("restore", str(tmp_path / "backup"), "--json"))["kept"]
    listed = jackfield("backup", "--list", "--json").json
    assert {one["file"]: one["kind"] for one in listed} == {kept: "replaced by a restore"}


def test_a_backup_that_failed_is_not_listed(jackfield: Jackfield, tmp_path: Path) -> None:
    assert jackfield("backup", str(tmp_path / "nowhere" / "backup")).code == 5
    assert jackfield("backup", "--list", "--json").json == []
    assert jackfield("audit", "list", "--limit", "1", "--json").json[0]["outcome"] == "failed"


def test_a_backup_is_named_or_listed_and_not_both(jackfield: Jackfield, tmp_path: Path) -> None:
    assert jackfield("backup").code == 2
    assert jackfield("backup", "--list", str(tmp_path / "backup")).code == 2
    assert not (tmp_path / "backup").exists()


def test_the_doctor_looks_inside_when_it_can_open_the_home(jackfield: Jackfield) -> None:
    """Every page is read: damage that no command has met yet is found."""
    found = {one["name"]: one for one in jackfield("doctor", "--json").json}
    assert (found["database"]["ok"], found["trail"]["ok"], found["backup"]["cause"]) == (True, True, "there is none")
    database = jackfield.home / "store.db"
    raw = bytearray(database.read_bytes())
    raw[-2000] ^= 1
    database.write_bytes(raw)
    ran = jackfield("doctor", "--json")
    assert (ran.code, {one["name"]: one["ok"] for one in ran.json}["database"]) == (1, False)
    assert "database" not in {one["name"] for one in jackfield("doctor", "--json", keys=False).json}


def test_a_home_is_compacted_on_demand(jackfield: Jackfield) -> None:
    before = (jackfield.home / "store.db").stat().st_size
    said = {one["name"]: one["cause"] for one in jackfield("doctor", "--compact", "--json").json}
    assert said["compacted"].startswith(f"{before:,} bytes to ")
    assert [one["name"] for one in jackfield("organization", "list", "--json").json] == ["acme"]
    assert jackfield("audit", "list", "--limit", "1", "--json").json[0]["action"] == "store.compact"
