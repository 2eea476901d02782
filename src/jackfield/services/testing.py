"""Testing connections, stored or still being typed, and what tests have found so far."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jackfield.checks.request import CHECK_SECONDS, CheckRequest, OnProgress
from jackfield.model.check import CheckResult, Failure, FailureKind, Outcome, Step, StepName, StepOutcome
from jackfield.model.connection import Connection, IntendedUse
from jackfield.model.errors import BlobTampered, Conflict
from jackfield.model.secret import FieldValue
from jackfield.net.network import Network
from jackfield.providers.contract.fields import complete
from jackfield.providers.contract.registry import Registry
from jackfield.services.audit import Audit
from jackfield.services.connections import Connections
from jackfield.services.records import detail_from_bytes, detail_to_bytes
from jackfield.services.schedule import next_test_at, stops_automatic_tests
from jackfield.services.sealing import Sealer, scope_text
from jackfield.services.tokens import NotRenewed, Tokens
from jackfield.store import checks, connections
from jackfield.store.checks import CheckRun, SealedDetail, Verdicts
from jackfield.store.connections import Due
from jackfield.store.credentials import Status
from jackfield.store.store import Store
from jackfield.store.transaction import new_id

__all__ = ["CheckRun", "Draft", "Due", "Tests", "Verdicts"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A connection that is not saved yet, as far as a test needs it."""

    provider: str
    method: str
    fields: Mapping[str, FieldValue]
    uses: tuple[IntendedUse, ...] = ()
    organization_id: str = ""
    name: str = ""
    attempts_allowed: bool = False
    private_allowed: bool = False
    tokens_of: Connection | None = None  # the stored connection whose tokens `fields` hold unchanged


def _ignore(_: object) -> None:
    pass


def _failed_before(failure: Failure) -> CheckResult:
    """The result of a test that could not begin, because its token could not be had."""
    step = Step(StepName.AUTHENTICATE, StepOutcome.FAILED, 0.0, failure.message)
    return CheckResult(Outcome.FAILED, datetime.now(UTC), 0.0, failure, steps=(step,))


class Tests:
    """`total_seconds` bounds one test."""

    __test__ = False  # not a test class, whatever its name

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        audit: Audit,
        registry: Registry,
        connections_service: Connections,
        tokens: Tokens,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._audit = audit
        self._registry = registry
        self._connections = connections_service
        self._tokens = tokens
        self.total_seconds = CHECK_SECONDS

    async def run_draft(self, draft: Draft, network: Network, on_progress: OnProgress = _ignore) -> CheckResult:
        """Test what is typed, keeping nothing of it but tokens of a stored connection that had to be renewed.

        Raises NotFound, InvalidField or BlobTampered.
        """
        stored = draft.tokens_of
        if stored is None:
            return await self._check(draft, network, on_progress)
        method = self._connections.provider_and_method(draft.provider, draft.method)[1]
        names = method.oauth.stores if method.oauth is not None else {}

        def check(opened: Mapping[str, FieldValue]) -> Awaitable[CheckResult]:
            tokens = {name: value for name, value in opened.items() if name in names}
            return self._check(replace(draft, fields={**draft.fields, **tokens}), network, on_progress)

        try:
            opened = await self._tokens.fields(stored, network, reason="test")
            return await self._run_with_tokens(stored, opened, network, check)
        except NotRenewed as ended:
            return _failed_before(ended.failure)

    async def _check(self, draft: Draft, network: Network, on_progress: OnProgress) -> CheckResult:
        from jackfield.checks.run import run_check  # brings the HTTP client, which few commands need

        provider, method = self._connections.provider_and_method(draft.provider, draft.method)
        request = CheckRequest(
            provider=provider,
            method=method,
            fields=complete(method, draft.fields),
            uses=draft.uses,
            function=lambda name: self._registry.function(provider.slug, name),
            organization_id=draft.organization_id,
            connection_name=draft.name,
            attempts_allowed=draft.attempts_allowed,
            private_allowed=draft.private_allowed,
            total_seconds=self.total_seconds,
        )
        return await run_check(request, network, on_progress)

    async def run(self, connection_id: str, network: Network, on_progress: OnProgress = _ignore) -> CheckResult:
        """Test a stored connection and keep the result. Raises NotFound or BlobTampered.

        A result for a connection that was edited meanwhile is not kept: it speaks of something else. One whose
        credential does not open is shown as unreadable.
        """
        connection = self._connections.get(connection_id)
        try:
            fields = await self._tokens.fields(connection, network, reason="test")
            result = await self._run_with_tokens(
                connection, fields, network, lambda opened: self.run_fields(connection, opened, network, on_progress)
            )
        except BlobTampered as damage:
            self._connections.show_unreadable(connection, damage.message)
            raise
        except NotRenewed as ended:
            result = _failed_before(ended.failure)
        self.record(connection, result)
        return result

    async def _run_with_tokens(
        self,
        connection: Connection,
        fields: Mapping[str, FieldValue],
        network: Network,
        check: Callable[[Mapping[str, FieldValue]], Awaitable[CheckResult]],
    ) -> CheckResult:
        """Test; where the vendor refuses tokens that can be renewed, once more with new ones. Raises NotRenewed."""
        result = await check(fields)
        refused = result.failure is not None and result.failure.kind in {FailureKind.REJECTED, FailureKind.EXPIRED}
        if not refused or not self._tokens.can_renew(connection, fields):
            return result
        renewed = await self._tokens.instead_of(fields, connection, network)
        return await check(renewed)

    async def run_fields(
        self,
        connection: Connection,
        fields: Mapping[str, FieldValue],
        network: Network,
        on_progress: OnProgress = _ignore,
        uses: tuple[IntendedUse, ...] | None = None,
    ) -> CheckResult:
        """Test a connection with these fields instead of its stored ones, keeping nothing."""
        draft = Draft(
            connection.provider,
            connection.method,
            fields,
            connection.uses if uses is None else uses,
            connection.scope.organization_id,
            connection.name,
            connection.attempts_allowed,
            connection.private_address_allowed,
        )
        return await self.run_draft(draft, network, on_progress)

    def record(self, connection: Connection, result: CheckResult) -> bool:
        """Keep a result, with its detail sealed, and say when the next test is due. False when it came too late."""
        row_id = new_id()
        try:
            with self._store.write() as tx:
                sealed, key_id = self._sealer.seal(
                    tx,
                    detail_to_bytes(result),
                    scope=scope_text(connection.scope),
                    table="check_run",
                    column="sealed_detail",
                    row_id=row_id,
                    version=1,
                )
                failures = connections.failures_in_row(tx, connection.id)
                checks.record(
                    tx,
                    connection.id,
                    result,
                    SealedDetail(row_id, sealed, key_id),
                    version=connection.version,
                    next_test_at=next_test_at(tx.now, connection.test_every_minutes, result, failures),
                    stop_automatic_tests=stops_automatic_tests(result),
                )
                kind = result.failure.kind.value if result.failure else ""
                self._audit.append(
                    tx,
                    "connection.test",
                    object_id=connection.id,
                    name=connection.name,
                    outcome=result.outcome.value,
                    reason=kind,
                )
        except Conflict:
            return False
        return True

    def history(self, connection_id: str, *, before: int | None = None, limit: int = 50) -> tuple[CheckRun, ...]:
        """Runs, the newest first."""
        with self._store.read() as tx:
            return checks.history(tx, connection_id, before=before, limit=limit)

    def verdicts(self, connection_id: str) -> Verdicts:
        """The latest verdict on each permission."""
        with self._store.read() as tx:
            return checks.verdicts(tx, connection_id)

    def result(self, run: CheckRun) -> CheckResult:
        """A run with its sealed detail opened. Raises BlobTampered."""
        detail = run.detail
        with self._store.read() as tx:
            data = self._sealer.open(
                tx,
                detail.sealed,
                key_id=detail.key_id,
                table="check_run",
                column="sealed_detail",
                row_id=detail.row_id,
                version=detail.version,
                left=(connections.left_names(run.connection_id)[1],),
            )
        return CheckResult(
            outcome=run.outcome,
            started_at=run.started_at,
            duration_ms=run.duration_ms,
            failure=run.failure,
            **detail_from_bytes(data),
        )

    def latest(self, connection_id: str) -> CheckResult | None:
        """The last run with its detail and the latest verdicts; None before the first. Raises BlobTampered."""
        runs = self.history(connection_id, limit=1)
        if not runs:
            return None
        return replace(self.result(runs[0]), grants=self.verdicts(connection_id).grants)

    def due(self, *, limit: int = 64) -> tuple[Due, ...]:
        """Connections whose automatic test has come."""
        with self._store.read() as tx:
            return connections.due(tx, limit=limit)

    def is_readable(self, connection: Connection) -> bool:
        """Whether the stored credential opens."""
        try:
            with self._store.read() as tx:
                self._connections.open_credential(tx, connection, Status.CURRENT)
        except BlobTampered:
            return False
        return True
