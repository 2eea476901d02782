"""Changing many connections at once: what can be done is done, and every refusal is told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from jackfield.model.connection import Connection, Scope
from jackfield.model.errors import JackfieldError, LockedError, UsageError
from jackfield.model.names import require_slug
from jackfield.services.audit import Audit
from jackfield.services.connections import Connections
from jackfield.services.schedule import first_test_at
from jackfield.store import connections
from jackfield.store.store import Store

_REASONS: Final = 3  # refusals that one sentence names


@dataclass(frozen=True, slots=True)
class Refusal:
    """A connection that stayed as it was, and why."""

    name: str
    error: JackfieldError


@dataclass(slots=True)
class Outcome:
    """How a change of many came out. `done` has names; those that needed no change count as done."""

    done: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def told(self, did: str) -> tuple[str, str]:
        """What one notice says, and what it says of the refusals; `did` is `Tagged` or the like."""
        number = len(self.done)
        done = self.done[0] if number == 1 else f"{number} connections"
        message = f"{did} {done}." if number else f"{did} none."
        named = "; ".join(f"{one.name}: {one.error.message.rstrip('.')}" for one in self.refused[:_REASONS])
        more = f"; and {len(self.refused) - _REASONS} more" if len(self.refused) > _REASONS else ""
        return message, f"{len(self.refused)} refused: {named}{more}." if self.refused else ""


def read_tags(text: str) -> tuple[str, ...]:
    """Tags as typed, between spaces or commas. Raises UsageError for none, InvalidField for one that is no slug."""
    tags = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not tags:
        raise UsageError("No tag is named.", "Type one or more, such as web nightly.")
    return tuple(require_slug(tag, field="tag") for tag in tags)


class Many:
    """Each connection is changed in a transaction of its own, with its entry in the trail."""

    def __init__(self, store: Store, audit: Audit, one: Connections) -> None:
        self._store = store
        self._audit = audit
        self._one = one

    def tag(self, ids: Iterable[str], *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Outcome:
        """Put tags on, and take others off. Tests, and what they said, stay as they are."""
        added, removed = frozenset(add), frozenset(remove)

        def change(connection: Connection) -> None:
            tags = (set(connection.tags) - removed) | added
            if tags == set(connection.tags):
                return
            with self._store.write() as tx:
                connections.set_tags(tx, connection.id, version=connection.version, tags=tags)
                self._audit.append(tx, "connection.edit", object_id=connection.id, name=connection.name, reason="tags")

        return self._each(ids, change)

    def schedule(self, ids: Iterable[str], every_minutes: int | None) -> Outcome:
        """Say how often they are tested by themselves; None: never. Tests that a refusal stopped stay stopped."""

        def change(connection: Connection) -> None:
            if every_minutes == connection.test_every_minutes:
                return
            with self._store.write() as tx:
                due = first_test_at(tx.now, every_minutes)
                version = connection.version
                connections.set_schedule(tx, connection.id, version=version, every_minutes=every_minutes, due=due)
                self._audit.append(
                    tx, "connection.edit", object_id=connection.id, name=connection.name, reason="schedule"
                )

        return self._each(ids, change)

    def move(self, ids: Iterable[str], scope: Scope) -> Outcome:
        """Give them another place, as `Connections.move` does with one."""

        def change(connection: Connection) -> None:
            if connection.scope != scope:
                self._one.move(connection, scope)

        return self._each(ids, change)

    def _each(self, ids: Iterable[str], change: Callable[[Connection], None]) -> Outcome:
        outcome = Outcome()
        for one in ids:
            name = one
            try:
                connection = self._one.get(one)
                name = connection.name
                change(connection)
            except LockedError:
                raise
            except JackfieldError as error:
                outcome.refused.append(Refusal(name, error))
            else:
                outcome.done.append(name)
        return outcome
