"""The suite that every provider inherits, and the world it is run against.

    class TestNetlify(ProviderContract):
        slug = "netlify"
        world = Netlify

A *world* is the vendor, real or in miniature, with one credential in it that holds exactly what the chosen uses need.
The suite takes rights away, makes the vendor fail, and looks whether the check says so: this row, this failure, nothing
else, and never green.
"""

import dataclasses
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, ClassVar, Self

import pytest

from jackfield.checks.picking import list_picks
from jackfield.checks.request import CHECK_SECONDS, CheckRequest, OnProgress, Progress, StepEnded
from jackfield.checks.run import run_check
from jackfield.model.check import CheckResult, ExpiryKnown, FailureKind, GrantState, Outcome, StepName
from jackfield.model.connection import IntendedUse
from jackfield.model.secret import FieldValue
from jackfield.net.network import Network
from jackfield.providers.contract.coherence import find_incoherence
from jackfield.providers.contract.fields import complete, normalise, read_value
from jackfield.providers.contract.registry import Registry
from jackfield.providers.contract.spec import Method, Provider
from support.descriptions import undescribed
from support.vendor import Answer, MiniatureVendor

REGISTRY = Registry()
HELD = {GrantState.GRANTED, GrantState.IMPLIED}


class World(AbstractContextManager["World"]):
    """A vendor with one credential. Subclasses say what is in it and how to take things away.

    Everything below is meant to be set or overridden:

    credentials   method id → field texts that the vendor accepts, with every right that `uses` need
    uses          use id → target values; every use of the provider stands here
    offers        picker → target values, and what it then offers; every picker of the provider stands here
    offered_to    the method for which it does; the first one by default
    shared        others keep things on the same server, and pickers offer these as well
    one_request   why a check asks nothing more once the credential was accepted, so that it cannot die in the middle
    wrong         method id → the same fields with a secret that the vendor does not know
    """

    credentials: ClassVar[dict[str, dict[str, Any]]] = {}
    uses: ClassVar[dict[str, dict[str, str]]] = {}
    offers: ClassVar[dict[str, tuple[dict[str, str], list[str]]]] = {}
    offered_to: ClassVar[str] = ""
    shared: ClassVar[bool] = False
    one_request: ClassVar[str] = ""
    private_allowed = False
    never_expires = False

    def network(self) -> Network:
        raise NotImplementedError

    def fields(self, method: str) -> dict[str, Any]:
        """Field texts of the good credential."""
        return dict(self.credentials[method])

    def wrong_fields(self, method: str) -> dict[str, Any]:
        """The same with a wrong secret of the same shape."""
        raise NotImplementedError

    def remove(self, method: str, use: str, permission: str) -> None:
        """Take exactly this right from the credential. `permission` is the name as the provider file writes it."""
        raise NotImplementedError

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        """Bring about the failure with this rule id; returns changed field texts where the fault lies in them."""
        raise NotImplementedError

    def methods_for_failure(self, failure: str) -> list[str]:
        """Methods with which a failure can happen; all by default."""
        del failure
        return list(self.credentials)

    def add_excess(self, method: str) -> str:
        """Give the credential one right that no use needs; returns its name as the check lists it."""
        raise NotImplementedError

    def allow_pickers(self) -> None:
        """Give the credential what only its pickers need, and no use."""

    def undeclared(self) -> list[str]:
        """What was asked of the vendor that it does not know; a real server has nothing to say here."""
        return []

    def revoke(self, method: str) -> None:
        """End the credential as the vendor documents it, with the session it opened; it is refused from now on."""
        raise NotImplementedError

    def asked(self) -> int:
        """How often the vendor was asked anything; only worlds with `one_request` need to know."""
        raise NotImplementedError

    def wider(self, method: str, use: str, permission: str) -> set[str]:
        """Other rows whose right holds this one as well: whoever lacks this one cannot have those."""
        del method, use, permission
        return set()

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        """Whether a row does not apply with these targets (its `applies` is false)."""
        del method, use, permission
        return False


class HttpWorld(World):
    """A world that is a miniature vendor. Subclasses name the hosts and declare the routes in `declare`."""

    hosts: ClassVar[tuple[str, ...]] = ()
    undescribed_paths: ClassVar[tuple[str, ...]] = ()  # patterns of paths that the vendor's description leaves out

    def __init__(self) -> None:
        self.vendor = MiniatureVendor()
        self.declare(self.vendor)

    def declare(self, vendor: MiniatureVendor) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.vendor.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vendor.__exit__(kind, error, trace)

    def network(self) -> Network:
        return self.vendor.network(*self.hosts)

    def asked(self) -> int:
        return len(self.vendor.requests)

    def undeclared(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.vendor.undeclared]


def typed_fields(method: Method, texts: dict[str, Any]) -> dict[str, FieldValue]:
    """Field texts as the form would read them: normalised, judged, completed with defaults."""
    known = {field.name: field for field in method.fields}
    values = {
        name: read_value(known[name], normalise(known[name], str(text)).text)
        for name, text in texts.items()
        if text != ""
    }
    return complete(method, values)


async def check(
    world: World,
    provider: Provider,
    method: str,
    *,
    fields: dict[str, Any] | None = None,
    uses: dict[str, dict[str, str]] | None = None,
    attempts: bool = True,
    network: Network | None = None,
    seconds: float = CHECK_SECONDS,
    on_progress: OnProgress = lambda _: None,
) -> CheckResult:
    """Run one check of the world's credential with all its uses."""
    chosen = {
        use: targets for use, targets in (world.uses if uses is None else uses).items() if fits(provider, use, method)
    }
    request = CheckRequest(
        provider=provider,
        method=provider.method(method),
        fields=typed_fields(provider.method(method), world.fields(method) if fields is None else fields),
        uses=tuple(IntendedUse(use, dict(targets)) for use, targets in chosen.items()),
        function=lambda name: REGISTRY.function(provider.slug, name),
        organization_id="0f0e0d0c0b0a",
        connection_name="under-test",
        attempts_allowed=attempts,
        private_allowed=world.private_allowed,
        total_seconds=seconds,
    )
    return await run_check(request, network or world.network(), on_progress)


def once_accepted(do: Callable[[], None]) -> OnProgress:
    """Runs `do` when the credential was accepted, between two requests: the check goes on when it returns."""

    def told(progress: Progress) -> None:
        if isinstance(progress, StepEnded) and progress.step.name is StepName.AUTHENTICATE:
            do()

    return told


async def offered(
    world: World, provider: Provider, method: str, picker: str, target: dict[str, str] | None = None
) -> list[str]:
    """The values that one picker offers for these target values."""
    request = CheckRequest(
        provider=provider,
        method=provider.method(method),
        fields=typed_fields(provider.method(method), world.fields(method)),
        uses=(),
        function=lambda name: REGISTRY.function(provider.slug, name),
        private_allowed=world.private_allowed,
    )
    return [one.value for one in await list_picks(request, provider.pickers[picker], target or {}, world.network())]


def fits(provider: Provider, use: str, method: str) -> bool:
    return not provider.use(use).methods or method in provider.use(use).methods


def rows(result: CheckResult) -> dict[tuple[str, str], GrantState]:
    return {(grant.use, grant.permission): grant.state for grant in result.grants}


def told(result: CheckResult) -> str:
    """Everything a check says, as one text."""
    return json.dumps(dataclasses.asdict(result), default=str, ensure_ascii=False)


def secrets_of(method: Method, texts: dict[str, Any]) -> list[str]:
    return [str(texts[field.name]) for field in method.fields if field.is_secret and texts.get(field.name)]


class ProviderContract:
    """Every promise of a provider, tried. Parameters come from its provider.yaml (see conftest)."""

    slug: ClassVar[str]
    world: ClassVar[type[World]]

    @pytest.fixture
    def provider(self) -> Provider:
        return REGISTRY.get(self.slug)

    @pytest.fixture
    def vendor(self) -> Any:
        with self.world() as world:
            yield world

    def test_file_is_coherent(self, provider: Provider) -> None:
        """Every rule parses and reads only what is declared."""
        assert find_incoherence(provider) == ""

    def test_world_has_every_method_and_use(self, provider: Provider) -> None:
        """Nothing of the provider is left out of the suite."""
        assert {method.id for method in provider.methods} == set(self.world.credentials)
        assert {use.id for use in provider.uses} == set(self.world.uses)

    async def test_passes_with_what_the_uses_need(self, provider: Provider, vendor: World, method_id: str) -> None:
        """With exactly the needed rights a check passes: who it is is known, nothing is missing, nothing in excess."""
        result = await check(vendor, provider, method_id)

        assert result.failure is None
        assert result.outcome is Outcome.PASSED
        assert result.identity
        doubtful = {GrantState.MISSING, GrantState.UNKNOWN, GrantState.EXCESS}
        assert {row: state for row, state in rows(result).items() if state in doubtful} == {}
        assert vendor.undeclared() == []
        reasons = [step for step in result.steps if step.name is StepName.REACH and step.outcome != "passed"]
        assert reasons == []

    async def test_requests_are_described_by_the_vendor(
        self, provider: Provider, vendor: World, method_id: str
    ) -> None:
        """Every request that a check sends stands in the vendor's own description of its API, where there is one."""
        await check(vendor, provider, method_id)

        if isinstance(vendor, HttpWorld):
            assert undescribed(self.slug, vendor.vendor.requests, unknown_paths=vendor.undescribed_paths) == []

    async def test_expiry_is_known_or_said_to_be_unreadable(
        self, provider: Provider, vendor: World, method_id: str
    ) -> None:
        """Either the end of the credential is read, or the provider says why it cannot be."""
        result = await check(vendor, provider, method_id, uses={})

        assert result.expiry_known in {ExpiryKnown.READ, ExpiryKnown.NEVER} or provider.expiry_unreadable

    async def test_wrong_secret_is_never_green(self, provider: Provider, vendor: World, method_id: str) -> None:
        """The same form with a secret the vendor does not know fails, and says neither secret nor 'network'."""
        wrong = vendor.wrong_fields(method_id)

        result = await check(vendor, provider, method_id, fields=wrong)

        assert result.outcome is Outcome.FAILED
        assert result.failure is not None
        assert result.failure.kind not in {
            FailureKind.INTERNAL,
            FailureKind.UNREACHABLE,
            FailureKind.NAME,
            FailureKind.TLS,
        }
        for secret in secrets_of(provider.method(method_id), wrong):
            assert secret not in told(result)

    async def test_removed_permission_turns_exactly_its_row(
        self, provider: Provider, vendor: World, permission_case: tuple[str, str, str]
    ) -> None:
        """One right taken away: its row says missing, every other row says what it said before."""
        method, use, permission = permission_case
        before = rows(await check(vendor, provider, method))
        shown = shown_row(before, use, permission)
        if shown is None:
            assert vendor.unneeded(method, use, permission), f"no row for {permission}"
            return
        if before[shown] is GrantState.UNREADABLE:
            return  # nothing can be taken away that cannot be read: the row never claims anything
        vendor.remove(method, use, permission)

        result = await check(vendor, provider, method)

        after = {row: state for row, state in rows(result).items() if state is not GrantState.EXCESS}
        changed = {
            row[1] for row in before if after.get(row) is not before[row] and before[row] is not GrantState.EXCESS
        }
        assert changed == {shown[1]} | vendor.wider(method, use, permission), result
        assert after[shown] is GrantState.MISSING
        assert result.outcome is Outcome.LIMITED
        assert vendor.undeclared() == []

    async def test_declared_failure_is_recognised(
        self, provider: Provider, vendor: World, failure_case: tuple[str, str]
    ) -> None:
        """Each failure the file declares is brought about and named, with its next step and without a secret."""
        failure, method = failure_case
        if method not in vendor.methods_for_failure(failure):
            return
        changed = vendor.fail(failure, method)
        fields = vendor.fields(method) if changed is None else changed

        result = await check(vendor, provider, method, fields=fields)

        assert result.outcome is Outcome.FAILED
        assert result.failure is not None
        assert result.failure.rule == failure, result.failure
        assert result.failure.message
        assert result.failure.next_step
        for secret in secrets_of(provider.method(method), fields):
            assert secret not in told(result)

    async def test_excess_is_shown(self, provider: Provider, vendor: World, method_id: str) -> None:
        """A right that no chosen use needs stands in the list as excess, where grants can be listed at all."""
        if provider.excess is None:
            assert provider.excess_unreadable
            return
        name = vendor.add_excess(method_id)
        if not name:
            return  # this method's grants cannot be listed; the provider's excess rule gives nothing for it

        result = await check(vendor, provider, method_id)

        assert rows(result)["", name] is GrantState.EXCESS
        assert result.outcome is Outcome.PASSED

    async def test_no_attempt_without_consent(self, provider: Provider, vendor: World, method_id: str) -> None:
        """Without the user's consent no guarded call is made."""
        result = await check(vendor, provider, method_id, attempts=False)

        made = {exchange.fact for exchange in result.exchanges}
        assert not [name for name in made if provider.facts[name].effect == "attempt"]

    async def test_evidence_says_nothing_secret(self, provider: Provider, vendor: World, method_id: str) -> None:
        """Nothing a check tells or keeps holds a secret field of the credential."""
        result = await check(vendor, provider, method_id)

        for secret in secrets_of(provider.method(method_id), vendor.fields(method_id)):
            for line in {secret, *secret.splitlines()}:
                if len(line) > 3 and not line.startswith("-----"):
                    assert line not in told(result)

    async def test_pickers_offer_what_there_is(self, provider: Provider, vendor: World) -> None:
        """Each picker reads its listing to the end, by requests that the vendor knows."""
        assert set(vendor.offers) == set(provider.pickers)
        method = vendor.offered_to or next(iter(vendor.credentials))
        vendor.allow_pickers()
        found = {
            picker: await offered(vendor, provider, method, picker, target)
            for picker, (target, _) in vendor.offers.items()
        }

        expected = {picker: values for picker, (_, values) in vendor.offers.items()}
        if vendor.shared:
            found = {picker: [value for value in found[picker] if value in expected[picker]] for picker in found}
        assert found == expected
        assert vendor.undeclared() == []
        if isinstance(vendor, HttpWorld):
            assert undescribed(self.slug, vendor.vendor.requests, unknown_paths=vendor.undescribed_paths) == []

    async def test_revoked_in_the_middle(self, provider: Provider, vendor: World, method_id: str) -> None:
        """A credential that dies right after it was accepted fails, and no right is green for what was asked later."""
        asked: list[int] = []

        def interfere() -> None:
            asked.append(vendor.asked()) if vendor.one_request else vendor.revoke(method_id)

        result = await check(vendor, provider, method_id, on_progress=once_accepted(interfere))

        if vendor.one_request:
            assert asked == [vendor.asked()], "more is asked than the proof: stage its revocation"
            return
        assert result.failure is not None
        assert result.failure.kind in {FailureKind.REJECTED, FailureKind.EXPIRED, FailureKind.UNREACHABLE}
        if result.failure.kind is not FailureKind.UNREACHABLE:
            assert not {grant.state for grant in result.grants} & {*HELD, GrantState.MISSING}
        by_then = asked_for_proof(provider, provider.method(method_id))
        held = [grant for grant in result.grants if grant.state in HELD and grant.facts]
        assert [grant for grant in held if not by_then & {*grant.facts}] == []

    @pytest.mark.parametrize("fault", ["html", "redirect", "throttled", "vendor-fault", "garbage"])
    async def test_strange_answers_are_never_green(
        self, provider: Provider, vendor: World, method_id: str, fault: str
    ) -> None:
        """A login page, a redirect, a rate limit, a fault or garbage in place of every answer is told as what it is."""
        if not isinstance(vendor, HttpWorld):
            return
        expected = stage_fault(vendor, fault)

        result = await check(vendor, provider, method_id)

        assert result.outcome is Outcome.FAILED
        assert result.failure is not None
        assert result.failure.kind in expected


def stage_fault(world: HttpWorld, fault: str) -> set[FailureKind]:
    """Let every route of the vendor answer alike, and say which kinds of failure that may be called."""
    answers = {
        "html": Answer(200, body="<html><title>Sign in</title></html>", content_type="text/html"),
        "redirect": Answer(302, headers={"location": "https://login.example.net/"}),
        "throttled": Answer(429, json={"message": "slow down"}, headers={"retry-after": "7"}),
        "vendor-fault": Answer(503, body="<html>maintenance</html>", content_type="text/html"),
        "garbage": Answer(200, body=b"{\x00\xff]", content_type="application/json"),
    }
    for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
        world.vendor.answers(verb, "/{rest:path}", answers[fault])
        world.vendor.answers(verb, "/", answers[fault])
    strange = {FailureKind.MISCONFIGURED, FailureKind.VENDOR_FAULT}
    return {
        "throttled": {FailureKind.THROTTLED},
        "vendor-fault": {FailureKind.VENDOR_FAULT},
    }.get(fault, strange)


def asked_for_proof(provider: Provider, method: Method) -> set[str]:
    """The facts that are known once the credential is accepted: those of the proof, and what they are built from."""
    proof, bearer = provider.proof_of(method), method.auth.bearer if method.auth else None
    found = {proof.fact, *proof.is_.reads, *(name for caveat in provider.unproven for name in caveat.when.reads)}
    found |= bearer.reads if bearer else set()
    while more := {name for fact in found & provider.facts.keys() for name in provider.facts[fact].reads} - found:
        found |= more
    return found


def shown_row(found: dict[tuple[str, str], GrantState], use: str, permission: str) -> tuple[str, str] | None:
    """The row of a permission whose name may hold filled-in parts."""
    if (use, permission) in found:
        return use, permission
    pieces = [
        piece for piece in permission.replace("{", "\0{").replace("}", "}\0").split("\0") if not piece.startswith("{")
    ]
    for row in found:
        if row[0] == use and all(piece in row[1] for piece in pieces) and row[1].startswith(pieces[0]):
            return row
    return None
