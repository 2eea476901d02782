"""Tokens of stored logins: renewed before they are used, by one use at a time of all processes.

A vendor may end the old tokens at the moment it gives new ones. So whoever refreshes holds a lease, notes that it asks
before it asks, and seals and stores what comes back before anyone uses it; who waited reads again. A note without an
answer was left by a crash or a lost connection: the refresh is sent once more, for some vendors answer it again, and
when that is refused only a new login helps.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from jackfield.model.check import Failure, FailureKind
from jackfield.model.connection import Connection
from jackfield.model.errors import JackfieldError, Refused
from jackfield.model.secret import FieldValue
from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network
from jackfield.net.trace import Trace
from jackfield.providers.contract.functions import parse_time
from jackfield.services.audit import Audit
from jackfield.services.connections import Connections
from jackfield.store import connections, credentials, leases
from jackfield.store.credentials import Renewal, Status
from jackfield.store.store import Store
from jackfield.store.transaction import Writing, new_id

if TYPE_CHECKING:
    from jackfield.net.http import Reply
    from jackfield.providers.contract.oauth import LoginFailed, OAuthClient
    from jackfield.providers.contract.spec import Method, Provider

EARLY: Final = timedelta(minutes=2)  # a token that ends within this is renewed before it is used
LEASE_SECONDS: Final = 30.0  # longer than one refresh can take; what a crash left is taken up after it
LOOK_SECONDS: Final = 0.05  # between looks whether another use has renewed the tokens
_EXPIRY_RULE: Final = "answer.expires_at"

Fields = dict[str, FieldValue]


class NotRenewed(Refused):
    """The tokens have ended and there are no new ones; `failure` says the same as the result of a test does."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, failure.next_step)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Claim:
    """The right to refresh once. `again`: an earlier refresh with the same tokens had no answer."""

    connection: Connection
    fields: Fields
    holder: str
    again: bool


class Tokens:
    def __init__(self, store: Store, audit: Audit, connections_service: Connections) -> None:
        self._store = store
        self._audit = audit
        self._connections = connections_service
        self._under_way: set[asyncio.Task[Fields]] = set()

    async def fields(self, connection: Connection, network: Network, *, reason: str) -> Fields:
        """The opened credential, noted in the trail with the reason; tokens about to end are renewed first.

        Raises NotFound, BlobTampered or NotRenewed.
        """
        return await self._fresh(connection, self._connections.fields(connection, reason=reason), lambda: network)

    def fields_now(self, connection: Connection, *, reason: str, network: Callable[[], Network] = Network) -> Fields:
        """The same for a caller without a loop; `network` is made only when tokens have to be renewed."""
        fields = self._connections.fields(connection, reason=reason)
        if not self._end_soon(connection, fields):
            return fields
        return asyncio.run(self._fresh(connection, fields, network))

    async def instead_of(self, refused: Mapping[str, FieldValue], connection: Connection, network: Network) -> Fields:
        """The credential with other tokens than those that the vendor has just refused. Raises NotRenewed."""
        return await self._renewed(connection, network, lambda found: self._same_tokens(connection, found, refused))

    def can_renew(self, connection: Connection, fields: Mapping[str, FieldValue]) -> bool:
        """Whether the credential has what a refresh needs."""
        oauth = self._method(connection).oauth
        return oauth is not None and oauth.refresh and bool(fields.get("refreshToken"))

    async def _fresh(self, connection: Connection, fields: Fields, network: Callable[[], Network]) -> Fields:
        """The same fields, or renewed ones where their tokens end soon. Tokens that hold a little longer may do."""
        if not self._end_soon(connection, fields):
            return fields
        try:
            return await self._renewed(connection, network(), lambda found: self._end_soon(connection, found))
        except NotRenewed:
            if self._end_soon(connection, fields, within=timedelta()):
                raise
            return fields

    async def _renewed(self, connection: Connection, network: Network, useless: Callable[[Fields], bool]) -> Fields:
        """Refresh, or wait for who does, until the stored tokens are not `useless` any more."""
        patience = Deadline(total=2 * LEASE_SECONDS)
        while patience.remaining():
            claim = None if self._is_claimed(connection) else self._claim(connection, useless)
            if isinstance(claim, _Claim):
                return await self._to_its_end(self._refresh(claim, network))
            if claim is not None:
                return claim
            await asyncio.sleep(LOOK_SECONDS)
        raise NotRenewed(
            Failure(FailureKind.UNREACHABLE, "The token is still being renewed by another use.", "Try again soon.")
        )

    async def _to_its_end(self, refresh: Coroutine[Any, Any, Fields]) -> Fields:
        """A refresh goes on when the use that began it is cancelled: its answer would be lost."""
        task = asyncio.create_task(refresh)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: "asyncio.Task[Fields]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever waits; without one it is told by the next use

    def _is_claimed(self, connection: Connection) -> bool:
        with self._store.read() as tx:
            return leases.holder(tx, _lease(connection)) is not None

    def _claim(self, connection: Connection, useless: Callable[[Fields], bool]) -> _Claim | Fields | None:
        """The right to refresh, noted as used; the fields, when another use has renewed them; None while one is at it.

        Raises NotRenewed when only a login helps.
        """
        holder = new_id()
        with self._store.write() as tx:
            connection = connections.get(tx, connection.id)
            fields = self._connections.open_credential(tx, connection, Status.CURRENT)
            if not useless(fields):
                return fields
            renewal = credentials.require(tx, connection.id).renewal
            if renewal in {Renewal.OVER, Renewal.LOST}:
                raise NotRenewed(self._why_over(connection, renewal))
            if not leases.acquire(tx, _lease(connection), holder, LEASE_SECONDS):
                return None
            credentials.set_renewal(tx, connection.id, Renewal.SENT)
            self._audit.append(tx, "credential.renew", object_id=connection.id, name=connection.name, outcome="begun")
        return _Claim(connection, fields, holder, again=renewal is Renewal.SENT)

    async def _refresh(self, claim: _Claim, network: Network) -> Fields:
        """Ask the vendor once, and store what it says. Raises NotRenewed."""
        from jackfield.providers.contract.oauth import LoginFailed

        connection = claim.connection
        provider, method = self._connections.provider_and_method(connection.provider, connection.method)
        client = oauth_client(
            provider,
            method,
            claim.fields,
            network,
            organization_id=connection.scope.organization_id,
            private_allowed=connection.private_address_allowed,
        )
        try:
            new = await client.refresh()
        except LoginFailed as refusal:
            raise NotRenewed(self._note_refusal(claim, refusal)) from None
        except NetFailure as failure:
            raise NotRenewed(failure.as_failure()) from None
        else:
            return self._keep(claim, new)
        finally:
            with contextlib.suppress(JackfieldError), self._store.write() as tx:  # else it runs out by itself
                leases.release(tx, _lease(connection), claim.holder)

    def _keep(self, claim: _Claim, new: Mapping[str, FieldValue]) -> Fields:
        """Seal and store new tokens, unless those they renew were replaced meanwhile, as by a login."""
        with self._store.write() as tx:
            connection = connections.get(tx, claim.connection.id)
            fields = self._connections.open_credential(tx, connection, Status.CURRENT)
            if not self._same_tokens(connection, fields, claim.fields):
                return fields
            fields |= new
            self._connections.seal_credential(tx, connection, fields, Status.CURRENT)
            connections.renew_digest(tx, connection.id, self._connections.digest_of(connection, fields))
            self._note(tx, connection, "done")
        return fields

    def _note_refusal(self, claim: _Claim, refusal: "LoginFailed") -> Failure:
        """Store what a refusal means for later uses, and say it."""
        connection = claim.connection
        if refusal.session_is_over:
            renewal = Renewal.LOST if claim.again else Renewal.OVER
            failure = self._why_over(connection, renewal)
        else:  # the vendor answered, so nothing was lost by this refresh
            renewal = Renewal.SENT if claim.again else Renewal.IDLE
            kind = FailureKind.VENDOR_FAULT if refusal.error == "busy" else FailureKind.MISCONFIGURED
            failure = Failure(kind, refusal.message, refusal.next_step)
        with self._store.write() as tx:
            fields = self._connections.open_credential(tx, connection, Status.CURRENT)
            if self._same_tokens(connection, fields, claim.fields):
                credentials.set_renewal(tx, connection.id, renewal)
            self._note(tx, connection, "failed")
        return failure

    def _note(self, tx: Writing, connection: Connection, outcome: str) -> None:
        self._audit.append(tx, "credential.renew", object_id=connection.id, name=connection.name, outcome=outcome)

    def _why_over(self, connection: Connection, renewal: Renewal) -> Failure:
        vendor = self._connections.provider_and_method(connection.provider, connection.method)[0].name
        message = (
            "The session may have been ended by a refresh whose answer was lost."
            if renewal is Renewal.LOST
            else f"{vendor} does not take up this session again."
        )
        return Failure(FailureKind.EXPIRED, message, "Log in again.")

    def _end_soon(self, connection: Connection, fields: Mapping[str, FieldValue], within: timedelta = EARLY) -> bool:
        """Whether the tokens can be renewed and are known to end within that time."""
        if not self.can_renew(connection, fields):
            return False
        oauth = self._method(connection).oauth
        rules = oauth.stores if oauth is not None else {}
        name = next((name for name, rule in rules.items() if rule.text == _EXPIRY_RULE), "")
        ends = parse_time(fields.get(name))
        return ends is not None and ends <= datetime.now(UTC) + within

    def _same_tokens(
        self, connection: Connection, one: Mapping[str, FieldValue], other: Mapping[str, FieldValue]
    ) -> bool:
        oauth = self._method(connection).oauth
        return oauth is not None and all(one.get(name) == other.get(name) for name in oauth.stores)

    def _method(self, connection: Connection) -> "Method":
        return self._connections.provider_and_method(connection.provider, connection.method)[1]


def oauth_client(
    provider: "Provider",
    method: "Method",
    fields: Mapping[str, FieldValue],
    network: Network,
    *,
    organization_id: str,
    private_allowed: bool,
) -> "OAuthClient":
    """Logins and refreshes for these fields; each question to the vendor has a deadline of its own."""
    from jackfield.checks.run import call_for
    from jackfield.providers.contract.oauth import OAuthClient

    async def send(verb: str, url: str, /, *, form: Mapping[str, str]) -> "Reply":
        deadline, trace = Deadline(), Trace()
        async with AsyncExitStack() as cleanup:
            call = call_for(
                provider, method, fields, network, deadline, cleanup,
                trace=trace, organization_id=organization_id, private_allowed=private_allowed,
            )  # fmt: skip
            return await call.http().request(verb, url, form=form)

    return OAuthClient(provider, method, fields, send)


def _lease(connection: Connection) -> str:
    return f"tokens:{connection.id}"
