"""A store in a private folder, with a clock that a test moves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jackfield.model.connection import Organization, Scope
from jackfield.store import keys, organizations
from jackfield.store.store import Store

KEY = bytes(range(32))


@dataclass
class Clock:
    """Time that stands until it is moved."""

    now: datetime = field(default_factory=lambda: datetime(2026, 5, 1, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[Store]:
    opened = Store.open(folder, KEY, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def acme(store: Store) -> Organization:
    """An organization with a data key named `key`."""
    with store.write() as tx:
        made = organizations.create(tx, name="acme")
        keys.add(tx, "key", scope=made.id, wrapped=b"wrapped")
    return made


@pytest.fixture
def scope(acme: Organization) -> Scope:
    return Scope(acme.id)
