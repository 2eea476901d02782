"""The trail of what was done. An action and its entry are one transaction: no entry, no action."""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from jackfield.model.errors import JackfieldError, NotFound, RowReplaced
from jackfield.store import connections, left, trail
from jackfield.store.store import Store
from jackfield.store.trail import Entry, Event, Head, Verification
from jackfield.store.transaction import Reading, Writing

__all__ = ["TRAIL_SCOPE", "Audit", "Entry", "Head", "Verification"]

TRAIL_SCOPE: Final = left.UNGUARDED_SCOPE  # whose data key the trail's digests come from
_SEEN: Final = 1000  # entries whose digest need not be computed again
KINDS: Final = {
    "connection": "definition",
    "credential": "credential",
    "data_key": "data key",
    "draft": "draft",
    "identity": "source identity",
    "organization": "organization",
    "project": "project",
    "result": "result of the last test",
    "setting": "setting",
}


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
        self._seen: dict[int, tuple[left.Left, ...]] = {}

    def append(
        self,
        tx: Writing,
        action: str,
        *,
        object_id: str,
        name: str,
        outcome: str = "done",
        reason: str = "",
        accepted: tuple[str, ...] = (),
    ) -> Entry:
        """Add an entry inside the transaction of the action itself; rows `accepted` are right as they are now."""
        event = Event(self._actor, self._host, action, object_id, name, outcome, reason)
        entry = trail.append(tx, event, self._mac, accepted=accepted)
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

    def require_left(self, tx: Reading, *names: str) -> None:
        """Raises RowReplaced where a guarded row (store/left.py) is not what the newest entry about it says.

        One that this transaction has changed itself is noted by its entry.
        """
        changed_here = tx.touched if isinstance(tx, Writing) else ()
        names = tuple(name for name in names if name not in changed_here)
        noted = left.newest(tx, *names)
        for name in names:
            said, seq = noted.get(name, (left.Left(name), 0))
            if (seq and said not in self._genuinely_left(tx, seq)) or not said.is_still(left.now(tx, name)):
                raise RowReplaced(
                    f"The {KINDS[name.partition('/')[0]]} stored here is not the one that the trail says was left: an "
                    "older one was put back, or the newer one is lost.",
                    "Type it again, or restore a backup. If you put it back yourself: jackfield audit accept.",
                )

    def _genuinely_left(self, tx: Reading, seq: int) -> tuple[left.Left, ...]:
        """What an entry noted; nothing where it is not what was written. Kept, as entries never change."""
        noted = self._seen.get(seq)
        if noted is None:
            entry = trail.get(tx, seq)
            noted = entry.left if entry is not None and trail.is_genuine(entry, self._mac) else ()
            if len(self._seen) >= _SEEN:
                self._seen.clear()
            self._seen[seq] = noted
        return noted

    def replaced(self) -> tuple[str, ...]:
        """Every guarded row that is not what the trail says, as `credential of sites`. Reads all of them."""
        with self._store.read() as tx:
            return tuple(_named(tx, name) for name in left.replaced(tx))

    def accept(self, *, object_id: str, reason: str) -> Entry:
        """Go on from every row as it is now, with one entry."""
        with self._store.write() as tx:
            found = left.replaced(tx)
            return self.append(tx, "trail.accept", object_id=object_id, name="", reason=reason, accepted=found)

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


def _named(tx: Reading, name: str) -> str:
    """A guarded row in a user's words."""
    kind, _, key = name.partition("/")
    if kind in {"identity", "organization", "project"}:
        noted = left.newest(tx, name).get(name)
        return f"{KINDS[kind]} {left.now(tx, name).what or (noted[0].what if noted else key)}"
    if kind in {"connection", "credential", "result"}:
        with suppress(NotFound):
            return f"{KINDS[kind]} of {connections.get(tx, key.partition('/')[0]).name}"
    return f"{KINDS[kind]} {key}"
