"""Undoing deletions, as long as the vault stays open. What was deleted is kept in memory, sealed, and nowhere else."""

from dataclasses import dataclass, field
from typing import Final

from jackfield.model.connection import Connection
from jackfield.model.errors import JackfieldError, LockedError
from jackfield.services.audit import Audit
from jackfield.services.connections import Connections
from jackfield.services.many import Outcome, Refusal
from jackfield.store import connections, removed
from jackfield.store.removed import Removed
from jackfield.store.store import Store

KEPT: Final = 20  # deletions that can be undone, the last one first


@dataclass(slots=True, eq=False)
class Removal:
    """What one answer deleted: one connection or several."""

    removed: list[Removed] = field(default_factory=list)


class Undo:
    """Deletes so that it can be taken back."""

    def __init__(self, store: Store, audit: Audit, one: Connections) -> None:
        self._store = store
        self._audit = audit
        self._one = one
        self._deletions: list[Removal] = []

    def begin(self) -> Removal:
        """Everything that is deleted into what this gives comes back together."""
        return Removal()

    def delete(self, into: Removal, connection: Connection, *, even_if_used: bool = False) -> None:
        """Delete one, and remember it. Raises what `Connections.delete` does."""
        with self._store.read() as tx:
            remembered = removed.remember(tx, connection.id)
        self._one.delete(connection, even_if_used=even_if_used)
        into.removed.append(remembered)
        if into not in self._deletions:
            self._deletions = [*self._deletions[1 - KEPT :], into]

    def undo(self) -> Outcome | None:
        """Put back what the last deletion took; what is refused stays remembered. None when there is nothing."""
        if not self._deletions:
            return None
        last, outcome, left = self._deletions[-1], Outcome(), []
        for one in last.removed:
            try:
                with self._store.write() as tx:
                    back = removed.put_back(tx, one)
                    connections.renew_digest(tx, back.id, self._one.digest_now(tx, back))
                    self._audit.append(tx, "connection.restore", object_id=back.id, name=back.name, reason="undo")
            except LockedError:
                raise
            except JackfieldError as error:
                outcome.refused.append(Refusal(one.name, error))
                left.append(one)
            else:
                outcome.done.append(one.name)
        last.removed[:] = left
        if not left:
            self._deletions.pop()
        return outcome
