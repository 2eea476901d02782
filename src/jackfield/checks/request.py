"""What a check is given, and what it tells while it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jackfield.model.check import Grant, Step, StepName
from jackfield.model.connection import IntendedUse
from jackfield.model.secret import FieldValue

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Method, Provider

CHECK_SECONDS = 15.0
CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """One credential to be tested. `function` finds the provider's Python functions by name."""

    provider: "Provider"
    method: "Method"
    fields: Mapping[str, FieldValue]
    uses: tuple[IntendedUse, ...]
    function: Callable[[str], Callable[..., Any]]
    organization_id: str = ""
    connection_name: str = ""
    attempts_allowed: bool = False
    private_allowed: bool = False
    total_seconds: float = CHECK_SECONDS
    connect_seconds: float = CONNECT_SECONDS


@dataclass(frozen=True, slots=True)
class StepStarted:
    name: StepName


@dataclass(frozen=True, slots=True)
class StepEnded:
    step: Step


@dataclass(frozen=True, slots=True)
class GrantJudged:
    grant: Grant


Progress = StepStarted | StepEnded | GrantJudged
OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class Findings:
    """What a check has gathered so far; it becomes a CheckResult at the end."""

    steps: list[Step] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    identity: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
