"""Platform-managed credentials: replaced by Jackfield in an order that survives a crash at any point.

The new secret is sealed as pending before the vendor is asked; only when it is proven does it become the current one.
A pending secret found later is resolved by trying it and the old one, once each. Whoever is at it holds a lease, so
that no other process resolves a change that is still being made.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Final

from jackfield.checks.request import CONNECT_SECONDS
from jackfield.checks.run import call_for
from jackfield.model.check import STOPS_AUTOMATIC_TESTS, CheckResult, Outcome
from jackfield.model.connection import Connection
from jackfield.model.errors import BlobTampered, JackfieldError, Refused
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.deadline import Deadline, within
from jackfield.net.network import Network
from jackfield.providers.contract.spec import PlatformManaged
from jackfield.services.session import Session
from jackfield.store import connections, credentials, leases
from jackfield.store.connections import Definition
from jackfield.store.credentials import Status
from jackfield.store.transaction import Reading, Writing, new_id

LEASE_SECONDS: Final = 120.0  # longer than the request at the vendor may take; a crash is resolved after it


class Takeover(StrEnum):
    """How a change of a secret ended."""

    DONE = "done"  # the new secret is proven and stored
    UNDONE = "undone"  # the old secret still holds; nothing changed
    UNRESOLVED = "unresolved"  # neither could be proven now; both are kept, but for one that does not open


async def take_over(session: Session, connection: Connection, network: Network) -> tuple[Takeover, CheckResult]:
    """Replace the secret and keep the new one. Raises Refused where the provider or method has no way to do it."""
    managed = _managed(session, connection)
    old = await session.tokens.fields(connection, network, reason="takeover")
    new = Secret("".join(secrets.choice(managed.alphabet) for _ in range(managed.length)))
    async with _only_here(session, connection):
        with session.store.write() as tx:
            if credentials.get(tx, connection.id, Status.PENDING) is not None:
                raise Refused("A change of this secret is not finished.", "Test the connection: that resolves it.")
            session.connections.seal_credential(tx, connection, {**old, managed.field: new}, Status.PENDING)
            session.audit.append(tx, "takeover.begin", object_id=connection.id, name=connection.name)
        await _change_at_vendor(session, connection, managed, old, new, network)
        return await _resolve(session, connection, network)


async def resolve_pending(session: Session, connection: Connection, network: Network) -> tuple[Takeover, CheckResult]:
    """Find out which of the two secrets holds, the new one first, each tried once, and keep that one.

    Raises Refused while another process is at it.
    """
    async with _only_here(session, connection):
        return await _resolve(session, connection, network)


async def _resolve(session: Session, connection: Connection, network: Network) -> tuple[Takeover, CheckResult]:
    with session.store.write() as tx:
        new = _opened(session, tx, connection, Status.PENDING)
        old = _opened(session, tx, connection, Status.CURRENT)
        session.audit.append(tx, "credential.open", object_id=connection.id, name=connection.name, reason="takeover")
    if new is None:
        return await _without_new(session, connection, network)
    end, result = Takeover.UNRESOLVED, await session.tests.run_fields(connection, new, network)
    if _holds(result):
        _keep_new(session, connection, new)
        end = Takeover.DONE
    elif result.failure is not None and result.failure.kind in STOPS_AUTOMATIC_TESTS:
        if old is None:  # the new one is all there is: to keep it pending would only stand in the way of a new edit
            with session.store.write() as tx:
                _promote(session, tx, connection, new)
        else:
            result = await session.tests.run_fields(connection, old, network)
            if _holds(result):
                _give_up_new(session, connection)
                end = Takeover.UNDONE
    if end is Takeover.UNRESOLVED:
        session.audit.note("takeover.unresolved", object_id=connection.id, name=connection.name, outcome="failed")
    session.tests.record(session.connections.get(connection.id), result)
    return end, result


async def _without_new(session: Session, connection: Connection, network: Network) -> tuple[Takeover, CheckResult]:
    """Give up a new secret that does not open, so that it stands in nobody's way, and test the old one.

    Raises BlobTampered when the old one does not open either: then the connection is shown as unreadable.
    """
    _give_up_new(session, connection, reason="unreadable")
    result = await session.tests.run(connection.id, network)
    return Takeover.UNDONE if _holds(result) else Takeover.UNRESOLVED, result


def _give_up_new(session: Session, connection: Connection, *, reason: str = "") -> None:
    with session.store.write() as tx:
        credentials.drop(tx, connection.id, Status.PENDING)
        session.audit.append(tx, "takeover.undone", object_id=connection.id, name=connection.name, reason=reason)


def _opened(session: Session, tx: Reading, connection: Connection, status: Status) -> dict[str, FieldValue] | None:
    """One of the two secrets with its fields; None when it does not open."""
    try:
        return session.connections.open_credential(tx, connection, status)
    except BlobTampered:
        return None


@asynccontextmanager
async def _only_here(session: Session, connection: Connection) -> AsyncIterator[None]:
    """Keep every other process from this connection's change of secret. Raises Refused when one is at it."""
    name, holder = f"takeover:{connection.id}", new_id()
    with session.store.write() as tx:
        if not leases.acquire(tx, name, holder, LEASE_SECONDS):
            raise Refused("This secret is being changed right now.", "Look again in two minutes.")
    try:
        yield
    finally:
        with contextlib.suppress(JackfieldError), session.store.write() as tx:  # else it runs out by itself
            leases.release(tx, name, holder)


def pending_connections(session: Session) -> tuple[Connection, ...]:
    """Connections that a crash left with a pending secret."""
    with session.store.read() as tx:
        return tuple(connections.get(tx, one.connection_id) for one in credentials.pending(tx))


def is_pending(session: Session, connection_id: str) -> bool:
    """Whether a change of this connection's secret is not decided yet."""
    with session.store.read() as tx:
        return credentials.get(tx, connection_id, Status.PENDING) is not None


async def _change_at_vendor(
    session: Session,
    connection: Connection,
    managed: PlatformManaged,
    old: Mapping[str, FieldValue],
    new: Secret,
    network: Network,
) -> None:
    """Ask once. Whether it worked is found out by trying the secrets, so an error here decides nothing."""
    provider = session.registry.get(connection.provider)
    deadline = Deadline(connect=CONNECT_SECONDS, total=session.tests.total_seconds)
    async with AsyncExitStack() as cleanup:
        call = call_for(
            provider,
            provider.method(connection.method),
            old,
            network,
            deadline,
            cleanup,
            organization_id=connection.scope.organization_id,
            private_allowed=connection.private_address_allowed,
        )
        with contextlib.suppress(Exception):
            async with within(deadline):
                await session.registry.function(provider.slug, managed.call)(call, new)


def _managed(session: Session, connection: Connection) -> PlatformManaged:
    managed = session.registry.get(connection.provider).platform_managed
    if managed is None or (managed.methods and connection.method not in managed.methods):
        raise Refused(
            f"Jackfield cannot manage this kind of credential ({connection.provider}, {connection.method}).",
            "Change it at the vendor and edit the connection.",
        )
    return managed


def _holds(result: CheckResult) -> bool:
    """Whether the vendor accepted the secret. `unproven` is not enough: any secret would have been accepted."""
    return result.outcome in {Outcome.PASSED, Outcome.LIMITED}


def _keep_new(session: Session, connection: Connection, new: Mapping[str, FieldValue]) -> None:
    with session.store.write() as tx:
        now = _promote(session, tx, connection, new)
        if not now.platform_managed:
            managed = replace(definition_of(now), platform_managed=True)
            connections.edit(tx, now.id, version=now.version, definition=managed)
        session.audit.append(tx, "takeover.done", object_id=now.id, name=now.name)


def _promote(session: Session, tx: Writing, connection: Connection, new: Mapping[str, FieldValue]) -> Connection:
    """Put the new secret in the place of the old one."""
    credentials.promote(tx, connection.id)
    connections.renew_digest(tx, connection.id, session.connections.digest_of(connection, new))
    return connections.get(tx, connection.id)


def definition_of(connection: Connection) -> Definition:
    """What the user decided about a connection, to be edited in part."""
    return Definition(
        name=connection.name,
        provider=connection.provider,
        method=connection.method,
        description=connection.description,
        uses=connection.uses,
        tags=connection.tags,
        test_every_minutes=connection.test_every_minutes,
        platform_managed=connection.platform_managed,
        attempts_allowed=connection.attempts_allowed,
        private_address_allowed=connection.private_address_allowed,
    )
