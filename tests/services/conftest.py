"""A session over a home of its own, with keys that take no time to derive, and Netlify in miniature."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.model.connection import Connection, IntendedUse, Scope
from jackfield.model.secret import FieldValue, Secret
from jackfield.services.connections import Definition
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import Costs
from providers.netlify.vendor import GOOD, Netlify

PASSPHRASE = Secret("a garden of seven gates")
CHEAP = Costs(memory_kib=16, passes=1, lanes=1)
SYNC = IntendedUse("secret-sync/env", {"team": "acme"})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def session(home: Home) -> Iterator[Session]:
    """When the test ends, the trail must have noted every change of a guarded row."""
    made, _ = Session.create(home, PASSPHRASE, costs=CHEAP, floor=CHEAP)
    yield made
    if not made.locked:
        assert made.audit.replaced() == ()
    made.lock()


@pytest.fixture
def reopen(home: Home) -> Iterator[Callable[[], Session]]:
    """Opens further sessions on the same home."""
    opened: list[Session] = []

    def open_again() -> Session:
        opened.append(Session.unlock(home, PASSPHRASE, floor=CHEAP))
        return opened[-1]

    yield open_again
    for one in opened:
        one.lock()


@pytest.fixture
def scope(session: Session) -> Scope:
    return Scope(session.organizations.create("acme").id)


Make = Callable[..., Connection]


@pytest.fixture
def make(session: Session, scope: Scope) -> Make:
    """Makes a Netlify connection; what is given replaces the usual."""

    def make_one(name: str = "sites", token: str = GOOD, **more: object) -> Connection:
        given = {"name": name, "provider": "netlify", "method": "access-token", "uses": (SYNC,)} | more
        fields: dict[str, FieldValue] = {"accessToken": Secret(token)}
        return session.connections.create(scope, Definition(**given), fields)  # type: ignore[arg-type]  # test values

    return make_one


@pytest.fixture
def database(session: Session, scope: Scope) -> Connection:
    """A PostgreSQL connection: its address is among its fields."""
    fields: dict[str, FieldValue] = {
        "host": "db.example.com",
        "database": "app",
        "username": "bob",
        "password": Secret("first secret"),
    }
    return session.connections.create(scope, Definition("db", "postgres", "username-and-password"), fields)


@pytest.fixture
def netlify() -> Iterator[Netlify]:
    with Netlify() as world:
        yield world
