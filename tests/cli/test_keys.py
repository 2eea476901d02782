"""The ways into the vault, their replacement, and backups, from the command line."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from jackfield.model.errors import Refused
from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.list_view import ListView
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.store.listing import Sort
from jackfield.vault import keyrings
from jackfield.vault.slots import SlotKind
from providers.netlify.vendor import GOOD
from vault.test_keyrings import MemoryKeyring

from .conftest import PASSPHRASE, Jackfield


@pytest.fixture
def made(jackfield: Jackfield, secret_file: Callable[[str], str]) -> Jackfield:
    """With the connection sites."""
    jackfield.done(
        *("connection", "create", "netlify", "-o", "acme", "--name", "sites"),
        *("--set", f"accessToken={secret_file(GOOD)}"),
    )
    return jackfield


def write(file: Path, text: str) -> str:
    file.touch(mode=0o600)
    file.write_text(f"{text}\n")
    return str(file)


def test_a_vault_opens_by_every_slot_it_has(made: Jackfield, tmp_path: Path) -> None:
    second = write(tmp_path / "second", "another long passphrase")
    made.done("key", "add", "passphrase", "--new-passphrase-file", second)
    recovery = json.loads(made.done("key", "add", "recovery", "--json"))["recovery_key"]
    made.done("key", "add", "key-file", str(tmp_path / "key"))
    kinds = [one["kind"] for one in made("key", "slots", "--json").json]
    assert kinds == ["passphrase", "recovery", "passphrase", "recovery", "key-file"]
    noted = write(tmp_path / "recovery", recovery)
    for option, value in (
        ("--passphrase-file", second),
        ("--recovery-key-file", noted),
        ("--key-file", str(tmp_path / "key")),
    ):
        ran = made(option, value, "connection", "list", "--json", keys=False)
        assert [row["name"] for row in ran.json] == ["sites"]


def test_a_removed_slot_opens_nothing_and_the_last_one_stays(made: Jackfield, tmp_path: Path) -> None:
    slots = made("key", "slots", "--json").json
    recovery = next(one["id"] for one in slots if one["kind"] == "recovery")
    made.done("key", "remove", recovery)
    assert Home(made.home).ways_in() == (SlotKind.PASSPHRASE,)
    last = made("key", "slots", "--json").json[0]["id"]
    ran = made("key", "remove", last)
    assert (ran.code, Home(made.home).ways_in()) == (5, (SlotKind.PASSPHRASE,))


def test_a_changed_passphrase_replaces_the_one_before(made: Jackfield, tmp_path: Path) -> None:
    new = write(tmp_path / "new", "another long passphrase")
    made.done("key", "passphrase", "--new-passphrase-file", new)
    assert made("connection", "list").code == 3
    made.passphrase_file = Path(new)
    assert "sites" in made.done("connection", "list")
    short = write(tmp_path / "short", "short")
    assert made("key", "passphrase", "--new-passphrase-file", short).code == 2


def test_a_forgotten_passphrase_is_replaced_with_the_recovery_key(empty: Jackfield, tmp_path: Path) -> None:
    empty.done("init", "--recovery-key-file", str(tmp_path / "recovery"))
    assert (tmp_path / "recovery").stat().st_mode & 0o777 == 0o600
    new = write(tmp_path / "new", "another long passphrase")
    ran = empty(
        *("--recovery-key-file", str(tmp_path / "recovery"), "key", "passphrase", "--new-passphrase-file", new),
        keys=False,
    )
    assert ran.code == 0, ran.err
    assert empty("organization", "list").code == 3
    empty.passphrase_file = Path(new)
    assert empty("organization", "list").code == 0


def test_replaced_keys_open_everything_and_the_old_recovery_key_nothing(empty: Jackfield, tmp_path: Path) -> None:
    old = json.loads(empty.done("init", "--json"))["recovery_key"]
    empty.done("organization", "create", "acme")
    rotated = json.loads(empty.done("key", "rotate", "--data-keys", "--json"))
    assert "acme" in empty.done("organization", "list")
    for key, code in ((old, 3), (rotated["recovery_key"], 0)):
        noted = write(tmp_path / f"recovery-{code}", key)
        assert empty("--recovery-key-file", noted, "organization", "list", keys=False).code == code


def test_keys_are_not_replaced_while_a_way_in_would_be_lost(made: Jackfield, tmp_path: Path) -> None:
    second = write(tmp_path / "second", "another long passphrase")
    made.done("key", "add", "passphrase", "--new-passphrase-file", second)
    ran = made("key", "rotate")
    assert (ran.code, "nothing given opens it" in ran.err) == (5, True)
    made.done("key", "rotate", "--also-passphrase-file", second)
    assert made("--passphrase-file", second, "connection", "list", keys=False).code == 0


def test_a_backup_is_restored_into_another_home(made: Jackfield, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert json.loads(made.done("backup", str(backup), "--json"))["connections"] == 1
    made.home = tmp_path / "elsewhere"
    assert json.loads(made.done("restore", str(backup), "--json"))["kept"] is None
    assert made("connection", "test", "sites").code == 0
    made.done("organization", "create", "later")
    kept = json.loads(made.done("restore", str(backup), "--json"))["kept"]
    assert Path(kept).parent == made.home
    assert [one["name"] for one in made("organization", "list", "--json").json] == ["acme"]


def test_a_backup_needs_the_passphrase_of_its_time(made: Jackfield, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    made.done("backup", backup)
    new = write(tmp_path / "new", "another long passphrase")
    made.done("key", "passphrase", "--new-passphrase-file", new)
    ran = made("--passphrase-file", new, "restore", backup, keys=False)
    assert (ran.code, PASSPHRASE in ran.err) == (3, False)
    made.done("restore", backup)
    assert "sites" in made.done("connection", "list")


def test_values_are_sealed_anew_under_the_same_root_key(made: Jackfield) -> None:
    before = Home(made.home).folder.joinpath("vault.jackfield").read_bytes()
    credential_and_result = 2
    assert json.loads(made.done("key", "reseal", "--json")) == {"sealed_anew": credential_and_result}
    assert Home(made.home).folder.joinpath("vault.jackfield").read_bytes() == before
    assert made("connection", "test", "sites").code == 0


def test_what_is_set_is_shown_and_the_last_backup_told(made: Jackfield, tmp_path: Path) -> None:
    """Only a backup that was made counts as one."""
    assert json.loads(made.done("settings", "show", "--json"))["last_backup"] is None
    (tmp_path / "there").write_text("mine")
    assert made("backup", str(tmp_path / "there")).code == 5
    assert json.loads(made.done("settings", "show", "--json"))["last_backup"] is None
    made.done("backup", str(tmp_path / "copy"))
    assert json.loads(made.done("settings", "show", "--json"))["last_backup"]["file"] == str(tmp_path / "copy")
    assert "whoever unlocks this vault reads all of them" in made.done("settings", "show")


def test_the_head_of_the_trail_is_kept_in_the_keyring_when_asked(
    made: Jackfield, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a keyring that may be used it is refused, and nothing is chosen."""
    kept = MemoryKeyring()
    monkeypatch.setattr(keyrings, "system_keyring", lambda: kept)
    assert json.loads(made.done("settings", "head-in-keyring", "on", "--json")) == {"head_in_keyring": True}
    assert json.loads(made.done("settings", "show", "--json"))["head_in_keyring"] is True
    assert len(kept.entries) == 1
    made.done("settings", "head-in-keyring", "off")
    assert kept.entries == {}

    def none() -> MemoryKeyring:
        raise Refused("No keyring can be used.")

    monkeypatch.setattr(keyrings, "system_keyring", none)
    assert made("settings", "head-in-keyring", "on").code == 5
    assert json.loads(made.done("settings", "show", "--json"))["head_in_keyring"] is False


def test_the_columns_and_the_order_that_the_list_keeps_are_told(made: Jackfield) -> None:
    """As shipped, until they are chosen in the full-screen interface."""
    session = Session.unlock(Home(made.home), Secret(PASSPHRASE))
    with ExitStack() as then:
        then.callback(session.lock)
        Settings(session.store).keep_list_view(ListView((), Sort.STATE, descending=True).with_columns(["method"]))
    shown = json.loads(made.done("settings", "show", "--json"))["list"]
    assert shown == {"columns": ["name", "method", "state"], "sort": "state", "descending": True}
    assert "by state, descending" in made.done("settings", "show")


def test_the_line_to_the_terminal_is_set_without_the_vault(made: Jackfield) -> None:
    """It is known before the vault is open; what is no choice is refused."""
    assert json.loads(made.done("settings", "show", "--json"))["link"] == "auto"
    assert made("settings", "link", "slow", keys=False).code == 0
    assert json.loads(made.done("settings", "show", "--json"))["link"] == "slow"
    assert made("settings", "link", "quick").code == 2


def test_automatic_tests_are_paused_for_the_whole_home_and_go_on(made: Jackfield) -> None:
    """Wherever the home is looked at it is said; tests by hand go on."""
    assert json.loads(made.done("status", "--json"))["automatic_tests"] is True
    made.done("settings", "automatic-tests", "paused")
    assert json.loads(made.done("settings", "show", "--json"))["automatic_tests"] is False
    assert "paused: nothing is tested by itself" in made.done("settings", "show")
    assert "paused: nothing is tested by itself" in made.done("status")
    assert made("connection", "test", "sites").code == 0
    told = json.loads(made.done("audit", "list", "--json"))
    assert ("settings.tests", "paused") in {(entry["action"], entry["reason"]) for entry in told}
    made.done("settings", "automatic-tests", "on")
    assert json.loads(made.done("status", "--json"))["automatic_tests"] is True
    assert made("settings", "automatic-tests", "off").code == 2


def test_the_list_has_the_columns_that_are_asked_for(made: Jackfield) -> None:
    """In the order they are named; JSON stays whole, and what is no column is refused with those that are."""
    lines = made.done("connection", "list", "--columns", "state,name, method").splitlines()
    assert [line.split() for line in lines] == [["STATE", "NAME", "METHOD"], ["passed", "sites", "access-token"]]
    whole = made.done("connection", "list", "--json")
    assert made.done("connection", "list", "--columns", "name", "--json") == whole
    refused = made("connection", "list", "--columns", "name,colour")
    assert refused.code == 2
    assert "There is no column colour." in refused.err
    assert "name, provider, method" in refused.err


@pytest.mark.parametrize(("typed", "kept"), [("15", 15), ("never", None)])
def test_the_time_to_lock_by_itself_is_set(made: Jackfield, typed: str, kept: int | None) -> None:
    made.done("settings", "idle", typed)
    assert json.loads(made.done("settings", "show", "--json"))["idle_minutes"] == kept


@pytest.mark.parametrize("typed", ["0", "-1", "soon", "1441", "9" * 30])
def test_a_time_to_lock_that_is_none_is_refused(made: Jackfield, typed: str) -> None:
    assert made("settings", "idle", "--", typed).code == 2
    assert json.loads(made.done("settings", "show", "--json"))["idle_minutes"] == 5
