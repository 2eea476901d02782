"""Settings of this store, and filters saved under a name."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from jackfield.store import tables
from jackfield.store.left import GUARDED_SETTINGS
from jackfield.store.transaction import Reading, Writing

JsonValue = str | int | float | bool | list[Any] | dict[str, Any]

_setting = tables.setting
_filter = tables.saved_filter


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """The text of a filter line under a name."""

    name: str
    text: str


def get(tx: Reading, key: str) -> JsonValue | None:
    """The value of a setting; None when it was never set."""
    value: JsonValue | None = tx.value(select(_setting.c.value).where(_setting.c.key == key))
    return value


def put(tx: Writing, key: str, value: JsonValue | None) -> None:
    """Set a value; None takes it back."""
    if key in GUARDED_SETTINGS:
        tx.touch(f"setting/{key}")
    tx.run(delete(_setting).where(_setting.c.key == key))
    if value is not None:
        tx.run(insert(_setting).values(key=key, value=value))


def save_filter(tx: Writing, name: str, text: str) -> None:
    """Keep a filter under a name, in the place of the one before."""
    drop_filter(tx, name)
    tx.run(insert(_filter).values(name=name, text=text))


def drop_filter(tx: Writing, name: str) -> None:
    """Forget a saved filter; nothing happens when it is gone already."""
    tx.run(delete(_filter).where(_filter.c.name == name))


def saved_filters(tx: Reading) -> tuple[SavedFilter, ...]:
    """Every saved filter, by name."""
    return tuple(SavedFilter(row.name, row.text) for row in tx.all(select(_filter).order_by(_filter.c.name)))
