"""The application around the screens: the door, locking, faults, the palette and small terminals."""

import stat
from pathlib import Path

import pytest
from textual.screen import Screen

from jackfield.model.errors import (
    Conflict,
    HomeError,
    JackfieldError,
    StoreTampered,
    StoreTooNew,
    WrongPassphrase,
)
from jackfield.model.secret import Secret
from jackfield.tui.app import JackfieldApp
from jackfield.tui.crash import record_crash
from jackfield.tui.door import HEADER_FILES
from jackfield.tui.screens.help import HelpScreen
from jackfield.tui.screens.locked import FirstRunScreen, RecoveryScreen, UnlockScreen
from jackfield.tui.screens.too_small import TooSmall
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.picker import Picker
from jackfield.tui.widgets.secret_input import SecretInput
from jackfield.vault.folder import COPY_NAME, HEADER_NAME
from support.face import ClosedDoor, Face, Rows, example_list, until

CANARY = "canary-77f0 of a passphrase"


class _Inside(Screen[None]):
    pass


class _Door(ClosedDoor):
    """Opens for one passphrase."""

    def __init__(self, *, there: bool = True) -> None:
        self.there = there
        self.created: list[str] = []
        self.declined = False

    def exists(self) -> bool:
        return self.there

    def create(self, passphrase: Secret) -> Secret | None:
        self.created.append(passphrase.reveal())
        return Secret("ABCD-EFGH")

    def decline_recovery(self) -> None:
        self.declined = True

    def unlock(self, passphrase: Secret) -> None:
        if passphrase != Secret("right"):
            raise WrongPassphrase("That is not the passphrase.", "Try again.")


def _app(home: Path, door: _Door) -> JackfieldApp:
    return JackfieldApp(home, door, opened=_Inside)


def test_the_door_looks_for_the_files_of_the_vault() -> None:
    """The names it knows without importing the vault are the vault's own."""
    assert HEADER_FILES == (HEADER_NAME, COPY_NAME)


async def test_the_right_passphrase_opens_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    """A wrong passphrase empties the field and says so; the right one shows what is inside."""
    app = _app(tmp_path, _Door())
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.screen, UnlockScreen)
        await pilot.press(*"wrong", "enter")
        await until(pilot, lambda: "That is" in str(app.screen.query_one("#answer").visual))
        assert app.screen.query_one(SecretInput).value == Secret("")
        assert "That is not the passphrase. Try again." in str(app.screen.query_one("#answer").visual)
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))


@pytest.mark.parametrize("word", ["written", "decline"])
async def test_a_first_run_makes_a_vault_and_shows_the_recovery_key_once(tmp_path: Path, word: str) -> None:
    """Twice the same passphrase; then the recovery key, which only a word leads on from; then inside."""
    door = _Door(there=False)
    app = _app(tmp_path, door)
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.screen, FirstRunScreen)
        await pilot.press(*CANARY, "tab", *"other", "enter")
        assert "not the same" in str(app.screen.query_one("#answer").visual)
        await pilot.press(*["backspace"] * 5, *CANARY, "enter")
        await until(pilot, lambda: isinstance(app.screen, RecoveryScreen))
        await pilot.press("enter", "escape", "enter", *"yes", "enter")
        assert isinstance(app.screen, RecoveryScreen)
        await pilot.press(*["backspace"] * 3, *word, "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))
    assert door.created == [CANARY]
    assert door.declined is (word == "decline")


async def test_locking_closes_every_screen_and_the_door(tmp_path: Path) -> None:
    """Whatever is open, the lock key leads back to the locked screen."""
    door = _Door()
    app = _app(tmp_path, door)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))
        await pilot.press("f1", "ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen))
        assert len(app.screen_stack) == 2
        assert door.locked == 1


class _Page(WorkingScreen[None]):
    pass


class _Begun(WorkingScreen[None]):
    LEADS_ON = False


async def test_a_destination_takes_the_place_of_another_and_of_nothing_unsaved(tmp_path: Path) -> None:
    """The door leads nowhere, nor does a screen that would lose something; elsewhere one page follows another."""
    made = [_Page(), _Page()]
    app = JackfieldApp(tmp_path, _Door(), opened=WorkingScreen, destination=lambda name: made[int(name)])
    async with app.run_test(size=(80, 24)) as pilot:
        await app.run_action("app.go('0')")
        assert isinstance(app.screen, UnlockScreen)
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: not isinstance(app.screen, UnlockScreen))
        for page in made:
            await app.run_action(f"app.go('{made.index(page)}')")
            assert app.screen is page
            assert len(app.screen_stack) == 3
        await app.push_screen(_Begun())
        await app.run_action("app.go('0')")
        assert isinstance(app.screen, _Begun)


async def test_a_hang_up_locks_and_leaves(tmp_path: Path) -> None:
    """The door is closed before the program ends, with the shell's code for a hang-up."""
    door = _Door()
    app = _app(tmp_path, door)
    async with app.run_test() as pilot:
        app.hang_up()
        await pilot.pause()
    assert door.locked == 1
    assert app.return_value == 129


async def test_the_palette_lists_what_applies_here_and_runs_it(tmp_path: Path) -> None:
    """Typing a part of an action's name and enter runs it; the screenshot of the framework is not offered."""
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test(size=(80, 24)) as pilot:
        listing.load(Rows(5))
        await pilot.press("ctrl+p")
        await face.workers.wait_for_complete()
        assert isinstance(face.screen, Picker)
        assert not any("creenshot" in item.title for item in face.screen._items)
        await pilot.press(*"hel")
        await face.workers.wait_for_complete()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(face.screen, HelpScreen))
        await pilot.press("escape")
        assert len(face.screen_stack) == 2


async def test_a_small_terminal_is_told_so_until_it_grows(tmp_path: Path) -> None:
    """Under the smallest size a message stands in; it goes by itself."""
    face = Face(tmp_path)
    async with face.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: isinstance(face.screen, TooSmall))
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not isinstance(face.screen, TooSmall)


async def test_a_fault_is_kept_without_any_value(tmp_path: Path) -> None:
    """The door is locked, and the record names places in the code, not what was handled."""

    def fall(_: Face) -> None:
        secret = CANARY
        raise ValueError(f"could not handle {secret}")

    async def run(face: Face) -> None:
        async with face.run_test() as pilot:
            face.call_later(fall, face)
            await pilot.pause()

    face = Face(tmp_path)
    with pytest.raises(ValueError, match="could not handle"):
        await run(face)
    assert face.crash is not None
    assert face.crash.path is not None
    text = face.crash.path.read_text()
    assert "builtins.ValueError" in text
    assert "fall" in text
    assert "canary" not in text + face.crash.told()
    assert stat.S_IMODE(face.crash.path.stat().st_mode) == 0o600
    assert face.door.locked == 1  # type: ignore[attr-defined]  # the double counts


def test_the_same_fault_has_the_same_id(tmp_path: Path) -> None:
    """Two users can tell that they met the same one; a home that cannot be written gives no path."""

    def fall(text: str) -> Exception:
        try:
            {}[text]
        except KeyError as error:
            return error
        raise AssertionError

    first, second = record_crash(fall("a"), tmp_path), record_crash(fall("b"), tmp_path / "missing" / "home")
    assert first.id == second.id
    assert second.path is None


class _Broken(_Door):
    """Opens by a fault of our own."""

    def unlock(self, passphrase: Secret) -> None:
        raise KeyError(CANARY)


async def test_a_fault_while_opening_is_told_and_the_field_is_there_again(tmp_path: Path) -> None:
    """The screen says that it did not open, the notice says why, and neither shows a value."""
    app = _app(tmp_path, _Broken())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: "It was not opened. Try again." in str(app.screen.query_one("#answer").visual))
        await until(pilot, lambda: app._notifications)
        assert "by a fault of Jackfield's own" in next(iter(app._notifications)).message
        assert "canary" not in next(iter((tmp_path / "crashes").iterdir())).read_text()


@pytest.mark.parametrize(
    "error",
    [
        StoreTooNew("This store was made by a newer Jackfield.", "Update this one."),
        StoreTampered("A page of the database is not what was written.", "Restore a backup."),
        HomeError("store.db cannot be written.", "Make its disk and folder writable, then try again."),
        Conflict("Another session changed the keys of this vault.", "Lock, unlock, and do it again."),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_why_it_does_not_open_is_said_where_it_is_asked(tmp_path: Path, error: JackfieldError) -> None:
    """Cause and next step stand under the field, which is empty and has the focus."""

    class Refusing(_Door):
        def unlock(self, passphrase: Secret) -> None:
            raise error

    app = _app(tmp_path, Refusing())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: str(error) in str(app.screen.query_one("#answer").visual))
        field = app.screen.query_one(SecretInput)
        assert field.has_focus
        assert not field.value


class _Clock:
    """Time as a test sets it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_it_locks_when_nobody_touched_a_key_for_too_long(tmp_path: Path) -> None:
    """Touching in time keeps it open; after that the next key locks, does nothing else, and the screen says why."""
    clock, door = _Clock(), _Door()
    app = JackfieldApp(tmp_path, door, opened=_Inside, clock=clock, awake=clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))
        door.idle_minutes = 5
        clock.now += 299
        assert not app._lock_when_away()
        await pilot.press("x")
        clock.now += 299
        assert not app._lock_when_away()
        clock.now += 2
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen))
        assert door.locked == 1
        assert any("no key was touched for 5 minutes" in str(line.visual) for line in app.screen.query("Static"))
        assert len(app.screen_stack) == 2


async def test_it_locks_by_itself_too(tmp_path: Path) -> None:
    """Without any key, the look at the clock is enough; a door without a limit stays open for ever."""
    clock, door = _Clock(), _Door()
    app = JackfieldApp(tmp_path, door, opened=_Inside, clock=clock, awake=clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))
        clock.now += 10**9
        assert not app._lock_when_away()
        door.idle_minutes = 60
        assert app._lock_when_away()
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen))


@pytest.mark.parametrize("first", ["key", "look"])
async def test_it_locks_when_the_machine_slept(tmp_path: Path, first: str) -> None:
    """Half a minute of sleep is enough, noticed by the next key or look; where it never locks by itself, it stays."""
    clock, awake, door = _Clock(), _Clock(), _Door()
    app = JackfieldApp(tmp_path, door, opened=_Inside, clock=clock, awake=awake)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))
        clock.now += 30
        assert not app._lock_when_away()
        await pilot.press("x")
        door.idle_minutes = 5
        clock.now, awake.now = clock.now + 30, awake.now + 29.5
        assert not app._lock_when_away()
        clock.now += 30
        if first == "key":
            await pilot.press("f1")
        else:
            assert app._lock_when_away()
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen))
        assert door.locked == 1
        words = "the machine was asleep"
        await until(pilot, lambda: any(words in str(line.visual) for line in app.screen.query("Static")))
        assert not app._lock_when_away()


async def test_how_long_it_stays_open_can_be_chosen(tmp_path: Path) -> None:
    """The action offers the times with the one that holds, and keeps the choice."""
    door = _Door()
    app = _app(tmp_path, door)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f8")
        assert isinstance(app.screen, UnlockScreen)
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press(*"15", "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))
        assert door.idle_minutes == 15


async def test_a_small_terminal_is_still_told_so_after_a_lock(tmp_path: Path) -> None:
    """Locking while the window is too small leads to the locked screen once it has grown."""
    app = _app(tmp_path, _Door())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: isinstance(app.screen, _Inside))
        await pilot.resize_terminal(40, 10)
        await until(pilot, lambda: isinstance(app.screen, TooSmall))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, TooSmall))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen))
        assert len(app.screen_stack) == 2
