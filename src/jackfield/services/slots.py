"""The ways into a vault, changed and noted in the trail."""

from jackfield.model.secret import Secret
from jackfield.services.session import Session
from jackfield.vault.keyrings import Keyring
from jackfield.vault.slots import Slot
from jackfield.vault.sources import KeySource, PassphraseSource


def add_slot(session: Session, source: KeySource) -> Slot:
    """A further way in. Raises what Vault.add_slot does."""
    slot = session.vault.add_slot(source)
    session.audit.note("key.add", object_id=slot.id, name=slot.kind)
    return slot


def remove_slot(session: Session, slot_id: str, *, keyring: Keyring | None = None) -> None:
    """Take a way in away, and the keyring's entry with it. Raises NotFound, or Refused for the last one."""
    kind = next((slot.kind for slot in session.vault.list_slots() if slot.id == slot_id), "")
    session.vault.remove_slot(slot_id, keyring=keyring)
    session.audit.note("key.remove", object_id=slot_id, name=kind)


def change_passphrase(session: Session, opened_with: KeySource | None, new: Secret) -> None:
    """Replace the passphrase that opened the vault; every passphrase, where something else opened it.

    Raises WrongPassphrase, or InvalidField for a short one.
    """
    if isinstance(opened_with, PassphraseSource):
        session.vault.change_passphrase(opened_with.passphrase, new)
    else:
        session.vault.reset_passphrase(new)
    session.audit.note("key.passphrase", object_id=session.vault.store_id, name="")
