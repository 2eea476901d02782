"""One transaction, as the functions of the store take it, and the two rules every write follows."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, Row, Table, func, select, update

from jackfield.model.errors import Conflict, NotFound
from jackfield.store.tables import audit_event

AnyRow = Row[*tuple[Any, ...]]  # what a query gives: its columns, by position and by name


def new_id() -> str:
    """A random id, fit for any table."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Reading:
    """A consistent look at the store. `now` is one time for all of it."""

    connection: Connection
    now: datetime

    def all(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[AnyRow]:
        """Every row; only for what is known to be few, or limited. `values` are those of the statement's parameters."""
        return self.connection.execute(statement, values).all()

    def first(self, statement: Executable) -> AnyRow | None:
        """The first row; None when there is none."""
        return self.connection.execute(statement).first()

    def value(self, statement: Executable) -> Any:
        """The first column of the first row; None when there is no row."""
        return self.connection.execute(statement).scalar()


@dataclass(frozen=True, slots=True)
class Writing(Reading):
    """A transaction that holds the write lock from its start, so what it reads stays true until it ends.

    `after` is called, by name, once it is durable; what is named again replaces the one before. `touched` are the names
    of guarded rows (left.py) that changed and that no entry of the trail has noted yet.
    """

    after: dict[str, Callable[[], object]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def touch(self, *names: str) -> None:
        """Have the next entry note how these guarded rows are left."""
        self.touched.update(names)

    def run(self, statement: Executable) -> int:
        """Execute a change and return how many rows it touched."""
        return self.connection.execute(statement).rowcount

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute one change for each row of values; nothing for none."""
        if rows:
            self.connection.execute(statement, rows)


def change(tx: Writing, table: Table, row_id: str, version: int, noun: str, values: Mapping[str, Any]) -> int:
    """Write `values` to the row that was read at `version` and return its new version.

    Raises NotFound when it is gone, Conflict when it changed since.
    """
    require_version(tx, table, row_id, version, noun)
    tx.run(update(table).where(table.c.id == row_id).values(**values, updated_at=tx.now, version=version + 1))
    tx.touch(f"{table.name}/{row_id}")
    return version + 1


def require_version(tx: Writing, table: Table, row_id: str, version: int, noun: str) -> None:
    """Raise NotFound when the row is gone, Conflict, naming who won if the trail knows, when it is not at `version`."""
    row = tx.first(select(table.c.version, table.c.updated_at, table.c.name).where(table.c.id == row_id))
    if row is None:
        raise not_found(noun)
    if row.version == version:
        return
    last = tx.first(
        select(audit_event.c.actor, audit_event.c.host)
        .where(audit_event.c.object == row_id, audit_event.c.at >= row.updated_at)
        .order_by(audit_event.c.seq)
        .limit(1)
    )
    who = f" by {last.actor} on {last.host}" if last else ""
    raise Conflict(
        f"The {noun} {row.name} changed since you read it: at {row.updated_at:%Y-%m-%d %H:%M:%S} UTC{who}.",
        "Look at it again, then repeat your change.",
    )


def require_row(tx: Reading, table: Table, row_id: str, noun: str) -> None:
    """Raise NotFound when no row has this id."""
    if not tx.value(select(func.count()).select_from(table).where(table.c.id == row_id)):
        raise not_found(noun)


def not_found(noun: str) -> NotFound:
    """The error for a thing that is not, or no longer, there."""
    return NotFound(f"There is no such {noun}.", "It may have been deleted meanwhile: list what there is.")
