"""Credentials that Jackfield replaces, against a real server, cut off at every point."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jackfield.model.check import Outcome
from jackfield.model.connection import Connection, Scope, State
from jackfield.model.errors import Refused
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.services.connections import Definition
from jackfield.services.engine import Engine, Tested
from jackfield.services.session import Session
from jackfield.services.takeover import (
    Takeover,
    is_pending,
    pending_connections,
    resolve_pending,
    take_over,
)
from jackfield.store import credentials, leases
from jackfield.store.credentials import Status
from support.servers.databases import Postgres
from support.takeovers import Killed, killed_calling

from .conftest import Make


@pytest.fixture
def managed(postgres: Postgres, session: Session, scope: Scope) -> Iterator[Connection]:
    """A connection to a fresh role of a real server."""
    with postgres.role() as login, postgres.database() as database:
        fields: dict[str, FieldValue] = {
            "host": postgres.host,
            "port": postgres.port,
            "database": database,
            "username": login.user,
            "password": Secret(login.password),
            "sslEnabled": False,
        }
        definition = Definition("db", "postgres", "username-and-password", private_address_allowed=True)
        yield session.connections.create(scope, definition, fields)


def password(session: Session, connection: Connection) -> str:
    value = session.connections.fields(connection, reason="test")["password"]
    assert isinstance(value, Secret)
    return value.reveal()


def works(session: Session, connection: Connection) -> bool:
    result = asyncio.run(session.tests.run(connection.id, Network()))
    return result.outcome is Outcome.PASSED


def test_the_new_secret_is_proven_before_it_is_kept(session: Session, managed: Connection) -> None:
    before = password(session, managed)
    end, result = asyncio.run(take_over(session, managed, Network()))
    now = session.connections.get(managed.id)
    assert (end, result.outcome) == (Takeover.DONE, Outcome.PASSED)
    assert (now.platform_managed, now.state) == (True, State.PASSED)
    assert password(session, now) != before
    assert works(session, now)
    assert not is_pending(session, managed.id)
    assert session.connections.with_secret(Secret(password(session, now))) == (session.connections.get(managed.id),)


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool) -> Iterator[None]:
    """The process ends just before or just after it calls `owner.name` for the first time."""
    real = getattr(owner, name)

    def kill(*arguments: Any, **more: Any) -> Any:
        if after:
            real(*arguments, **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, kill)
        yield


def cut_off(session: Session, managed: Connection) -> None:
    """A takeover that ends with its process. What it held runs out by itself."""
    with pytest.raises(Killed):
        asyncio.run(take_over(session, managed, Network()))


@pytest.fixture
def killed_asking(session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], Any]:
    """Ends the process around the request at the vendor."""

    return lambda after: killed_calling(session, monkeypatch, "change_password", after=after)


def test_killed_before_the_pending_secret_is_sealed(
    session: Session, managed: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = password(session, managed)
    with killed_at(monkeypatch, credentials, "put", after=True):
        cut_off(session, managed)
    assert pending_connections(session) == ()
    assert password(session, managed) == before
    assert works(session, managed)


@pytest.mark.parametrize(("asked", "end"), [(False, Takeover.UNDONE), (True, Takeover.DONE)])
def test_killed_around_the_request_at_the_vendor(
    session: Session, managed: Connection, killed_asking: Callable[[bool], Any], asked: bool, end: Takeover
) -> None:
    before = password(session, managed)
    with killed_asking(asked):
        cut_off(session, managed)
    assert [one.id for one in pending_connections(session)] == [managed.id]
    assert password(session, managed) == before
    assert asyncio.run(resolve_pending(session, managed, Network()))[0] is end
    assert pending_connections(session) == ()
    assert (password(session, managed) == before) is (end is Takeover.UNDONE)
    assert works(session, managed)


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_the_new_secret_is_promoted(
    session: Session, managed: Connection, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """The promotion and everything that belongs to it are one transaction."""
    with killed_at(monkeypatch, credentials, "promote", after=after):
        cut_off(session, managed)
    assert not session.connections.get(managed.id).platform_managed
    assert asyncio.run(resolve_pending(session, managed, Network()))[0] is Takeover.DONE
    assert session.connections.get(managed.id).platform_managed
    assert works(session, managed)


def test_nothing_is_given_up_while_the_vendor_cannot_be_reached(
    session: Session, managed: Connection, killed_asking: Callable[[bool], Any]
) -> None:
    with killed_asking(True):
        cut_off(session, managed)
    away = Network(redirect={("127.0.0.1", _port(session, managed)): ("127.0.0.1", 9)})
    assert asyncio.run(resolve_pending(session, managed, away))[0] is Takeover.UNRESOLVED
    assert is_pending(session, managed.id)
    assert asyncio.run(resolve_pending(session, managed, Network()))[0] is Takeover.DONE
    assert works(session, managed)


def test_a_change_under_way_is_left_to_who_makes_it(
    session: Session, managed: Connection, killed_asking: Callable[[bool], Any]
) -> None:
    """Another process would find the new secret refused before it is set, and give it up."""
    with killed_asking(True), pytest.raises(Killed):
        asyncio.run(take_over(session, managed, Network()))
    with session.store.write() as tx:
        leases.acquire(tx, f"takeover:{managed.id}", "another process", 60)
    with pytest.raises(Refused, match="being changed right now"):
        asyncio.run(resolve_pending(session, managed, Network()))
    assert is_pending(session, managed.id)


def test_a_test_by_hand_decides_what_a_crash_left_open(
    session: Session, managed: Connection, killed_asking: Callable[[bool], Any]
) -> None:
    with killed_asking(True):
        cut_off(session, managed)
    engine = Engine(session)
    engine.start()
    assert engine.test(managed.id).future.result(20).outcome is Outcome.PASSED
    assert not is_pending(session, managed.id)


def test_the_schedule_decides_it_first_of_all(
    session: Session, managed: Connection, killed_asking: Callable[[bool], Any]
) -> None:
    import queue

    with killed_asking(True):
        cut_off(session, managed)
    engine, news = Engine(session), queue.Queue[Any]()
    engine.listen(news.put)
    engine.start()
    engine.schedule()
    told = news.get(timeout=20)
    assert isinstance(told, Tested)
    assert told.connection_id == managed.id
    assert not is_pending(session, managed.id)


def test_a_second_takeover_waits_for_the_first_to_be_decided(
    session: Session, managed: Connection, killed_asking: Callable[[bool], Any]
) -> None:
    with killed_asking(False):
        cut_off(session, managed)
    with pytest.raises(Refused, match="not finished"):
        asyncio.run(take_over(session, managed, Network()))
    with session.store.read() as tx:
        assert credentials.get(tx, managed.id, Status.PENDING) is not None


def test_a_provider_without_a_way_is_refused(session: Session, make: Make) -> None:
    with pytest.raises(Refused, match="cannot manage"):
        asyncio.run(take_over(session, make(), Network()))


def _port(session: Session, connection: Connection) -> int:
    port = session.connections.fields(connection, reason="test")["port"]
    assert isinstance(port, int)
    return port
