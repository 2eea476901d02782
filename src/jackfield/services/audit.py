"""The trail of what was done. An action and its entry are one transaction: no entry, no action."""

import hmac
from typing import Final

from jackfield.store import trail
from jackfield.store.store import Store
from jackfield.store.trail import Entry, Event, Verification
from jackfield.store.transaction import Writing

__all__ = ["TRAIL_SCOPE", "Audit", "Entry", "Verification"]

TRAIL_SCOPE: Final = "audit"  # whose data key the trail's digests come from


class Audit:
    """Appends and reads entries; `mac_key` is 32 bytes derived from the vault."""

    def __init__(self, store: Store, mac_key: bytes, *, actor: str, host: str) -> None:
        self._store = store
        self._key = mac_key
        self._actor = actor
        self._host = host

    def append(
        self, tx: Writing, action: str, *, object_id: str, name: str, outcome: str = "done", reason: str = ""
    ) -> None:
        """Add an entry inside the transaction of the action itself."""
        event = Event(self._actor, self._host, action, object_id, name, outcome, reason)
        trail.append(tx, event, self._mac)

    def note(self, action: str, *, object_id: str, name: str, outcome: str = "done", reason: str = "") -> None:
        """Add an entry for something that changes nothing in the store."""
        with self._store.write() as tx:
            self.append(tx, action, object_id=object_id, name=name, outcome=outcome, reason=reason)

    def page(self, *, about: str | None = None, before: int | None = None, limit: int = 50) -> tuple[Entry, ...]:
        """Entries, the newest first."""
        with self._store.read() as tx:
            return trail.page(tx, about=about, before=before, limit=limit)

    def count(self) -> int:
        """How many entries there are."""
        with self._store.read() as tx:
            return trail.head(tx).count

    def verify(self) -> Verification:
        """Walk the whole trail; names the first entry that is wrong."""
        with self._store.read() as tx:
            return trail.verify(tx, self._mac)

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")
