"""The ways into a vault, changed with the trail told first: no entry, no change.

The header is written outside the store, so a change of it has two entries: `begun` before, and its outcome after.
"""

from jackfield.model.secret import Secret
from jackfield.services.session import Session
from jackfield.vault.keyrings import Keyring
from jackfield.vault.slots import Slot, SlotKind, new_slot_id
from jackfield.vault.sources import KeySource, PassphraseSource


def add_slot(session: Session, source: KeySource) -> Slot:
    """A further way in. Raises what Vault.add_slot does."""
    slot_id = new_slot_id()
    with session.audit.around("key.add", object_id=slot_id, name=source.kind):
        return session.vault.add_slot(source, slot_id=slot_id)


def remove_slot(session: Session, slot_id: str, *, keyring: Keyring | None = None) -> None:
    """Take a way in away, and the keyring's entry with it. Raises NotFound, or Refused for the last one."""
    kind = next((slot.kind for slot in session.vault.list_slots() if slot.id == slot_id), "")
    with session.audit.around("key.remove", object_id=slot_id, name=kind):
        session.vault.remove_slot(slot_id, keyring=keyring)


def remove_recovery(session: Session) -> None:
    """Take every recovery key away, as after it was declined."""
    for slot in session.vault.list_slots():
        if slot.kind is SlotKind.RECOVERY:
            remove_slot(session, slot.id)


def change_passphrase(session: Session, opened_with: KeySource | None, new: Secret) -> None:
    """Replace the passphrase that opened the vault; every passphrase, where something else opened it.

    Raises InvalidField for a short one.
    """
    with session.audit.around("key.passphrase", object_id=session.vault.store_id, name=""):
        if isinstance(opened_with, PassphraseSource):
            session.vault.change_passphrase(opened_with.passphrase, new)
        else:
            session.vault.reset_passphrase(new)
