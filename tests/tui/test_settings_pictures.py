"""How the settings and the source identities look: at 80×24 and 120×40 in the dark, and at 80×24 in other themes."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from jackfield.model.check import CheckResult, Failure, FailureKind, Outcome, Step, StepName, StepOutcome
from jackfield.model.secret import Secret
from jackfield.services.connections import Definition
from jackfield.services.doctor import Finding
from jackfield.services.identities import Said
from jackfield.services.settings import LastBackup, Settings
from jackfield.tui import times
from jackfield.tui.screens.identities.detail import IdentityScreen
from jackfield.tui.screens.identities.screen import IdentitiesScreen
from jackfield.tui.screens.settings import rows
from jackfield.tui.screens.settings.screen import SettingsScreen
from jackfield.vault.costs import FLOOR
from jackfield.vault.keyrings import Availability
from jackfield.vault.slots import Slot, SlotKind
from providers.netlify.vendor import Netlify
from support.stage import Inside, Stage, opened, shows
from support.still import standing_at

Compare = Callable[..., bool]
NOW: Final = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
SIZES: Final = {"80x24": (80, 24), "120x40": (120, 40)}
SLOTS: Final = tuple(
    Slot(f"{number:016x}", kind, date(2026, 1, number), b"", FLOOR if kind is SlotKind.PASSPHRASE else None, b"")
    for number, kind in enumerate(SlotKind, 1)
)
FINDINGS: Final = (
    Finding("home", True, "/home/ada/.local/share/jackfield is yours alone"),
    Finding("vault", True, "its header is whole; ways in: passphrase, recovery, keyring, key-file"),
    Finding("keyring", True, "cannot be used: no D-Bus session", "Nothing to do: the passphrase works everywhere."),
    Finding("clock", False, "it is behind: 2024-01-01 00:00 UTC", "Set the clock: signatures and expiry depend on it."),
)
STEPS: Final = (
    Step(StepName.RESOLVE, StepOutcome.PASSED, 3, "203.0.113.7"),
    Step(StepName.CONNECT, StepOutcome.PASSED, 18, "203.0.113.7 port 443"),
    Step(StepName.TLS, StepOutcome.PASSED, 41, "TLSv1.3, issued by Example CA, valid until 2027-03-01"),
    Step(StepName.AUTHENTICATE, StepOutcome.FAILED, 88, "AWS does not know this access key."),
)
REJECTED: Final = CheckResult(
    Outcome.FAILED, NOW, 150.0,
    Failure(FailureKind.REJECTED, "AWS does not know this access key.", "Make a new one (step 3)."), steps=STEPS,
)  # fmt: skip


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    """What the screens show of the machine, the vault and the time is held still."""
    monkeypatch.setattr(times, "datetime", standing_at(NOW))
    monkeypatch.setattr(rows, "keyring_availability", lambda: Availability(False, "no D-Bus session", ""))
    monkeypatch.setattr(rows, "examine", lambda _: FINDINGS)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Netlify() as world, opened(tmp_path, world.network) as vault:
        monkeypatch.setattr(vault.session.vault, "list_slots", lambda: SLOTS)
        last = LastBackup(NOW - timedelta(days=2), "/media/usb/jackfield-2026-01-08.backup")
        Settings(vault.session.store).keep_last_backup(last)
        keys = {"accessKeyId": "AKIA" + "X" * 16, "secretAccessKey": Secret("x" * 40)}
        hub = vault.session.identities.create("aws-hub", "aws", "access-key", keys)
        vault.session.identities.create("spare", "aws", "access-key", keys)
        role = {"roleArn": "arn:aws:iam::123456789012:role/jackfield"}
        vault.session.connections.create(vault.scope, Definition("prod", "aws", "assume-role"), role, identity=hub)
        said = {hub.id: Said(Outcome.PASSED, None, NOW - timedelta(hours=3))}
        monkeypatch.setattr(vault.session.identities, "last_said", lambda one: said.get(one.id))
        yield vault


def settings_at(*steps: tuple[list[str], str]) -> Callable[[Inside], tuple[Stage, Any]]:
    """The settings, after these keys with what each of them brings about."""

    def show(inside: Inside) -> tuple[Stage, Any]:
        async def ready(pilot: Pilot[Any]) -> None:
            await shows(pilot, "cannot be guessed", "recovery key", "clock" if pilot.app.size.height > 30 else "Keys")
            for keys, text in steps:
                await pilot.press(*keys)
                await shows(pilot, text)
            await pilot.pause()

        return Stage(inside, lambda vault: SettingsScreen(vault.session, vault.engine)), ready

    return show


def identities_at(*steps: tuple[list[str], str], failed: bool = False) -> Callable[[Inside], tuple[Stage, Any]]:
    """The source identities, after these keys; `failed` ends a test of the open one."""

    def show(inside: Inside) -> tuple[Stage, Any]:
        async def ready(pilot: Pilot[Any]) -> None:
            await shows(pilot, "aws-hub", "○ untested")
            for keys, text in steps:
                await pilot.press(*keys)
                await shows(pilot, text)
            if failed:
                screen = pilot.app.screen
                assert isinstance(screen, IdentityScreen)
                screen._view.show_result(REJECTED, {})
                await shows(pilot, "Make a new one (step 3).")
            await pilot.pause()

        return Stage(inside, lambda vault: IdentitiesScreen(vault.session, vault.engine)), ready

    return show


_NEW: Final = ((["n"], "Source credentials"), ([*"aws"], "Access key of the identity"))
SHOWN: Final = {
    "isolation": settings_at((["down"] * 8, "Whoever unlocks this vault reads all")),
    "add": settings_at((["n"], "OS keyring")),
    "passphrase": settings_at((["p"], "Passphrase of now"), (["down", *"correct horse"], "13 characters")),
    "root-key": settings_at((["f6"], "Key file of")),
    "remove": settings_at((["down", "d"], "Type  remove")),
    "identity": identities_at((["enter"], "Last said"), failed=True),
    "identity-form": identities_at(
        *_NEW, (["enter"], "Secret access key"), ([*"aws-2", "enter", *"AKIA"], "Access key ID")
    ),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_it_did(name: str, size: str, inside: Inside, snap_compare: Compare) -> None:
    """The picture is the one that was looked at."""
    stage, ready = SHOWN[name](inside)
    assert snap_compare(stage, terminal_size=SIZES[size], run_before=ready)
