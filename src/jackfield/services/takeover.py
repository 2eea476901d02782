"""Platform-managed credentials: replaced by Jackfield in an order that survives a crash at any point.

The new secret is sealed as pending before the vendor is asked; only when it is proven does it become the current one.
A pending secret found later is resolved by trying it and the old one, once each. Whoever is at it holds a lease, so
that no other process resolves a change that is still being made.

Where the vendor holds several secrets, the old one is ended when the new one is proven, before it takes its place.

Where the vendor makes the secret, too, the names that it held before are sealed as pending first, and what it made
takes their place. After a crash in between, the vendor's list tells what was made and lost; that is named and left to
the user, for nobody can know whose it is.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from jackfield.checks.request import CONNECT_SECONDS
from jackfield.model.check import STOPS_AUTOMATIC_TESTS, CheckResult, Outcome
from jackfield.model.connection import Connection
from jackfield.model.errors import BlobTampered, JackfieldError, Refused
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.deadline import Deadline, within
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network
from jackfield.services.session import Session
from jackfield.store import connections, credentials, leases
from jackfield.store.connections import Definition
from jackfield.store.credentials import Status
from jackfield.store.transaction import Reading, Writing, new_id

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Issued, PlatformManaged

SETTLING: Final = (2.0, 4.0, 8.0, 16.0)  # seconds between tries of a secret that the vendor has just made
_HELD: Final = " held"  # in a pending secret that waits for the vendor's answer: names it held before; no field's name
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
    ask = _Vendor(session, connection, network).ask
    async with _only_here(session, connection):
        if is_pending(session, connection.id):
            raise Refused("A change of this secret is not finished.", "Test the connection: that resolves it.")
        begun = await _begun(ask, managed, old)
        with session.store.write() as tx:
            session.connections.seal_credential(tx, connection, {**old, **begun}, Status.PENDING)
            session.audit.append(tx, "takeover.begin", object_id=connection.id, name=connection.name)
        problem = await _change(session, connection, managed, old, begun, network)
        end, result = await _resolve(session, connection, network)
    if problem and end is Takeover.UNDONE:
        result = replace(result, warnings=(*result.warnings, problem))
    return end, result


async def _begun(ask: "Ask", managed: "PlatformManaged", old: Mapping[str, FieldValue]) -> Mapping[str, FieldValue]:
    """What is sealed before the vendor is asked: the new secret, or where the vendor makes it, what it held before."""
    if managed.issued is None:
        return {managed.field: Secret("".join(secrets.choice(managed.alphabet) for _ in range(managed.length)))}
    held = await _room_for_one(ask, managed.issued, old)
    if managed.issued.make is None:
        return {_HELD: " ".join(held)}
    made: Mapping[str, FieldValue] = await ask(managed.issued.make, old)
    return made


async def _change(
    session: Session,
    connection: Connection,
    managed: "PlatformManaged",
    old: Mapping[str, FieldValue],
    begun: Mapping[str, FieldValue],
    network: Network,
) -> str:
    """Ask once; what the vendor made is sealed at once. Gives what went wrong, where that can be said.

    Whether it worked is found out by trying the secrets, so an error here decides nothing.
    """
    ask = _Vendor(session, connection, network).ask
    with contextlib.suppress(Exception):
        try:
            if managed.issued is None:
                await ask(managed.call, old, begun[managed.field])
            elif managed.issued.make is not None:
                await ask(managed.call, old, begun)
            else:
                made = await ask(managed.call, old)
                with session.store.write() as tx:
                    session.connections.seal_credential(tx, connection, {**old, **made}, Status.PENDING)
                    session.audit.append(tx, "takeover.issued", object_id=connection.id, name=connection.name)
        except NetFailure as failure:
            return f"{failure.message} {failure.next_step}"
    return ""


async def _room_for_one(ask: "Ask", issued: "Issued", old: Mapping[str, FieldValue]) -> Sequence[str]:
    """The names that the vendor holds now. Raises Refused when it would take no more, or does not tell."""
    try:
        held: Sequence[str] = await ask(issued.held, old)
    except NetFailure as failure:
        raise Refused(failure.message, failure.next_step) from None
    if issued.most is not None and len(held) >= issued.most:
        others = ", ".join(name for name in held if name != old[issued.name])
        raise Refused("The vendor holds as many as it takes.", f"End the one that nobody uses there: {others}.")
    return held


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
    vendor = _Vendor(session, connection, network)
    if _HELD in new:
        return await _without_answer(session, vendor, str(new[_HELD]), old)
    end, result = Takeover.UNRESOLVED, await _settled(vendor, new, old)
    if _holds(result):
        result = await vendor.retire(old, new, result)
        _keep_new(session, connection, new)
        end = Takeover.DONE
    elif _refused(result):
        if old is None:  # the new one is all there is: to keep it pending would only stand in the way of a new edit
            with session.store.write() as tx:
                now = _promote(session, tx, connection, new)
                session.audit.append(tx, "takeover.kept", object_id=now.id, name=now.name)
        else:
            result = await session.tests.run_fields(connection, old, network)
            if _holds(result):
                result = await vendor.retire(new, old, result)
                _give_up_new(session, connection)
                end = Takeover.UNDONE
    return _ended(session, connection, end, result)


def _ended(
    session: Session, connection: Connection, end: Takeover, result: CheckResult
) -> tuple[Takeover, CheckResult]:
    if end is Takeover.UNRESOLVED:
        session.audit.note("takeover.unresolved", object_id=connection.id, name=connection.name, outcome="failed")
    session.tests.record(session.connections.get(connection.id), result)
    return end, result


async def _settled(
    vendor: "_Vendor", new: Mapping[str, FieldValue], old: Mapping[str, FieldValue] | None
) -> CheckResult:
    """The test of a new secret. One beside the old is refused until all of the vendor's places know it."""
    result = await vendor.test(new)
    for seconds in SETTLING if vendor.issued is not None else ():
        if not _refused(result) or not await vendor.may_know(new, old):
            break
        await asyncio.sleep(seconds)
        result = await vendor.test(new)
    return result


async def _without_answer(
    session: Session, vendor: "_Vendor", held_before: str, old: Mapping[str, FieldValue] | None
) -> tuple[Takeover, CheckResult]:
    """Give up a new secret whose making was cut off, and name what the vendor has made meanwhile.

    Nothing is given up while the vendor cannot be asked.
    """
    connection = vendor.connection
    if old is None or vendor.issued is None:
        return await _without_new(session, connection, vendor.network)
    result = await vendor.test(old)
    try:
        made = [name for name in await vendor.ask(vendor.issued.held, old) if name not in held_before.split()]
    except NetFailure:
        if not _refused(result):
            return _ended(session, connection, Takeover.UNRESOLVED, result)
        made = []
    _give_up_new(session, connection, reason="no answer")
    if made:
        lost = f"A change was cut off, and {', '.join(made)} came to be meanwhile. End it there if nobody uses it."
        result = replace(result, warnings=(*result.warnings, lost))
    return _ended(session, connection, Takeover.UNDONE if _holds(result) else Takeover.UNRESOLVED, result)


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


class Ask(Protocol):
    """Calls one of the provider's functions with these fields. Raises NetFailure, or what else went wrong."""

    async def __call__(self, function: str, fields: Mapping[str, FieldValue], *arguments: object) -> Any: ...


class _Vendor:
    """The vendor of one connection, asked with fields that need not be the stored ones."""

    def __init__(self, session: Session, connection: Connection, network: Network) -> None:
        managed = session.registry.get(connection.provider).platform_managed
        self.connection, self.network = connection, network
        self.issued = managed.issued if managed is not None else None
        self._session = session

    async def test(self, fields: Mapping[str, FieldValue]) -> CheckResult:
        return await self._session.tests.run_fields(self.connection, fields, self.network)

    async def ask(self, function: str, fields: Mapping[str, FieldValue], *arguments: object) -> Any:
        from jackfield.checks.run import call_for  # brings the HTTP client, which nothing needs before

        connection, session = self.connection, self._session
        provider = session.registry.get(connection.provider)
        deadline = Deadline(connect=CONNECT_SECONDS, total=session.tests.total_seconds)
        async with AsyncExitStack() as cleanup:
            call = call_for(
                provider,
                provider.method(connection.method),
                fields,
                self.network,
                deadline,
                cleanup,
                organization_id=connection.scope.organization_id,
                private_allowed=connection.private_address_allowed,
            )
            async with within(deadline):
                return await session.registry.function(provider.slug, function)(call, *arguments)

    async def may_know(self, new: Mapping[str, FieldValue], old: Mapping[str, FieldValue] | None) -> bool:
        """Whether the vendor may come to accept a secret that it refuses: not when its own list is without it."""
        if self.issued is None or old is None:
            return True
        try:
            return new[self.issued.name] in await self.ask(self.issued.held, old)
        except NetFailure:
            return True

    async def retire(
        self, ending: Mapping[str, FieldValue] | None, kept: Mapping[str, FieldValue], result: CheckResult
    ) -> CheckResult:
        """End the secret that is not kept, where the vendor holds several; the result says so when that failed."""
        name = "" if ending is None or self.issued is None else str(ending[self.issued.name])
        if self.issued is None or name in ("", kept[self.issued.name]):
            return result
        try:
            await self.ask(self.issued.retire, kept, name)
        except NetFailure:
            left = f"{name} could not be ended and still works: end it at the vendor."
            return replace(result, warnings=(*result.warnings, left))
        return result


def _managed(session: Session, connection: Connection) -> "PlatformManaged":
    managed = session.registry.get(connection.provider).platform_managed
    if managed is None or (managed.methods and connection.method not in managed.methods):
        raise Refused(
            f"Jackfield cannot manage this kind of credential ({connection.provider}, {connection.method}).",
            "Change it at the vendor and edit the connection.",
        )
    return managed


def _refused(result: CheckResult) -> bool:
    """Whether the vendor said that the secret is not good, so that to try it again is of no use."""
    return result.failure is not None and result.failure.kind in STOPS_AUTOMATIC_TESTS


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
