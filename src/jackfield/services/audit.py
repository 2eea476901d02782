"""The trail of what was done. An action and its entry are one transaction: no entry, no action."""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from jackfield.model.errors import JackfieldError
from jackfield.store import trail
from jackfield.store.store import Store
from jackfield.store.trail import Entry, Event, Head, Verification
from jackfield.store.transaction import Writing

__all__ = ["TRAIL_SCOPE", "Audit", "Entry", "Head", "Verification"]

TRAIL_SCOPE: Final = "audit"  # whose data key the trail's digests come from


class Audit:
    """Appends and reads entries; `mac_key` is 32 bytes derived from the vault.

    `on_append` is given the last entry of each transaction, once it is durable.
    """

    def __init__(
        self, store: Store, mac_key: bytes, *, actor: str, host: str, on_append: Callable[[Entry], object]
    ) -> None:
        self._store = store
        self._key = mac_key
        self._actor = actor
        self._host = host
        self._on_append = on_append

    def append(
        self, tx: Writing, action: str, *, object_id: str, name: str, outcome: str = "done", reason: str = ""
    ) -> Entry:
        """Add an entry inside the transaction of the action itself."""
        event = Event(self._actor, self._host, action, object_id, name, outcome, reason)
        entry = trail.append(tx, event, self._mac)
        tx.after["trail"] = lambda: self._on_append(entry)
        return entry

    def note(self, action: str, *, object_id: str, name: str, outcome: str = "done", reason: str = "") -> Entry:
        """Add an entry for something that changes nothing in the store."""
        with self._store.write() as tx:
            return self.append(tx, action, object_id=object_id, name=name, outcome=outcome, reason=reason)

    @contextmanager
    def around(self, action: str, *, object_id: str, name: str) -> Iterator[None]:
        """Note something that happens outside the store before it begins, and then how it ended.

        Where the process ends in between, the trail says that it was begun.
        """
        self.note(action, object_id=object_id, name=name, outcome="begun")
        try:
            yield
        except JackfieldError as error:
            self.note(action, object_id=object_id, name=name, outcome="failed", reason=type(error).__name__)
            raise
        self.note(action, object_id=object_id, name=name)

    def last(self) -> Entry | None:
        """The newest entry; None in an empty trail."""
        with self._store.read() as tx:
            return trail.last(tx)

    def page(
        self, *, about: str | None = None, action: str | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[Entry, ...]:
        """Entries, the newest first."""
        with self._store.read() as tx:
            return trail.page(tx, about=about, action=action, before=before, limit=limit)

    def count(self) -> int:
        """How many entries there are."""
        with self._store.read() as tx:
            return trail.head(tx).count

    def verify(self, *, expected: Head | None = None) -> Verification:
        """Walk the whole trail; names the first entry that is wrong. `expected` is a head that was written down."""
        with self._store.read() as tx:
            return trail.verify(tx, self._mac, expected=expected)

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")
