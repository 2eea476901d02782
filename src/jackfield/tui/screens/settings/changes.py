"""Changing the ways into the vault and its keys: what is asked, in which order, and what is said of it."""

from asyncio import to_thread
from pathlib import Path
from typing import TypeVar

from textual.screen import Screen

from jackfield.model.errors import Refused
from jackfield.model.secret import Secret
from jackfield.services.engine import Engine
from jackfield.services.packages import Offer, Standing
from jackfield.services.rotation import rotate_data_keys
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.services.slots import add_slot, change_passphrase, remove_slot
from jackfield.services.sources import typed_path
from jackfield.tui.screens.locked import RecoveryScreen
from jackfield.tui.screens.settings.root_key import RootKeyForm
from jackfield.tui.screens.settings.rows import KINDS
from jackfield.tui.screens.settings.secret_form import Asked, NewPassphraseForm
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.picker import Item, Picker
from jackfield.tui.widgets.typed_confirm import TypedConfirm
from jackfield.vault.keyrings import keyring_availability, system_keyring
from jackfield.vault.recovery import new_recovery_key
from jackfield.vault.slots import Slot, SlotKind, are_enough
from jackfield.vault.sources import KeyFileSource, KeyringSource, PassphraseSource, RecoverySource

Answer = TypeVar("Answer")
_FURTHER = "It opens the vault as the first one does, which stays. Nobody can recover it for you."
_KEY_FILE = (
    "One that is not there is made. Whoever can read it opens the vault: keep it apart from backups of this home."
)
_PAUSING = (
    "Nobody hears of a credential that fails, until they go on again.",
    "Schedules stay as they are, and tests by hand go on.",
)
_KEYRING = (
    "Whoever is logged in here then opens the vault without being asked,",
    "and so does every program that may read your keyring.",
)


class VaultChanges:
    """Each change is a task for `WorkingScreen.work`."""

    def __init__(self, screen: WorkingScreen[None], session: Session, engine: Engine) -> None:
        self._screen = screen
        self._session = session
        self._engine = engine

    async def add(self) -> None:
        """A further way in, of the kind that is chosen."""
        keyring = await to_thread(keyring_availability)
        notes = {
            SlotKind.PASSPHRASE: "opens it anywhere",
            SlotKind.RECOVERY: "shown once, for your paper",
            SlotKind.KEY_FILE: "32 random bytes in a file of yours",
            SlotKind.KEYRING: keyring.reason if keyring.usable else f"not here: {keyring.reason}",
        }
        items = [Item(kind, KINDS[kind][0].upper() + KINDS[kind][1:], note) for kind, note in notes.items()]
        match await self._ask(Picker("What shall open the vault?", items)):
            case SlotKind.PASSPHRASE:
                form = NewPassphraseForm("A further passphrase", _FURTHER, self._add_passphrase)
                if await self._ask(form):
                    self._tell("Added: that passphrase opens the vault, too.")
            case SlotKind.RECOVERY:
                await self._add_recovery()
            case SlotKind.KEY_FILE:
                await self._add_key_file()
            case SlotKind.KEYRING:
                await self._add_keyring()

    def _add_passphrase(self, _: Secret, new: Secret) -> None:
        add_slot(self._session, PassphraseSource(new))

    async def _add_recovery(self) -> None:
        key = new_recovery_key()
        slot = await to_thread(add_slot, self._session, RecoverySource(key))
        await self._show_recovery(key, slot)

    async def _add_key_file(self) -> None:
        made = await self._screen.ask_until_done("Which key file?", "~/jackfield.key", self._add_file, note=_KEY_FILE)
        if made is not None:
            self._tell(f"Added: {made} opens the vault.")

    def _add_file(self, name: str) -> Path:
        source = KeyFileSource(typed_path(name))
        add_slot(self._session, source)
        return source.path

    async def _add_keyring(self) -> None:
        keyring = await to_thread(system_keyring)
        if await self._ask(Confirm("Let the OS keyring open the vault?", _KEYRING, yes="Add it")):
            await to_thread(add_slot, self._session, KeyringSource(keyring))
            self._tell("Added: f3 opens the vault while you are logged in here.")

    async def remove(self, slot: Slot) -> None:
        """Take one way in away, once it was typed that this is meant. Raises Refused for the last."""
        others = [other for other in self._session.vault.list_slots() if other.id != slot.id]
        if not are_enough(others):
            kept = "The OS keyring alone is not enough: it may lose its entry." if others else "It is the only one."
            raise Refused(f"The {KINDS[slot.kind]} stays. {kept}", "Add another way in first.")
        left = ", ".join(KINDS[other.kind] for other in others)
        consequences = (
            f"It was made on {slot.created.isoformat()}. What is left: {left}.",
            "An old copy of the home, such as a backup, still opens with it.",
        )
        question = TypedConfirm(f"Remove the {KINDS[slot.kind]} as a way into the vault?", consequences, word="remove")
        if await self._ask(question):
            await to_thread(self._remove, slot)
            self._tell(f"Removed: the {KINDS[slot.kind]} opens nothing any more.")

    def _remove(self, slot: Slot) -> None:
        keyring = system_keyring() if keyring_availability().usable else None
        remove_slot(self._session, slot.id, keyring=keyring)

    async def change_passphrase(self) -> None:
        """Another passphrase in the place of the one that is typed first."""
        about = "The one before opens nothing any more, save old copies of this home."
        now = (Asked("old", "Passphrase of now"),)
        if await self._ask(NewPassphraseForm("Change the passphrase", about, self._change_passphrase, now)):
            self._tell("Changed: from now on the new passphrase opens the vault.")

    def _change_passphrase(self, old: Secret, new: Secret) -> None:
        change_passphrase(self._session, PassphraseSource(old), new)

    async def replace_root_key(self) -> None:
        """A new root key; its recovery key is shown once."""
        slots = self._session.vault.list_slots()
        done = await self._ask(RootKeyForm(self._session, self._engine, slots))
        if done is None:
            return
        self._tell("Replaced: everything is sealed under a new root key.")
        if done.recovery is not None:
            slot = next(one for one in self._session.vault.list_slots() if one.kind is SlotKind.RECOVERY)
            await self._show_recovery(done.recovery, slot)

    async def _show_recovery(self, key: Secret, slot: Slot) -> None:
        await self._ask(RecoveryScreen(key, lambda: remove_slot(self._session, slot.id)))
        kept = any(other.id == slot.id for other in self._session.vault.list_slots())
        self._tell("The recovery key opens the vault." if kept else "No recovery key was kept.")

    async def reseal(self) -> None:
        """Fresh data keys for everything; told batch by batch."""
        question = Confirm(
            "Seal every stored value anew?",
            ("With fresh data keys. It may take a while for many connections;", "cut off, it is finished by the next."),
            yes="Seal",
        )
        if await self._ask(question):
            number = await to_thread(rotate_data_keys, self._session, self._tell_batch)
            self._tell(f"Done: {number:,} values are sealed with fresh data keys.")

    def _tell_batch(self, number: int) -> None:
        self._screen.app.call_from_thread(self._tell, f"{number:,} values sealed anew …")

    async def pause_or_resume_tests(self) -> None:
        """Pause automatic tests for the whole home, once this is agreed to, or let them go on."""
        settings = Settings(self._session.store)
        on = not await to_thread(settings.automatic_tests)
        if on or await self._ask(Confirm("Pause automatic tests for this whole home?", _PAUSING, yes="Pause")):
            await to_thread(settings.keep_automatic_tests, self._session.audit, on=on)
            self._engine.look_now()
            self._tell("Automatic tests go on." if on else "Automatic tests are paused.")

    async def trust_or_not(self, offer: Offer) -> None:
        """Let a package's provider run, once this is agreed to, or one that may run do so no more."""
        packages = self._session.packages
        if packages.standing(offer) is Standing.TRUSTED:
            left = ("Its connections stay, and cannot be tested.",)
            if await self._ask(Confirm(f"Trust the provider {offer.name} no more?", left, yes="Distrust")):
                await to_thread(packages.distrust, offer.name)
                self._tell(f"The provider {offer.name} is not used any more.")
            return
        offer = await to_thread(packages.offered, offer.name)
        changed = packages.standing(offer) is Standing.CHANGED
        about = (
            *(("Its files are not those that were trusted before.",) if changed else ()),
            f"{len(offer.files)} files of {offer.distribution} in",
            str(offer.folder),
            f"digest {offer.digest[:32]}",
            f"       {offer.digest[32:]}",
            "Its Python would run in this program, with all that it can do.",
        )
        if await self._ask(Confirm(f"Let the provider {offer.name} run?", about, yes="Trust")):
            await to_thread(packages.trust, offer.name, offer.digest)
            self._tell(f"The provider {offer.name} is used from now on.")

    async def _ask(self, question: Screen[Answer]) -> Answer | None:
        return await self._screen.app.push_screen_wait(question)

    def _tell(self, text: str) -> None:
        tell(self._screen.app, text)
