"""How every screen looks: at 80×24 and 120×40, in the dark, in light, in sixteen colours and without colour.

A screen more in `support/screens.py` has its eight pictures here with `--snapshot-update`.
"""

import shutil
import socket
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from pytest_textual_snapshot import SVGImageExtension, normalize_svg
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from jackfield.model.secret import Secret
from jackfield.services import session
from jackfield.services.doctor import Finding
from jackfield.services.home import Home
from jackfield.services.settings import LastBackup, Settings
from jackfield.store import connections
from jackfield.tui import times
from jackfield.tui.screens import connections_arrival, expiry, importing
from jackfield.tui.screens.settings import rows
from jackfield.tui.themes import PLAIN, find_theme
from jackfield.vault import vault
from jackfield.vault.costs import FLOOR
from jackfield.vault.keyrings import Availability
from jackfield.vault.recovery import encode_recovery_key
from jackfield.vault.slots import Slot, SlotKind
from support.screens import LIST, LOCKED, SCREENS, TOKEN, furnish, furnish_user, way_to
from support.stage import said, shows
from support.still import standing_at
from support.whole import Whole

NOW: Final = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
SIZES: Final = {"80x24": (80, 24), "120x40": (120, 40)}
IN_COLOUR: Final = ("night", "day", PLAIN)
NO_COLOUR: Final = "no-color"
LOOKS: Final = 400  # at a screen that is not yet as accepted
NEW_LOOKS: Final = 40  # at one that has no accepted picture
RECOVERY_KEY: Final = Secret(encode_recovery_key(bytes(range(16))))
SLOTS: Final = tuple(
    Slot(f"{number:016x}", kind, date(2026, 1, number), b"", FLOOR if kind is SlotKind.PASSPHRASE else None, b"")
    for number, kind in enumerate((SlotKind.PASSPHRASE, SlotKind.RECOVERY), 1)
)
FINDINGS: Final = (
    Finding("home", True, "/home/ada/.local/share/jackfield is yours alone"),
    Finding("vault", True, "its header is whole; ways in: passphrase, recovery, key-file"),
    Finding("keyring", True, "cannot be used: no D-Bus session", "Nothing to do: the passphrase works everywhere."),
    Finding("clock", False, "it is behind: 2024-01-01 00:00 UTC", "Set the clock: signatures and expiry depend on it."),
)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which no screen is empty, made once and closed; who made it, and its ids, are held still."""
    numbers = count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "_actor", lambda: "ada")
        patch.setattr(socket, "gethostname", lambda: "jump-host")
        patch.setattr(connections, "new_id", lambda: f"{next(numbers):032x}"[::-1])
        made = furnish(tmp_path_factory.mktemp("furnished"), NOW)
        last = LastBackup(NOW - timedelta(days=2), "/media/usb/jackfield-2026-01-08.backup")
        Settings(made.session.store).keep_last_backup(last)
        made.session.lock()
    return made.home


@pytest.fixture
def home(furnished: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of the furnished home; what is shown of the machine and of the time is held still."""
    for clock in (times, connections_arrival, expiry):
        monkeypatch.setattr(clock, "datetime", standing_at(NOW))
    monkeypatch.setattr(rows, "keyring_availability", lambda: Availability(False, "no D-Bus session", ""))
    monkeypatch.setattr(rows, "examine", lambda _: FINDINGS)
    monkeypatch.setattr(vault.Vault, "list_slots", lambda _: SLOTS)
    monkeypatch.setattr(vault, "new_recovery_key", lambda: RECOVERY_KEY)
    machine = importing.Machine(furnish_user(tmp_path / "user"), {"NETLIFY_AUTH_TOKEN": TOKEN})
    monkeypatch.setattr(importing.Machine, "here", lambda: machine)
    monkeypatch.delenv("NO_COLOR", raising=False)
    shutil.copytree(furnished.folder, tmp_path / "home")
    return Home(tmp_path / "home")


async def go(pilot: Pilot[Any], name: str) -> None:
    """By keys to a screen."""
    for step in way_to(name):
        await pilot.press(*step.keys)
        await shows(pilot, *step.shows, *(("Make a new one",) if step.name == LIST else ()))
        pilot.app.clear_notifications()


async def picture(pilot: Pilot[Any], pictures: SnapshotAssertion, which: str) -> str:
    """The screen, once it is as accepted; and when it never is, as it stays."""
    accepted = Path(pictures.extension.get_location(test_location=pictures.test_location, index=which))
    wanted = normalize_svg(accepted.read_text("utf-8")) if accepted.exists() else ""
    before, taken = "", ""
    for turn in range(LOOKS if wanted else NEW_LOOKS):
        await pilot.pause()
        now = said(pilot.app)  # type: ignore[arg-type]
        if now != before or turn % 40 == 0:
            before, taken = now, normalize_svg(pilot.app.export_screenshot())
            if taken == wanted:
                break
    return taken


@pytest.mark.parametrize("colour", [True, False], ids=["colours", NO_COLOUR])
@pytest.mark.parametrize("name", [one.name for one in SCREENS if one.pictured])
async def test_every_screen_looks_as_it_did(
    name: str, *, colour: bool, home: Home, tmp_path: Path, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pictures are those that were looked at."""
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    app = Whole(home if way_to(name)[0].name == LOCKED else Home(tmp_path / "new"))
    pictures = snapshot.use_extension(SVGImageExtension)
    differ = []
    async with app.run_test(size=SIZES["80x24"], notifications=True) as pilot:
        await go(pilot, name)
        assert type(app.screen).__name__ == way_to(name)[-1].screen
        for size, cells in SIZES.items():
            await pilot.resize_terminal(*cells)
            for look in IN_COLOUR if colour else (NO_COLOUR,):
                if colour:
                    app.show_theme(find_theme(look, None))
                await shows(pilot, *way_to(name)[-1].shows)
                which = f"{look}-{size}"
                taken = await picture(pilot, pictures, which)
                if pictures(name=which) != taken:
                    differ.append(which)
    assert differ == []
