"""What really happened on the way to the vendor: the first connection's steps, address and certificate."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from jackfield.model.check import Step, StepName, StepOutcome
from jackfield.net.failure import NetFailure
from jackfield.net.handover import Way

FOLLOWED: Final = " (kept from the test before)"


class Phase:
    """A phase under way; whoever runs it may leave a detail worth showing."""

    __slots__ = ("detail",)

    def __init__(self) -> None:
        self.detail = ""


class Trace:
    """Collects the resolve, connect and tls steps of a check. It holds no secret.

    The first host asked for owns the trace; connections to other hosts and later connections leave it as it is.
    `on_phase` is called with each step as it ends.
    """

    def __init__(self, on_phase: Callable[[Step], None] | None = None) -> None:
        self.steps: list[Step] = []
        self.reached = ""  # address:port really connected to
        self.certificate_issuer = ""
        self.certificate_ends: datetime | None = None
        self.protocol = ""  # as TLS names it, e.g. TLSv1.3
        self._on_phase = on_phase
        self.host = ""  # the host that this is about; empty before the first

    @contextmanager
    def phase(self, name: StepName, host: str) -> Iterator[Phase]:
        """Time one phase of reaching `host`; a NetFailure inside fails the step, a cancellation leaves none."""
        started = time.perf_counter()
        phase = Phase()
        try:
            yield phase
        except NetFailure as failure:
            self._record(name, host, StepOutcome.FAILED, started, failure.message)
            raise
        self._record(name, host, StepOutcome.PASSED, started, phase.detail)

    def wants(self, name: StepName, host: str) -> bool:
        """Whether a step of this name and host would be kept."""
        return self.host in ("", host) and all(step.name != name for step in self.steps)

    def follow(self, host: str, way: Way) -> None:
        """Take over what is known of a connection that another check left; its steps took no time in this one."""
        if self.host not in ("", host):
            return
        self.reached, self.protocol = way.reached, way.protocol
        self.certificate_issuer, self.certificate_ends = way.certificate_issuer, way.certificate_ends
        for step in way.steps:
            detail = f"{step.detail.removesuffix(FOLLOWED)}{FOLLOWED}"
            self._record(step.name, host, step.outcome, time.perf_counter(), detail)

    def _record(self, name: StepName, host: str, outcome: StepOutcome, started: float, detail: str) -> None:
        if not self.wants(name, host):
            return
        self.host = host
        step = Step(name, outcome, (time.perf_counter() - started) * 1000, detail)
        self.steps.append(step)
        if self._on_phase is not None:
            self._on_phase(step)
