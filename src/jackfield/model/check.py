"""One test of a connection: its steps, verdicts and evidence.

A check never holds a secret: texts from outside were cleaned and redacted before they got here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    PASSED = "passed"
    LIMITED = "limited"  # works, but something a chosen use needs is missing
    UNPROVEN = "unproven"  # accepted, but a wrong secret would have been too
    FAILED = "failed"


class StepName(StrEnum):
    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    AUTHENTICATE = "authenticate"
    IDENTITY = "identity"
    REACH = "reach"
    PERMISSIONS = "permissions"


class StepOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNPROVEN = "unproven"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class FailureKind(StrEnum):
    UNREACHABLE = "unreachable"
    NAME = "name"
    TLS = "tls"
    PROXY = "proxy"
    REJECTED = "rejected"
    EXPIRED = "expired"
    LOCKED_OUT = "locked-out"
    WRONG_TENANT = "wrong-tenant"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    VENDOR_FAULT = "vendor-fault"
    CLOCK = "clock"
    MISCONFIGURED = "misconfigured"
    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


# After one of these the vendor counted, or may count, a failed login: no automatic test until a human acts.
STOPS_AUTOMATIC_TESTS = frozenset(
    {FailureKind.REJECTED, FailureKind.EXPIRED, FailureKind.LOCKED_OUT, FailureKind.WRONG_TENANT}
)


class GrantState(StrEnum):
    GRANTED = "granted"
    IMPLIED = "implied"  # held through a wider role
    MISSING = "missing"
    EXCESS = "excess"  # held, and no chosen use needs it
    UNKNOWN = "unknown"  # asked, no clear answer
    UNREADABLE = "unreadable"  # the vendor offers no way to ask


class EvidenceKind(StrEnum):
    STATED = "stated"  # by the token itself
    ANSWERED = "answered"  # by the vendor, asked about this credential
    PROBED = "probed"  # by a harmless read
    ATTEMPTED = "attempted"  # by a guarded call that must be refused


class ExpiryKnown(StrEnum):
    """How the expiry is known; NEVER means the vendor said there is none."""

    READ = "read"
    MATCHED = "matched"
    TYPED = "typed"
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question put to the vendor. `target` is a URL without query values, or a statement's name."""

    fact: str
    method: str
    target: str
    status: str
    ms: float


@dataclass(frozen=True, slots=True)
class Failure:
    kind: FailureKind
    message: str
    next_step: str
    retry_after: float | None = None  # seconds, as the vendor asked
    rule: str = ""  # id of the provider's rule that recognised it; empty for a general one


@dataclass(frozen=True, slots=True)
class Step:
    name: StepName
    outcome: StepOutcome
    ms: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """The verdict on one permission. `use` is empty for excess, which belongs to no use."""

    use: str
    permission: str
    state: GrantState
    evidence: EvidenceKind | None
    detail: str = ""
    why: str = ""
    facts: tuple[str, ...] = ()  # names of the facts its rule read


def unverified(grants: Iterable[Grant]) -> int:
    """How many needed permissions nobody could verify: asked without a clear answer, or not readable at all."""
    return sum(grant.state in {GrantState.UNKNOWN, GrantState.UNREADABLE} for grant in grants)


def removed_words(count: int) -> str:
    """How much was taken out of what the vendor said, in words; empty for nothing."""
    characters = (
        "character that steers a terminal or hides" if count == 1 else "characters that steer a terminal or hide"
    )
    return f"{count:,} {characters} taken out of what the vendor said" if count else ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    outcome: Outcome
    started_at: datetime
    duration_ms: float
    failure: Failure | None = None
    identity: dict[str, str] = field(default_factory=dict)  # label → value, "account" first when known
    steps: tuple[Step, ...] = ()
    grants: tuple[Grant, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    expires_at: datetime | None = None
    expiry_known: ExpiryKnown = ExpiryKnown.UNKNOWN
    warnings: tuple[str, ...] = ()
    certificate_issuer: str = ""
    certificate_ends: datetime | None = None
    reached: str = ""  # address and port really connected to
    removed: int = 0  # characters taken out of what the vendor said, because they steer a terminal or hide
