"""What the list of settings says, section by section."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from jackfield.services.doctor import Finding, examine
from jackfield.services.home import Home
from jackfield.services.packages import Offer, Standing
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.tui.times import ago
from jackfield.vault.keyrings import Availability, keyring_availability
from jackfield.vault.slots import Slot, SlotKind

KINDS: Final[Mapping[SlotKind, str]] = {
    SlotKind.PASSPHRASE: "passphrase",
    SlotKind.RECOVERY: "recovery key",
    SlotKind.KEYRING: "OS keyring",
    SlotKind.KEY_FILE: "key file",
}
_ABOUT_KINDS: Final[Mapping[SlotKind, str]] = {
    SlotKind.PASSPHRASE: "Opens the vault anywhere. Its cost is what one guess takes; p changes it, d takes it away.",
    SlotKind.RECOVERY: "Opens the vault when the passphrase is forgotten. It is on your paper and nowhere else.",
    SlotKind.KEYRING: "Whoever is logged in on this machine opens the vault without being asked.",
    SlotKind.KEY_FILE: "Whoever can read the file opens the vault.",
}
ISOLATION: Final = (
    "Whoever unlocks this vault reads all of its organizations and projects. They have keys of their own so that one "
    "can be replaced or moved, not so that people are kept apart: who must not read the other gets a home of their own."
)
_ROOT_KEY: Final = (
    "Puts a new root key in place of the one that everything is sealed under, and a new recovery key with it. "
    "Everything that opens the vault is asked for. Backups from before still open with the old keys."
)
_RESEAL: Final = (
    "Seals every stored value with fresh data keys, one batch after the other. When it is cut off, beginning it again "
    "finishes it; everything stays readable meanwhile."
)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One line: `does` is the action that enter runs; `slot` and `offer` are what it stands for."""

    id: str
    section: str
    title: str
    value: str = ""
    tone: str = ""
    about: str = ""
    does: str = ""
    slot: Slot | None = None
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What only the interface knows."""

    theme: str
    link: str
    keys: str


def read_rows(session: Session, shown: Shown) -> tuple[SettingRow, ...]:
    """Every line but those of `examined`, top to bottom. Asks the store: call it from a thread."""
    keyring = keyring_availability()
    return (
        *_vault(session, keyring),
        *_identities(session),
        *_packages(session),
        *_tests(session),
        *_backups(session),
        *_interface(session, shown),
    )


def examined(home: Home) -> tuple[SettingRow, ...]:
    """The lines about this machine. Looks at everything: call it from a thread."""
    return tuple(_finding(number, one) for number, one in enumerate(examine(home)))


def headed(rows: Sequence[SettingRow]) -> Iterator[SettingRow]:
    """The lines with each section said once."""
    before = ""
    for row in rows:
        repeated, before = row.section == before, row.section
        yield replace(row, section="") if repeated else row


def _vault(session: Session, keyring: Availability) -> Iterator[SettingRow]:
    for slot in session.vault.list_slots():
        kind = slot.kind
        off = kind is SlotKind.KEYRING and not keyring.usable
        value = f"{slot.created.isoformat()}  {slot.cost_of_a_guess.removeprefix('random key: ')}"
        about = f"{_ABOUT_KINDS[kind]}{f' It cannot be used here: {keyring.reason}.' if off else ''}"
        yield SettingRow(f"slot|{slot.id}", "Vault", KINDS[kind], value, "limited" if off else "", about, "", slot)
    reason = "" if keyring.usable else f" The OS keyring cannot be used here: {keyring.reason}."
    about = f"A further passphrase, a recovery key, a key file or the OS keyring.{reason}"
    yield SettingRow("add", "Vault", "Add a way in …", about=about, does="add")
    about = (
        "Asks for the one now and twice for the new one. Forgotten? The recovery key sets a new one: "
        "jackfield --recovery-key-file FILE key passphrase"
    )
    yield SettingRow("passphrase", "Vault", "Change the passphrase …", about=about, does="passphrase")
    yield SettingRow("root-key", "Vault", "Replace the root key …", about=_ROOT_KEY, does="root_key")
    yield SettingRow("reseal", "Vault", "Seal every value anew …", about=_RESEAL, does="reseal")
    yield SettingRow("isolation", "Vault", "Organizations", "not kept apart", "limited", ISOLATION)


def _identities(session: Session) -> Iterator[SettingRow]:
    number = len(session.identities.page(limit=1000))
    about = (
        "Credentials of the program's own that connections start from: AWS roles, Google impersonation, GitHub Apps."
    )
    yield SettingRow("identities", "Credentials", "Source identities …", str(number or "none"), "", about, "identities")


def _packages(session: Session) -> Iterator[SettingRow]:
    tones = {
        Standing.TRUSTED: "passed",
        Standing.UNTRUSTED: "",
        Standing.CHANGED: "failed",
        Standing.UNUSABLE: "limited",
    }
    for offer in session.packages.offers():
        standing = session.packages.standing(offer)
        mark = {Standing.TRUSTED: "✔ ", Standing.CHANGED: "✖ "}.get(standing, "")
        about = offer.why_not or (
            "Nothing of it runs unless it is trusted; then its Python runs in this program, as long as no file of it "
            f"changes. {len(offer.files)} files in {offer.folder}, digest {offer.digest[:16]}…"
        )
        yield SettingRow(
            f"package|{offer.name}|{offer.distribution}", "Providers", f"{offer.name} …",
            f"{mark}{standing} · {offer.distribution}", tones[standing], about,
            "" if standing is Standing.UNUSABLE else "package", offer=offer,
        )  # fmt: skip


def _tests(session: Session) -> Iterator[SettingRow]:
    on = Settings(session.store).automatic_tests()
    about = (
        "Paused, nothing in this home is tested by itself, by no Jackfield and no worker; schedules stay as they are, "
        "and what is overdue is tested when it goes on. Tests by hand always work."
    )
    value = "on" if on else "▲ paused for this whole home"
    yield SettingRow(
        "automatic-tests", "Tests", "Automatic tests …", value, "" if on else "limited", about, "automatic_tests"
    )


def _backups(session: Session) -> Iterator[SettingRow]:
    last = Settings(session.store).last_backup()
    value = f"last {ago(last.made_at)} ago: {last.file}" if last else "none was made from this home"
    about = "Copies everything as it is now into one new file, which opens with what opens the vault now."
    yield SettingRow("backup", "Backups", "Make one …", value, "" if last else "limited", about, "backup")
    default = Home.default().folder == session.home.folder
    home = "" if default else f"--home {shlex.quote(str(session.home.folder))} "
    about = (
        f"With every Jackfield closed: jackfield {home}restore FILE  All of it is verified first, and what was here "
        "is kept in a folder beside."
    )
    yield SettingRow("restore", "Backups", "Put one back", "on the command line alone", "muted", about)


def _interface(session: Session, shown: Shown) -> Iterator[SettingRow]:
    home, minutes = session.home, Settings(session.store).idle_minutes()
    idle = f"after {minutes} minute{'s' * (minutes > 1)}" if minutes else "never"
    about = "The vault locks by itself when no key is touched for so long. ctrl+l locks it now."
    yield SettingRow("idle", "Locking", "By itself …", idle, "", about, "app.idle")
    about = f"Themes of your own are files in {home.folder / 'themes'}."
    yield SettingRow("theme", "Appearance", "Theme …", shown.theme, "", about, "app.theme")
    about = "Over a slow one only the cells that change are drawn, in sixteen colours, and the pane after a second."
    yield SettingRow("link", "Appearance", "Line to the terminal …", shown.link, "", about, "app.link")
    file = home.folder / "keys.yaml"
    about = f"{file} replaces keys by action id, and is read at the start. Enter shows the keys of now, to write there."
    yield SettingRow("keys", "Keys", "Key map …", shown.keys, "", about, "key_map")
    about = "jackfield --no-mouse leaves it to the terminal, which can then select text."
    yield SettingRow("mouse", "Keys", "Mouse", "never needed", "", about)


def _finding(number: int, one: Finding) -> SettingRow:
    mark, tone = ("✔", "passed") if one.ok else ("✖", "failed")
    about = f"→ {one.next_step}" if one.next_step else ""
    return SettingRow(
        f"machine|{number}", "This machine", f"{mark} {one.name}", one.cause, "" if one.ok else tone, about
    )
