"""One check from start to end: resolve, connect, tls, authenticate, identity, reach, permissions.

A check is green only by positive evidence: the provider's proof must hold, and every row needs a fact behind it.
"""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from jackfield.checks.facts import Answer, FactBook
from jackfield.checks.failures import declared_failure, general_failure
from jackfield.checks.request import CheckRequest, Findings, GrantJudged, OnProgress, StepEnded, StepStarted
from jackfield.checks.verdicts import judge_excess, judge_permission, may_rest_on, needed_names
from jackfield.model.check import (
    CheckResult,
    ExpiryKnown,
    Failure,
    FailureKind,
    Grant,
    GrantState,
    Outcome,
    Step,
    StepName,
    StepOutcome,
)
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.deadline import Deadline, within
from jackfield.net.failure import NetFailure, SessionEnded
from jackfield.net.handover import Handover
from jackfield.net.http import HttpClient
from jackfield.net.network import Network
from jackfield.net.tls import TlsOptions
from jackfield.net.trace import Trace
from jackfield.providers.contract.address import vendor_host
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.fact import Auth
from jackfield.providers.contract.fields import all_names
from jackfield.providers.contract.functions import parse_time
from jackfield.providers.contract.registry import missing_driver
from jackfield.providers.contract.snippet import target_values
from jackfield.providers.contract.spec import Method, Provider, Tls, Use
from jackfield.providers.contract.values import NOTHING
from jackfield.text import Redactor, Tally, cleaned, tallied

RANDOM_BYTES: Final = 6
REFUSED: Final = {FailureKind.REJECTED, FailureKind.EXPIRED, FailureKind.LOCKED_OUT}
Target = Mapping[str, object]


async def run_check(request: CheckRequest, network: Network, on_progress: OnProgress = lambda _: None) -> CheckResult:
    """Test one credential. Every failure is part of the result; only cancellation is raised."""
    with tallied() as tally:
        return await _Run(request, network, on_progress, tally).result()


def call_for(
    provider: Provider,
    method: Method,
    fields: Mapping[str, FieldValue],
    network: Network,
    deadline: Deadline,
    cleanup: AsyncExitStack,
    *,
    trace: Trace | None = None,
    organization_id: str = "",
    private_allowed: bool = False,
) -> Call:
    """What the provider's Python functions are given for one credential."""
    return Call(
        fields=fields,
        target={},
        arguments={},
        network=network,
        deadline=deadline,
        trace=trace or Trace(),
        tls=_tls_options(provider.tls, all_names(method, fields)),
        private_allowed=private_allowed,
        organization_id=organization_id,
        random=secrets.token_hex(RANDOM_BYTES),
        cleanup=cleanup,
    )


def _tls_options(rules: Tls, names: Mapping[str, object]) -> TlsOptions | None:
    """TLS as the fields ask for it; None means plain text."""
    if rules.used is not None and rules.used.decide(names) is False:
        return None
    verify = rules.verified is None or rules.verified.decide(names) is not False
    authority = rules.ca.evaluate(names) if rules.ca is not None else ""
    return TlsOptions(ca_pem=authority if isinstance(authority, str) else "", verify=verify)


class _Run:
    """The state of one check under way."""

    def __init__(self, request: CheckRequest, network: Network, on_progress: OnProgress, tally: Tally) -> None:
        self.request = request
        self.tally = tally
        self.network = network
        self.tell = on_progress
        self.found = Findings()
        self.started_at = datetime.now(UTC)
        self.clock = time.perf_counter()
        self.unproven = ""
        self.expires_at: datetime | None = None
        self.expiry_known = ExpiryKnown.UNKNOWN
        self.book: FactBook | None = None
        self.trace = Trace(self._phase_ended)
        chosen = ((request.provider.use(use.use), use.targets) for use in request.uses)
        self.uses = [(use, target_values(use, given)) for use, given in chosen]

    @cached_property
    def redactor(self) -> Redactor:
        return Redactor(value for value in self.request.fields.values() if isinstance(value, Secret))

    async def result(self) -> CheckResult:
        command = missing_driver(self.request.provider)
        if command:
            message = f"The library that speaks to {self.request.provider.name} is not installed."
            return self._finish(Failure(FailureKind.UNSUPPORTED, message, f"Add it with: {command}"))
        names = all_names(self.request.method, self.request.fields)
        try:
            async with self.network.turn(vendor_host(self.request.provider, names)) as handover:
                self.started_at, self.clock = datetime.now(UTC), time.perf_counter()
                return self._finish(await self._steps(handover))
        except NetFailure as failure:
            return self._finish(failure.as_failure())
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the last line: a fault of ours becomes a typed failure
            message = f"Jackfield met an error of its own ({type(error).__name__})."
            return self._finish(Failure(FailureKind.INTERNAL, message, "Test again; if it stays so, please report it."))

    async def _steps(self, handover: Handover) -> Failure | None:
        """All steps within the deadline; rows not reached by then stay unknown."""
        request = self.request
        deadline = Deadline(connect=request.connect_seconds, total=request.total_seconds)
        async with AsyncExitStack() as cleanup:
            self.book = await self._open_book(deadline, cleanup, handover)
            authenticated = False
            try:
                async with within(deadline):
                    failure = await self._authenticate(self.book)
                    if failure is not None:
                        return failure
                    authenticated = True
                    await self._identify(self.book)
                    await self._read_expiry(self.book)
                    await self._reach(self.book)
                    await self._warn(self.book)
                    await self._judge(self.book)
                    return self._session_lost(self.book) or await self._dead_by_now(self.book)
            except TimeoutError:
                if authenticated:
                    self._rows_left_unknown(f"the test ended after {request.total_seconds:g} s")
                    return None
                message = f"{request.provider.name} did not answer within {request.total_seconds:g} s."
                self._end_step(StepName.AUTHENTICATE, StepOutcome.FAILED, self.clock, "no answer in time")
                return Failure(
                    FailureKind.UNREACHABLE, message, "Check the host and port, and whether a firewall is between."
                )

    async def _open_book(self, deadline: Deadline, cleanup: AsyncExitStack, handover: Handover) -> FactBook:
        request = self.request
        call = call_for(
            request.provider,
            request.method,
            request.fields,
            self.network,
            deadline,
            cleanup,
            trace=self.trace,
            organization_id=request.organization_id,
            private_allowed=request.private_allowed,
        )
        names = all_names(request.method, request.fields) | {
            "connection": {"name": request.connection_name},
            "organization": {"id": request.organization_id},
            "now": self.started_at,
            "random": call.random,
        }
        client = await cleanup.enter_async_context(
            HttpClient(
                self.network,
                deadline=deadline,
                trace=self.trace,
                tls=call.tls,
                private_allowed=request.private_allowed,
                handover=handover,
            )
        )
        return FactBook(
            request.provider,
            request.method,
            names,
            call,
            client,
            functions=request.function,
            attempts_allowed=request.attempts_allowed,
        )

    # --- authenticate ---------------------------------------------------------------------------------------------

    async def _authenticate(self, book: FactBook) -> Failure | None:
        started = self._start_step(StepName.AUTHENTICATE)
        proof = book.provider.proof_of(book.method)
        first = await book.make(proof.fact, {})
        names, answers = await book.read(proof.is_, {})
        failure = self._why_failed(book, [first, *answers])
        if failure is None and (first.values is None or proof.is_.decide(names) is not True):
            failure = self._not_proven(book, [first, *answers])
        if failure is not None:
            self._end_step(StepName.AUTHENTICATE, StepOutcome.FAILED, started, failure.message)
            return failure
        for caveat in book.provider.unproven:
            names, _ = await book.read(caveat.when, {})
            if caveat.when.decide(names) is True:
                self.unproven = caveat.why
                break
        outcome = StepOutcome.UNPROVEN if self.unproven else StepOutcome.PASSED
        self._end_step(StepName.AUTHENTICATE, outcome, started, self.unproven)
        return None

    def _why_failed(self, book: FactBook, answers: list[Answer]) -> Failure | None:
        met = (answer.failure.as_failure() for answer in answers if answer.failure is not None)
        return declared_failure(book, {}) or next(met, None)

    def _not_proven(self, book: FactBook, answers: list[Answer]) -> Failure:
        """The proof does not hold and no rule of the provider says why."""
        for answer in answers:
            failure = general_failure(answer, book.provider.name)
            if failure is not None:
                return failure
        message = f"{book.provider.name} answered, but not as it answers a valid credential."
        return Failure(FailureKind.MISCONFIGURED, message, "Check the host and the other fields.")

    # --- identity, expiry, reach ----------------------------------------------------------------------------------

    async def _identify(self, book: FactBook) -> None:
        started = self._start_step(StepName.IDENTITY)
        for label, rule in book.provider.identity_of(book.method).items():
            names, _ = await book.read(rule, {})
            value = rule.evaluate(names)
            if value not in (NOTHING, None, ""):
                self.found.identity[label] = self._said(str(value), 200)
        account = next(iter(self.found.identity.values()), "")
        outcome = StepOutcome.PASSED if account else StepOutcome.UNKNOWN
        self._end_step(StepName.IDENTITY, outcome, started, account or "the vendor does not say who this is")

    async def _read_expiry(self, book: FactBook) -> None:
        """`null` from a rule means the vendor said there is no end."""
        for rule in book.provider.expiry_of(book.method):
            names, answers = await book.read(rule, {})
            value = rule.evaluate(names)
            if value is NOTHING or any(not answer.decides for answer in answers):
                continue
            if value is None:
                self.expiry_known = ExpiryKnown.NEVER
                return
            when = parse_time(value)
            if when is not None:
                self.expires_at, self.expiry_known = when, ExpiryKnown.READ
                return

    async def _reach(self, book: FactBook) -> None:
        checks = [(reach, target) for use, target in self.uses for reach in use.reach]
        if not checks:
            return
        started = self._start_step(StepName.REACH)
        said: list[str] = []
        worst = StepOutcome.PASSED
        for reach, target in checks:
            names, answers = await book.read(reach.is_, target)
            reached = reach.is_.decide(names)
            decided = reached is not NOTHING and may_rest_on(answers, decision=reached)
            name = str(reach.name.render((await book.read(reach.name, target))[0], absent=lambda inner: inner))
            if decided and reached:
                said.append(self._said(name, 100))
                continue
            outcome = StepOutcome.FAILED if decided else StepOutcome.UNKNOWN
            worst = outcome if worst is not StepOutcome.FAILED else worst
            advice = str(reach.next.render((await book.read(reach.next, target))[0], absent=lambda inner: inner))
            said.append(self._said(f"{name}: {advice if decided else 'not known'}", 300))
        self._end_step(StepName.REACH, worst, started, "; ".join(said))

    async def _warn(self, book: FactBook) -> None:
        """What a user should know of this credential, whether of it alone or of a use's target."""
        for caveat in book.provider.warnings:
            for target in self._targets():
                names, _ = await book.read(caveat.when, target)
                if caveat.when.decide(names) is True:
                    self.found.warnings.append(caveat.why)
                    break

    def _targets(self) -> list[Target]:
        """The target values of each chosen use; none at all when no use is chosen."""
        return [target for _, target in self.uses] or [{}]

    # --- permissions ----------------------------------------------------------------------------------------------

    async def _judge(self, book: FactBook) -> None:
        if not self.uses:
            return
        started = self._start_step(StepName.PERMISSIONS)
        await self._prefetch(book)
        needed: set[str] = set()
        for use, target in self.uses:
            for permission in use.permissions:
                grant = await judge_permission(book, use, permission, target)
                if grant is not None:
                    self.found.grants.append(grant)
                    self.tell(GrantJudged(grant))
                needed |= await needed_names(book, permission, target)
        if book.provider.excess is not None:
            for grant in await judge_excess(book, book.provider.excess, needed, self._targets()):
                self.found.grants.append(grant)
                self.tell(GrantJudged(grant))
        self._end_step(StepName.PERMISSIONS, self._permissions_outcome(), started, self._permissions_summary())

    async def _prefetch(self, book: FactBook) -> None:
        """Ask for what the first alternatives need and nobody asked yet, side by side."""
        wanted = {
            (fact, index)
            for index, (use, _) in enumerate(self.uses)
            for permission in use.permissions
            if permission.applies is None and not permission.unreadable
            for rule in permission.granted[:1]
            for fact in rule.reads & book.provider.facts.keys()
            if not book.has(fact, self.uses[index][1])
        }
        async with asyncio.TaskGroup() as group:
            for fact, index in sorted(wanted):
                group.create_task(book.make(fact, self.uses[index][1]))

    def _permissions_outcome(self) -> StepOutcome:
        states = {grant.state for grant in self.found.grants}
        if GrantState.MISSING in states:
            return StepOutcome.FAILED
        return StepOutcome.UNKNOWN if states & {GrantState.UNKNOWN, GrantState.UNREADABLE} else StepOutcome.PASSED

    def _permissions_summary(self) -> str:
        rows = [grant for grant in self.found.grants if grant.state is not GrantState.EXCESS]
        held = sum(grant.state in {GrantState.GRANTED, GrantState.IMPLIED} for grant in rows)
        excess = len(self.found.grants) - len(rows)
        return f"{held} of {len(rows)} held" + (f", {excess} in excess" if excess else "")

    def _rows_left_unknown(self, why: str) -> None:
        if any(step.name is StepName.PERMISSIONS for step in self.found.steps):
            return  # each row is judged; only whether the credential still lives was left to ask
        judged = {(grant.use, grant.permission) for grant in self.found.grants}
        for use, _ in self.uses:
            self.found.grants += _unknown_rows(use, judged, why)
        self._end_step(StepName.PERMISSIONS, StepOutcome.UNKNOWN, self.clock, why)

    # --- refused in the middle ------------------------------------------------------------------------------------

    def _session_lost(self, book: FactBook) -> Failure | None:
        """The end of the session on which the check rests; what it answered before still stands."""
        failures = (answer.failure for answer in book.answers.values())
        return next((failure.as_failure() for failure in failures if isinstance(failure, SessionEnded)), None)

    async def _dead_by_now(self, book: FactBook) -> Failure | None:
        """Whether the vendor has ceased to accept the credential. Of a dead one no row is known."""
        failure = self._refused_meanwhile(book) or await self._refused_now(book)
        if failure is not None:
            self.found.grants = [
                grant
                if grant.state in {GrantState.EXCESS, GrantState.UNREADABLE}
                else replace(grant, state=GrantState.UNKNOWN, evidence=None, detail="the credential died meanwhile")
                for grant in self.found.grants
            ]
        return failure

    def _refused_meanwhile(self, book: FactBook) -> Failure | None:
        """A credential that was accepted at first and refused later in the same check was revoked in between."""
        for answer in book.answers.values():
            if answer.failure is not None and answer.failure.kind in REFUSED:
                return answer.failure.as_failure()
            fact = book.provider.facts[answer.fact]
            signed = isinstance(fact.auth, Auth) and fact.auth.call is not None
            own = signed or (fact.auth is None and book.method.auth is not None)
            if answer.reply is not None and answer.reply.status == 401 and own and 401 not in fact.denies:
                return self._revoked()
        return None

    async def _refused_now(self, book: FactBook) -> Failure | None:
        """Whether the credential is refused when it is presented once more, as far as that can be asked.

        Where something came out missing or unknown, the requests of the proof are sent again: many vendors refuse a
        dead credential as they refuse one that lacks a right, and those with GraphQL in the same words.
        """
        proof = book.provider.proof_of(book.method)
        if proof.still is not None:
            names, answers = await book.read(proof.still, {})
            if proof.still.decide(names) is False and may_rest_on(answers, decision=False):
                return self._revoked()
        if not self._in_doubt(book) or not book.forget_requests({proof.fact, *proof.is_.reads}):
            return None
        first = await book.make(proof.fact, {})
        names, answers = await book.read(proof.is_, {})
        if proof.is_.decide(names) is True or not may_rest_on([first, *answers], decision=False):
            return None  # still accepted; or busy, broken or out of reach, which says nothing
        failure = declared_failure(book, {})
        return failure if failure is not None and failure.kind in REFUSED else self._revoked()

    def _in_doubt(self, book: FactBook) -> bool:
        """Whether a row or a reach is not held, other than for want of consent to a guarded attempt."""
        forbidden = {answer.fact for answer in book.answers.values() if answer.needs_consent}
        return any(
            grant.state is GrantState.MISSING or (grant.state is GrantState.UNKNOWN and not forbidden & {*grant.facts})
            for grant in self.found.grants
        ) or any(step.name is StepName.REACH and step.outcome is not StepOutcome.PASSED for step in self.found.steps)

    def _revoked(self) -> Failure:
        message = f"{self.request.provider.name} accepted this credential at first and refused it later in the test."
        return Failure(FailureKind.REJECTED, message, "It may have been revoked meanwhile: test again.")

    # --- steps and the end ----------------------------------------------------------------------------------------

    def _start_step(self, name: StepName) -> float:
        self.tell(StepStarted(name))
        return time.perf_counter()

    def _end_step(self, name: StepName, outcome: StepOutcome, started: float, detail: str) -> None:
        step = Step(name, outcome, round((time.perf_counter() - started) * 1000, 1), self._said(detail, 300))
        self.found.steps.append(step)
        self.tell(StepEnded(step))

    def _phase_ended(self, step: Step) -> None:
        self.found.steps.append(step)
        self.tell(StepEnded(step))

    def _said(self, text: str, limit: int) -> str:
        """Text from outside, fit to be shown and kept: cleaned, shortened, and without any of our secrets."""
        return cleaned(self.redactor.redact(text), limit=limit)

    def _outcome(self, failure: Failure | None) -> Outcome:
        if failure is not None:
            return Outcome.FAILED
        if self.unproven:
            return Outcome.UNPROVEN
        missing = any(grant.state is GrantState.MISSING for grant in self.found.grants)
        unreached = any(step.name is StepName.REACH and step.outcome is StepOutcome.FAILED for step in self.found.steps)
        return Outcome.LIMITED if missing or unreached else Outcome.PASSED

    def _finish(self, failure: Failure | None) -> CheckResult:
        order = list(StepName)
        return CheckResult(
            outcome=self._outcome(failure),
            started_at=self.started_at,
            duration_ms=round((time.perf_counter() - self.clock) * 1000, 1),
            failure=failure,
            identity=self.found.identity,
            steps=tuple(sorted(self.found.steps, key=lambda step: order.index(step.name))),
            grants=tuple(self.found.grants),
            exchanges=tuple(self.book.exchanges) if self.book else (),
            expires_at=self.expires_at,
            expiry_known=self.expiry_known,
            warnings=tuple(self.found.warnings),
            certificate_issuer=self.trace.certificate_issuer,
            certificate_ends=self.trace.certificate_ends,
            reached=self.trace.reached,
            removed=self.tally.removed,
        )


def _unknown_rows(use: Use, judged: set[tuple[str, str]], why: str) -> list[Grant]:
    return [
        Grant(use.id, permission.name.text, GrantState.UNKNOWN, None, why, permission.why)
        for permission in use.permissions
        if (use.id, permission.name.text) not in judged
    ]
