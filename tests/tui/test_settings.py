"""Settings and security: the ways into the vault, its keys, backups, and what the screen says of this machine."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from jackfield.model.errors import HomeError
from jackfield.model.secret import Secret
from jackfield.services import rotation
from jackfield.services.home import Home
from jackfield.services.restore import restore
from jackfield.services.session import Session
from jackfield.store.store import Store
from jackfield.tui.screens.locked import RecoveryScreen, UnlockScreen
from jackfield.tui.screens.settings import changes, rows
from jackfield.tui.screens.settings.screen import SettingsScreen
from jackfield.tui.widgets.picker import Picker
from jackfield.vault.keyrings import Availability
from jackfield.vault.slots import SlotKind
from jackfield.vault.sources import PassphraseSource
from jackfield.vault.vault import Vault
from support.face import until
from support.package import installed
from support.stage import CHEAP, PASSPHRASE, said, shows
from support.whole import Filling, Whole, enter

SIZE = (100, 34)
NEW = "canary of nine lives"
ADD = ("n", "What shall open the vault?")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A vault with a passphrase, a recovery key and one connection; nobody has it open."""
    filling = Filling.of(tmp_path)
    filling.connection("site")
    filling.session.lock()
    return filling.home


@pytest.fixture
def app(home: Home) -> Whole:
    return Whole(home)


async def settings(pilot: Pilot[Any]) -> SettingsScreen:
    """Unlock and go to the settings."""
    await enter(pilot)
    await pilot.press("comma")
    await shows(pilot, "Jackfield › settings", "Key map")
    screen = pilot.app.screen
    assert isinstance(screen, SettingsScreen)
    return screen


async def highlight(pilot: Pilot[Any], title: str) -> None:
    """Move to the line of this title."""
    screen = pilot.app.screen
    assert isinstance(screen, SettingsScreen)
    position = next(number for number, row in enumerate(screen._rows) if row.title == title)
    await pilot.press("home", *["down"] * position)
    await until(pilot, lambda: screen._list.cursor == position)


async def choose(pilot: Pilot[Any], row: str, *then: str) -> None:
    """Type a part of a picker's row, and enter when nothing else is left."""
    await until(pilot, lambda: isinstance(pilot.app.screen, Picker), turns=3000)
    picker = pilot.app.screen
    assert isinstance(picker, Picker)
    await pilot.press(*row)
    await until(pilot, lambda: picker._list.count == 1, turns=3000)
    await pilot.press("enter", *then)


def opens(home: Home, passphrase: str) -> bool:
    """Whether a passphrase opens the vault, in another session."""
    from jackfield.model.errors import WrongPassphrase

    try:
        Session.unlock(home, Secret(passphrase), floor=CHEAP).lock()
    except WrongPassphrase:
        return False
    return True


def kinds(app: Whole) -> list[SlotKind]:
    return [slot.kind for slot in app.session.vault.list_slots()]


def trail(app: Whole) -> list[str]:
    return [entry.event.action for entry in app.session.audit.page(limit=20)]


async def test_what_is_set_is_listed_and_explained(app: Whole) -> None:
    """Ways in, backups, locking, theme, keys and machine; and that one unlocked user reads every organization."""
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await shows(
            pilot, "recovery key", "cannot be guessed", "after 5 minutes", "night", "none was made from this home"
        )
        await highlight(pilot, "Organizations")
        await shows(pilot, "not kept apart", "Whoever unlocks this vault reads all of its organizations and projects.")
        await highlight(pilot, "Put one back")
        await shows(pilot, "restore FILE", "--home")
        await pilot.press("escape")
        await shows(pilot, "1 connection")


async def test_sections_are_walked_by_left_and_right(app: Whole) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await settings(pilot)
        for number, title in enumerate(("Source identities …", "Automatic tests …", "Make one …", "By itself …"), 1):
            await pilot.press("right")
            await until(pilot, lambda: screen._list.cursor > 0)
            row = screen._list.highlighted
            assert (number, row.title if row else "") == (number, title)
        await pilot.press("left", "left", "left", "left")
        await until(pilot, lambda: screen._list.cursor == 0)


async def test_a_further_passphrase_opens_the_vault(app: Whole, home: Home) -> None:
    """It is judged while it is typed, and refused while the two differ."""
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await pilot.press(ADD[0])
        await choose(pilot, "passphrase")
        await shows(pilot, "A further passphrase")
        await pilot.press(*"short", "enter", "enter")
        await shows(pilot, "A passphrase needs 8 characters or more; this has 5.")
        await pilot.press("up", "ctrl+u", *NEW, "down", *"another", "enter")
        await shows(pilot, "The two are not the same")
        await pilot.press("ctrl+u", *NEW)
        await shows(pilot, "Both are the same.")
        await pilot.press("enter")
        await shows(pilot, "Added: that passphrase opens the vault, too.")
        assert kinds(app).count(SlotKind.PASSPHRASE) == 2
        assert trail(app)[0] == "key.add"
        assert opens(home, NEW)
        assert opens(home, PASSPHRASE.reveal())


@pytest.mark.parametrize("word", ["written", "decline"])
async def test_a_recovery_key_is_shown_once_and_written_down_or_declined(app: Whole, word: str) -> None:
    """The key that is declined opens nothing, and the one from before stays."""
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await pilot.press(ADD[0])
        await choose(pilot, "recovery")
        await until(pilot, lambda: isinstance(app.screen, RecoveryScreen), turns=3000)
        assert isinstance(app.screen, RecoveryScreen)
        key = app.screen._key
        await pilot.press(*word, "enter")
        await shows(pilot, "The recovery key opens" if word == "written" else "No recovery key was kept.")
        assert kinds(app).count(SlotKind.RECOVERY) == (2 if word == "written" else 1)
        await pilot.press("ctrl+l")
    if word == "written":
        Session.open(app.session_door._home, lambda: Vault.unlock_with_recovery(app.home, key, floor=CHEAP)).lock()


async def test_a_key_file_is_made_and_a_wrong_one_refused(app: Whole, tmp_path: Path) -> None:
    """A name that cannot be used stays in the window to be mended."""
    wrong, path = tmp_path / "wrong.key", tmp_path / "new.key"
    wrong.write_bytes(b"too short")
    wrong.chmod(0o600)
    async with app.run_test(size=(120, 34), notifications=True) as pilot:
        await settings(pilot)
        await pilot.press(ADD[0])
        await choose(pilot, "file")
        await shows(pilot, "Which key file?")
        await pilot.press("ctrl+u", *str(wrong), "enter")
        await shows(pilot, "A key file has 32 bytes; this one has not.", "Which key file?")
        await pilot.press("ctrl+u", *str(path), "enter")
        await until(pilot, lambda: SlotKind.KEY_FILE in kinds(app), turns=3000)
        await pilot.press("ctrl+l")
    assert len(path.read_bytes()) == 32
    Session.open(Home(app.home), lambda: Vault.unlock_with_key_file(app.home, path, floor=CHEAP)).lock()


async def test_the_keyring_says_why_it_cannot_be_used(app: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    for module in (changes, rows):
        monkeypatch.setattr(module, "keyring_availability", lambda: Availability(False, "no D-Bus session", ""))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await highlight(pilot, "Add a way in …")
        await shows(pilot, "The OS keyring cannot be used", "here: no D-Bus session.")
        await pilot.press("enter")
        await choose(pilot, "keyring")
        await shows(pilot, "No keyring can be used")
        assert kinds(app) == [SlotKind.PASSPHRASE, SlotKind.RECOVERY]


async def test_a_keyring_that_answers_opens_the_vault(app: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is added, and removed along with its entry."""
    kept: dict[str, str] = {}

    class Kept:
        def get_password(self, service: str, username: str) -> str | None:
            return kept.get(username)

        def set_password(self, service: str, username: str, password: str) -> None:
            kept[username] = password

        def delete_password(self, service: str, username: str) -> None:
            del kept[username]

    monkeypatch.setattr(changes, "keyring_availability", lambda: Availability(True, "it answers", "Secret Service"))
    monkeypatch.setattr(changes, "system_keyring", Kept)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await pilot.press(ADD[0])
        await choose(pilot, "keyring")
        await shows(pilot, "Let the OS keyring open the vault?")
        await pilot.press("y")
        await until(pilot, lambda: SlotKind.KEYRING in kinds(app), turns=3000)
        assert len(kept) == 1
        await shows(pilot, "OS keyring")
        await highlight(pilot, "OS keyring")
        await pilot.press("d")
        await shows(pilot, "Remove the OS keyring as a way into the vault?")
        await pilot.press(*"remove", "enter")
        await until(pilot, lambda: SlotKind.KEYRING not in kinds(app), turns=3000)
        assert kept == {}


async def test_a_way_in_goes_when_its_word_is_typed_and_the_last_never(app: Whole, home: Home) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await settings(pilot)
        await highlight(pilot, "recovery key")
        await pilot.press("d")
        await shows(pilot, "Remove the recovery key as a way into the vault?", "What is left: passphrase.")
        await pilot.press(*"yes", "enter")
        await shows(pilot, "That is not  remove  yet")
        await pilot.press(*["backspace"] * 3, *"remove", "enter")
        await shows(pilot, "Removed: the recovery key opens nothing any more.")
        assert kinds(app) == [SlotKind.PASSPHRASE]
        assert trail(app)[0] == "key.remove"
        await until(pilot, lambda: screen._rows[1].slot is None)
        await highlight(pilot, "passphrase")
        await pilot.press("d")
        await shows(pilot, "The passphrase stays. It is the only one.", "Add another way in first.")
        assert kinds(app) == [SlotKind.PASSPHRASE]


async def test_the_passphrase_is_changed_by_who_knows_it(app: Whole, home: Home) -> None:
    """A wrong one is said, what was typed anew stays, and the one before opens nothing afterwards."""
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await pilot.press("p")
        await shows(pilot, "Change the passphrase", "Passphrase of now")
        await pilot.press(*"not the one", "enter", *NEW, "enter", *NEW, "enter")
        await shows(pilot, "The passphrase is wrong.")
        assert opens(home, PASSPHRASE.reveal())
        await pilot.press(*PASSPHRASE.reveal(), "enter", "down", "enter")
        await shows(pilot, "Changed: from now on the new passphrase opens the vault.")
        assert NEW not in said(app)
        assert trail(app)[0] == "key.passphrase"
    assert opens(home, NEW)
    assert not opens(home, PASSPHRASE.reveal())


async def test_the_root_key_is_replaced_with_everything_that_opens_the_vault(app: Whole, home: Home) -> None:
    """What the vault opens afterwards, its new recovery key included, and the schedule goes on."""
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        before = app.session.vault.database_key()
        await pilot.press("f6")
        await shows(pilot, "Replace the root key", "Passphrase of")
        await pilot.press("enter")
        await shows(pilot, "is needed")
        await pilot.press(*"not the one", "enter")
        await shows(pilot, "would be lost")
        assert app.session.vault.database_key() == before
        await pilot.press("ctrl+u", *PASSPHRASE.reveal(), "enter")
        await until(pilot, lambda: isinstance(app.screen, RecoveryScreen), turns=5000)
        assert isinstance(app.screen, RecoveryScreen)
        key = app.screen._key
        await pilot.press(*"written", "enter")
        await shows(pilot, "Replaced: everything is sealed under a new root key.")
        assert app.session.vault.database_key() != before
        assert app.session.vault.previous is None
        assert app.session_door.inside()[1]._scheduler is not None
        assert app.session.connections.find("site").name == "site"
        await pilot.press("ctrl+l")
    assert opens(home, PASSPHRASE.reveal())
    Session.open(home, lambda: Vault.unlock_with_recovery(home.folder, key, floor=CHEAP)).lock()


async def test_a_root_key_cut_off_half_way_locks_and_is_finished_by_the_next_unlock(
    app: Whole, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails between the header and the database."""

    def fails(*_: object) -> None:
        raise HomeError("The disk is full.", "Make room.")

    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        before = app.session.vault.database_key()
        with monkeypatch.context() as broken:
            broken.setattr(Store, "rekey", fails)
            await pilot.press("f6")
            await shows(pilot, "Passphrase of")
            await pilot.press(*PASSPHRASE.reveal(), "enter")
            await until(pilot, lambda: isinstance(app.screen, UnlockScreen), turns=5000)
            await shows(pilot, "The disk is full.")
        await enter(pilot)
        assert app.session.vault.database_key() != before
        assert app.session.vault.previous is None
        assert app.session.store.damage() == ()


async def test_another_jackfield_keeps_the_root_key_where_it_is(app: Whole, home: Home) -> None:
    other = Session.unlock(home, PASSPHRASE, floor=CHEAP)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await pilot.press("f6")
        await shows(pilot, "Passphrase of")
        await pilot.press(*PASSPHRASE.reveal(), "enter")
        await shows(pilot, "Another Jackfield has this home open.")
        assert app.session.vault.previous is None
    other.lock()


async def test_every_value_is_sealed_anew(app: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked first, told by the batch, and readable afterwards."""
    monkeypatch.setattr(rotation, "BATCH", 1)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        site = app.session.connections.find("site")
        before = app.session.connections.fields(site, reason="test")
        await pilot.press("f7")
        await shows(pilot, "Seal every stored value anew?")
        await pilot.press("y")
        await shows(pilot, "1 values sealed anew", "Done: 1 values are sealed with fresh data keys.")
        assert app.session.connections.fields(site, reason="test") == before
        assert "key.rotate" in trail(app)


async def test_a_backup_replaces_nothing_and_can_be_put_back(app: Whole, home: Home, tmp_path: Path) -> None:
    """A name that is taken stays in the window; when it was made is said from then on."""
    there, target = tmp_path / "there", tmp_path / "copy"
    there.write_text("mine")
    async with app.run_test(size=(120, 34), notifications=True) as pilot:
        await settings(pilot)
        await pilot.press("b")
        await shows(pilot, "Put the backup into which file?", "A file that exists is not replaced.")
        await pilot.press("ctrl+u", *str(there), "enter")
        await shows(pilot, "already.", "Put the backup into which file?")
        await pilot.press("ctrl+u", *str(target), "enter")
        await shows(pilot, "Done: 1 connections are in")
        await shows(pilot, f"ago: {target}"[:40])
    assert there.read_text() == "mine"
    other = Home(tmp_path / "other")
    assert restore(other, target, PassphraseSource(PASSPHRASE), floor=CHEAP).manifest.connections == 1


async def test_idle_theme_and_key_map_are_reached_by_enter(app: Whole, home: Home) -> None:
    """What was chosen shows when the choice is closed."""
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await highlight(pilot, "By itself …")
        await pilot.press("enter")
        await shows(pilot, "After 60 minutes")
        await pilot.press(*"60", "enter")
        await shows(pilot, "after 60 minutes")
        await highlight(pilot, "Theme …")
        await pilot.press("enter")
        await shows(pilot, "Choose a theme")
        await pilot.press(*"paper")
        await until(pilot, lambda: app.theme == "paper", turns=3000)
        await pilot.press("escape")
        await shows(pilot, "Theme …                  night")
        await pilot.press("enter")
        await shows(pilot, "Choose a theme")
        await pilot.press(*"day", "enter")
        await shows(pilot, "Theme …                  day")
        await highlight(pilot, "Key map …")
        await pilot.press("enter")
        await shows(pilot, 'app.help: ["?", "f1"]')


async def test_a_key_map_written_from_the_settings_can_be_read(app: Whole, home: Home) -> None:
    """The file that the screen writes is one that the next start takes."""
    from jackfield.tui.keys import ACTIONS, read_key_map

    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        await highlight(pilot, "Key map …")
        await pilot.press("enter")
        await shows(pilot, "app.help:")
        await pilot.press("w")
        await shows(pilot, "Write it to which file?")
        await pilot.press("ctrl+u", *str(home.folder / "keys.yaml"), "enter")
        await until(pilot, (home.folder / "keys.yaml").exists, turns=3000)
    assert read_key_map(home.folder / "keys.yaml") == {each.id: each.keys for each in ACTIONS}


async def test_what_is_typed_into_secret_fields_is_found_nowhere(app: Whole, tmp_path: Path) -> None:
    """Neither on a screen, unless it was revealed, nor in any file, nor in the trail."""
    canary = "canary-5b1d9e77-passphrase"
    shown: list[str] = []
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settings(pilot)
        for keys in (["p"], ["f6"], ["n", *"a passphrase"]):
            await pilot.press(*keys[:1])
            if keys[1:]:
                await choose(pilot, "passphrase")
            await until(pilot, lambda: len(app.screen.query("SecretInput")) > 0, turns=3000)
            for field in app.screen.query("SecretInput"):
                field.focus()
                await pilot.press(*canary)
                shown.append(said(app))
            await pilot.press("enter")
            await until(pilot, lambda: getattr(app.screen, "_busy", False) is False, turns=5000)
            shown.append(said(app))
            if not isinstance(app.screen, SettingsScreen):
                await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, SettingsScreen), turns=3000)
        shown += [str(entry) for entry in app.session.audit.page(limit=50)]
    assert not [text for text in shown if canary in text]
    found = [file for file in tmp_path.rglob("*") if file.is_file() and canary.encode() in file.read_bytes()]
    assert found == []


async def test_a_package_runs_when_it_is_trusted_and_says_when_it_changed(
    app: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown with its digest first; trusted no more by the same key."""
    with installed(tmp_path / "site", monkeypatch) as acme:
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await settings(pilot)
            await highlight(pilot, "acme …")
            await shows(pilot, "not trusted · acme-jackfield 1.2")
            await pilot.press("enter")
            digest = app.session.packages.offers()[0].digest
            await shows(pilot, "Let the provider acme run?", digest[:32], digest[32:])
            await pilot.press("n")
            await shows(pilot, "Jackfield › settings")
            assert app.session.packages.trusted() == {}
            await pilot.press("enter")
            await shows(pilot, "Let the provider acme run?")
            await pilot.press("y")
            await shows(pilot, "✔ trusted", "is used from now on")
            assert app.session.packages.trusted() == {"acme": digest}
            assert trail(app)[0] == "provider.trust"
            acme.write("more.py", "")
            await pilot.press("enter")
            await shows(pilot, "Trust the provider acme no more?")
            await pilot.press("y")
            await shows(pilot, "not trusted", "is not used any more")
            assert (app.session.packages.trusted(), acme.imported) == ({}, [])


async def test_a_changed_package_is_named_where_it_is_trusted(
    app: Whole, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(tmp_path / "site", monkeypatch) as acme:
        session = Session.unlock(home, PASSPHRASE, floor=CHEAP)
        session.packages.trust("acme", session.packages.offers()[0].digest)
        session.lock()
        acme.write("more.py", "")
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await settings(pilot)
            await highlight(pilot, "acme …")
            await shows(pilot, "✖ changed since it was trusted")
            await pilot.press("enter")
            await shows(pilot, "Let the provider acme run?", "Its files are not those that were trusted before.")
            await pilot.press("y")
            await shows(pilot, "✔ trusted")
