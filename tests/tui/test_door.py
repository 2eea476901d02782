"""The true door: every way in, what is said before, and what was wrong with the vault."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.model.errors import LockedError
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.tui.door import SessionDoor
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.tui.screens.locked import FirstRunScreen, RecoveryScreen, UnlockScreen
from jackfield.vault import keyrings
from jackfield.vault.folder import HEADER_NAME
from jackfield.vault.slots import SlotKind
from jackfield.vault.sources import KeyringSource
from support.face import until
from support.stage import CHEAP, PASSPHRASE, said, shows, unlocked
from support.whole import Filling, Whole, enter

SIZE = (80, 24)


class _Keyring:
    """A keyring that answers."""

    priority = 5.0

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    yield made
    made.session.lock()


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> _Keyring:
    """The machine's keyring, as the vault finds it."""
    ring = _Keyring()
    monkeypatch.setattr(keyrings, "_choose", lambda _: (keyrings.Availability(True, "it answers", "a test"), ring))
    return ring


async def test_a_first_run_ends_in_the_list(tmp_path: Path) -> None:
    """Strength is said, the recovery key is shown and opens the vault, and the home is the user's alone."""
    home = Home(tmp_path / "home")
    app = Whole(home)
    async with app.run_test(size=SIZE) as pilot:
        assert isinstance(app.screen, FirstRunScreen)
        await pilot.press(*"aaaaaaaa")
        await shows(pilot, "Weak:", "OS keyring: not available here")
        await pilot.press(*["backspace"] * 8, *PASSPHRASE.reveal(), "tab", *PASSPHRASE.reveal())
        await shows(pilot, "Fair:", "Both are the same.")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecoveryScreen), turns=3000)
        assert isinstance(app.screen, RecoveryScreen)
        key = app.screen._key
        await shows(pilot, key.reveal())
        await pilot.press(*"written", "enter")
        await shows(pilot, "No organization yet")
        assert key.reveal() not in said(app)
    door = SessionDoor(home, costs=CHEAP, floor=CHEAP)
    door.unlock_with_recovery(key)
    door.lock()
    assert home.folder.stat().st_mode & 0o777 == 0o700


async def test_a_declined_recovery_key_opens_nothing(tmp_path: Path) -> None:
    """The slot is gone from the vault, and the trail says so."""
    home = Home(tmp_path / "home")
    app = Whole(home)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*PASSPHRASE.reveal(), "tab", *PASSPHRASE.reveal(), "enter")
        await until(pilot, lambda: isinstance(app.screen, RecoveryScreen), turns=3000)
        await pilot.press(*"decline", "enter")
        await shows(pilot, "No organization yet")
        assert [slot.kind for slot in app.session.vault.list_slots()] == [SlotKind.PASSPHRASE]
        assert app.session.audit.page()[0].event.action == "key.remove"
        await pilot.press("ctrl+l")
        await shows(pilot, "The vault is locked.")
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen) and app.screen._ways is not None, turns=3000)
        await pilot.press("f2")
        await shows(pilot, "This vault has no recovery key.")


async def test_a_folder_that_is_open_to_others_is_told_before_anything_is_typed(tmp_path: Path) -> None:
    """The cause and what to do stand on the first screen."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    (folder / "something").touch()
    folder.chmod(0o755)
    app = Whole(Home(folder))
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "Other users can reach", "chmod 700")


async def test_an_older_home_is_told_when_it_is_opened(filling: Filling, tmp_path: Path) -> None:
    """With both heads and what to do; the list is there all the same."""
    home = filling.home
    filling.session.lock()
    shutil.copytree(home.folder, tmp_path / "yesterday")
    with unlocked(home) as session:
        session.organizations.create("later")
    shutil.rmtree(home.folder)
    shutil.copytree(tmp_path / "yesterday", home.folder)
    app = Whole(home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "This is not the home that was closed here.", "jackfield audit accept")


async def test_the_recovery_key_opens(tmp_path: Path) -> None:
    """f2 asks for it; a mistyped one is told from a wrong one; f2 again asks for the passphrase."""
    home = Home(tmp_path / "home")
    session, key = Session.create(home, PASSPHRASE, costs=CHEAP, floor=CHEAP)
    session.lock()
    assert key is not None
    app = Whole(home)
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "f2 recovery key")
        await pilot.press("f2")
        await shows(pilot, "Recovery key", "f2 passphrase")
        await pilot.press(*"abcd", "enter")
        await shows(pilot, "A recovery key has 32 characters; this has 4.")
        await pilot.press("f2", "f2", *key.reveal().lower(), "enter")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen), turns=3000)


async def test_the_keyring_opens_where_it_holds_a_key(filling: Filling, keyring: _Keyring) -> None:
    """f3 is offered when the vault has such a slot and the keyring answers; no passphrase is typed."""
    filling.session.vault.add_slot(KeyringSource(keyring))
    app = Whole(filling.home)
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "f3 OS keyring")
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen), turns=3000)
        await pilot.press("ctrl+l")
        await shows(pilot, "f3 OS keyring")
        keyring.kept.clear()
        await pilot.press("f3")
        await shows(pilot, "The keyring holds no key for this vault.")


async def test_a_keyring_that_is_not_here_is_said_with_the_reason(
    filling: Filling, keyring: _Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vault has a slot for it, the machine has none: why, and the passphrase works."""
    filling.session.vault.add_slot(KeyringSource(keyring))
    monkeypatch.setattr(keyrings, "_choose", lambda _: (keyrings.Availability(False, "no D-Bus session", ""), None))
    app = Whole(filling.home)
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "not available here: no D-Bus")
        await pilot.press("f3")
        await shows(pilot, "No OS keyring opens this vault here.")
        await enter(pilot)


async def test_a_damaged_header_is_mended_and_told(filling: Filling) -> None:
    """The vault opens from the copy, and a warning says so inside."""
    header = filling.home.folder / HEADER_NAME
    header.write_bytes(header.read_bytes()[:-40])
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "The vault header was changed or damaged", "The vault was opened from")


async def test_a_truncated_database_is_told_on_the_locked_screen(filling: Filling) -> None:
    """The cause and the restore command; the vault stays locked."""
    filling.session.lock()
    (filling.home.folder / "store.db").write_bytes(b"")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*PASSPHRASE.reveal(), "enter")
        await shows(pilot, "is empty.", "jackfield restore FILE")
        with pytest.raises(LockedError):
            app.session_door.inside()


def test_a_lock_while_it_opens_wins(filling: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was opened too late is closed again, with its engine."""
    door = SessionDoor(filling.home, costs=CHEAP, floor=CHEAP)
    opened: list[Session] = []
    begin = Session.open.__func__  # type: ignore[attr-defined]  # the function under the class method

    def open_late(cls: type[Session], *given: object) -> Session:
        opened.append(begin(cls, *given))
        door.lock()
        return opened[0]

    monkeypatch.setattr(Session, "open", classmethod(open_late))
    with pytest.raises(LockedError, match="locked again meanwhile"):
        door.unlock(PASSPHRASE)
    assert opened[0].locked
    assert door.idle_minutes is None


def test_the_time_until_it_locks_is_kept_in_the_vault(filling: Filling) -> None:
    """Five minutes at first; what was chosen holds after the next unlock, never too."""
    for chosen in (5, 30, None, 1):
        door = SessionDoor(filling.home, costs=CHEAP, floor=CHEAP)
        door.unlock(PASSPHRASE)
        if chosen != 5:
            door.keep_idle_minutes(chosen)
            door.lock()
            door.unlock(PASSPHRASE)
        assert door.idle_minutes == chosen
        door.lock()
        assert door.idle_minutes is None


def test_nothing_is_behind_a_closed_door(tmp_path: Path) -> None:
    """Every question about the inside is refused, and locking twice is harmless."""
    door = SessionDoor(Home(tmp_path / "home"), costs=CHEAP, floor=CHEAP)
    for ask in (door.inside, door.warnings, door.decline_recovery, lambda: door.keep_idle_minutes(1)):
        with pytest.raises(LockedError):
            ask()
    door.lock()
    door.lock()
    assert not door.exists()
