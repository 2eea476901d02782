"""Organizations, projects, connections and what they are for."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jackfield.model.check import ExpiryKnown, FailureKind, Outcome


@dataclass(frozen=True, slots=True)
class Organization:
    id: str
    name: str
    description: str
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    organization_id: str
    name: str
    description: str
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a connection belongs: an organization, or one project of it."""

    organization_id: str
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class IntendedUse:
    """One use the connection is meant for, with the target values the credential itself does not hold."""

    use: str
    targets: dict[str, str] = field(default_factory=dict)


class State(StrEnum):
    """What a list shows for a connection: its last outcome, or why there is none."""

    PASSED = "passed"
    LIMITED = "limited"
    UNPROVEN = "unproven"
    FAILED = "failed"
    UNTESTED = "untested"
    UNREADABLE = "unreadable"  # its row cannot be opened


@dataclass(frozen=True, slots=True)
class ConnectionSummary:
    """One line of a list: nothing here needs a sealed value to be opened."""

    id: str
    name: str
    provider: str
    method: str
    scope: Scope
    scope_name: str  # "org" or the project's name
    state: State
    failure_kind: FailureKind | None
    expires_at: datetime | None
    expiry_known: ExpiryKnown
    tested_at: datetime | None
    unverified: int  # needed permissions that the last test could not read: a pass with some is not all green
    platform_managed: bool
    version: int


@dataclass(frozen=True, slots=True)
class Connection:
    id: str
    name: str
    description: str
    provider: str
    method: str
    scope: Scope
    uses: tuple[IntendedUse, ...]
    created_at: datetime
    updated_at: datetime
    version: int
    state: State
    failure_kind: FailureKind | None = None
    last_outcome: Outcome | None = None
    unverified: int = 0
    tested_at: datetime | None = None
    expires_at: datetime | None = None
    expiry_known: ExpiryKnown = ExpiryKnown.UNKNOWN
    test_every_minutes: int | None = None  # None: never tested by itself
    automatic_tests_stopped: str = ""  # why, when they are
    platform_managed: bool = False
    attempts_allowed: bool = False  # the user consents to guarded attempts
    private_address_allowed: bool = False  # the user consents to loopback and private addresses
    tags: tuple[str, ...] = ()
