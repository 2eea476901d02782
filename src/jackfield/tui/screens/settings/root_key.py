"""Replacing the root key: what opens the vault is asked for, slot by slot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jackfield.model.errors import JackfieldError, Refused
from jackfield.model.secret import Secret
from jackfield.services.engine import Engine
from jackfield.services.rotation import rotate_root
from jackfield.services.session import Session
from jackfield.services.sources import typed_path
from jackfield.tui.screens.settings.secret_form import Asked, SecretForm, Typed
from jackfield.vault.keyrings import keyring_availability, system_keyring
from jackfield.vault.slots import Slot, SlotKind
from jackfield.vault.sources import KeyFileSource, KeyringSource, KeySource, PassphraseSource

_ABOUT: Final = (
    "Everything that opens the vault is needed once more, to be sealed under the new root key. A new recovery key is "
    "made and shown. Tests under way are cancelled."
)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The root key is another one; `recovery` is the new recovery key where there was one."""

    recovery: Secret | None


class RootKeyForm(SecretForm[Replaced]):
    """One field for each passphrase and key file. Nothing else of this process uses the store meanwhile."""

    def __init__(self, session: Session, engine: Engine, slots: Sequence[Slot]) -> None:
        self._session = session
        self._engine = engine
        self._asked = [slot for slot in slots if slot.kind in (SlotKind.PASSPHRASE, SlotKind.KEY_FILE)]
        self._has_keyring = any(slot.kind is SlotKind.KEYRING for slot in slots)
        fields = [Asked(_field(slot), _label(slot), slot.kind is SlotKind.PASSPHRASE) for slot in self._asked]
        super().__init__("Replace the root key", _ABOUT, fields)

    def problem(self, typed: Typed) -> str:
        missing = next((slot for slot in self._asked if not typed[_field(slot)]), None)
        return f"{_label(missing)} is needed. Or remove that way in first." if missing else ""

    def busy_words(self) -> str:
        return "Under way: new key, database, digests. When it is cut off, the next unlock finishes it."

    def keep(self, typed: Typed) -> Replaced:
        sources = [_source(slot, typed[_field(slot)]) for slot in self._asked]
        if self._has_keyring:
            if not (found := keyring_availability()).usable:
                raise Refused(f"The OS keyring cannot be used here: {found.reason}.", "Remove that way in first.")
            sources.append(KeyringSource(system_keyring()))
        with self._engine.paused():
            try:
                return Replaced(rotate_root(self._session, *sources))
            except JackfieldError as error:
                if not self._session.locked and self._session.vault.previous is not None:
                    raise _CutOff(error.message, "Unlock the vault: that finishes it.") from None
                raise

    def after_error(self, error: JackfieldError) -> None:
        if isinstance(error, _CutOff):
            self.app.call_later(self.app.run_action, f"app.lock({str(error)!r})")
        else:
            super().after_error(error)


class _CutOff(Refused):
    """The header has the new root key and the store has not."""


def _label(slot: Slot) -> str:
    kind = "Passphrase" if slot.kind is SlotKind.PASSPHRASE else "Key file"
    return f"{kind} of {slot.created.isoformat()}"


def _field(slot: Slot) -> str:
    return f"slot-{slot.id}"


def _source(slot: Slot, typed: Secret) -> KeySource:
    if slot.kind is SlotKind.PASSPHRASE:
        return PassphraseSource(typed)
    return KeyFileSource(typed_path(typed.reveal()))
