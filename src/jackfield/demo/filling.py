"""Fills the demo's home: places, connections with their past, and one real test of each."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Final

import yaml

from jackfield.demo.vendors import Vendors
from jackfield.model.check import CheckResult, ExpiryKnown, Failure, FailureKind, Outcome
from jackfield.model.connection import Connection, IntendedUse, Scope
from jackfield.model.secret import Secret
from jackfield.providers.contract.fields import normalise, read_value
from jackfield.services.connections import Definition
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import FLOOR

UNTESTED: Final = "untested"
_AGE: Final = timedelta(days=40)  # of the organizations; the connections came one by one after them
_MINUTES: Final = 60
_AT_ONCE: Final = 2
_PAST: Final[Mapping[str, Outcome | tuple[FailureKind, str, str]]] = {
    "p": Outcome.PASSED,
    "l": Outcome.LIMITED,
    "n": Outcome.UNPROVEN,
    "u": (FailureKind.UNREACHABLE, "The connection was refused.", "Check the port, and that the service runs."),
    "r": (FailureKind.REJECTED, "The vendor did not accept the credential.", "Make a new one."),
    "t": (FailureKind.THROTTLED, "The vendor asks for fewer requests.", "Wait, then test again."),
    "f": (FailureKind.VENDOR_FAULT, "The vendor answered with a fault of its own (503).", "Test again later."),
}


class Past:
    """A clock for what happened before: it shows `now`, which is set by hand."""

    def __init__(self) -> None:
        self.start = self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def read_plan() -> Mapping[str, Any]:
    """What `home.yaml` says."""
    plan: Mapping[str, Any] = yaml.safe_load((files("jackfield.demo") / "home.yaml").read_text("utf-8"))
    return plan


def fill(home: Home, passphrase: str, vendors: Vendors) -> None:
    """Make the vault with this passphrase and everything in it. Raises JackfieldError."""
    clock = Past()
    session, _ = Session.create(home, Secret(passphrase), declined_recovery=True, costs=FLOOR, clock=clock)
    try:
        Filling(session, clock, read_plan()).run(vendors)
    finally:
        session.lock()


class Filling:
    """One run over the plan."""

    def __init__(self, session: Session, clock: Past, plan: Mapping[str, Any]) -> None:
        self._session = session
        self._clock = clock
        self._plan = plan
        self._places: dict[str, Scope] = {}
        self._made: list[tuple[Mapping[str, Any], Connection]] = []

    def run(self, vendors: Vendors) -> None:
        """Make everything, then test it for real."""
        self._clock.now = self._clock.start - _AGE
        for name, said in self._plan["organizations"].items():
            made = self._session.organizations.create(name, said["description"])
            self._places[name] = Scope(made.id)
            for project, description in said["projects"].items():
                inner = self._session.projects.create(made.id, project, description)
                self._places[f"{name}/{project}"] = Scope(made.id, inner.id)
        for said in self._plan["connections"]:
            self._made.append((said, self._create(said)))
            self._remember(*self._made[-1])
        asyncio.run(self._test_all(vendors))

    def _create(self, said: Mapping[str, Any]) -> Connection:
        session, clock = self._session, self._clock
        clock.now = clock.start - _AGE + timedelta(hours=3 * len(self._made))
        _, method = session.connections.provider_and_method(said["provider"], said["method"])
        known = {field.name: field for field in method.fields}
        fields = {
            name: read_value(known[name], normalise(known[name], str(text)).text)
            for name, text in said["fields"].items()
        }
        definition = Definition(
            said["name"],
            said["provider"],
            said["method"],
            uses=tuple(IntendedUse(use, dict(targets)) for use, targets in said["uses"].items()),
            tags=tuple(said.get("tags", ())),
            test_every_minutes=None if said["expect"] == UNTESTED else said.get("every", _MINUTES),
        )
        ends = clock.start + timedelta(days=said["expires"], hours=12) if "expires" in said else None
        return session.connections.create(self._places[said["place"]], definition, fields, expires_at=ends)

    def _remember(self, said: Mapping[str, Any], made: Connection) -> None:
        """What was recorded before: earlier runs, and who used it."""
        clock, past = self._clock, said.get("history", "")
        every = timedelta(minutes=said.get("every", _MINUTES))
        for turn, letter in enumerate(past):
            clock.now = clock.start - every * (len(past) - turn)
            self._session.tests.record(
                made, _past_run(_PAST[letter], clock.now, 90 + (turn * 173 + len(made.name) * 61) % 700)
            )
        organization = said["place"].partition("/")[0]
        for turn, (kind, name, project, times) in enumerate(said.get("used_by", ())):
            place = self._places[f"{organization}/{project}"] if project else Scope("")
            for use in range(times):
                clock.now = clock.start - timedelta(minutes=7 * (turn + 1), hours=5 * (times - 1 - use))
                self._session.connections.record_use(made, kind=kind, name=name, project_id=place.project_id)

    async def _test_all(self, vendors: Vendors) -> None:
        """The real tests, few at once: vendors that answer at once leave nothing to wait for, only work to share."""
        network, tests = vendors.network(at_once=_AT_ONCE), self._session.tests

        async def test(said: Mapping[str, Any], made: Connection) -> None:
            fields = await self._session.tokens.fields(made, network, reason="test")
            result = await tests.run_fields(made, fields, network)
            self._clock.now = self._clock.start
            if "due" in said:
                self._clock.now += timedelta(seconds=said["due"]) - timedelta(minutes=said["every"])
            tests.record(made, result)

        self._clock.now = self._clock.start
        await asyncio.gather(*(test(*one) for one in self._made if one[0]["expect"] != UNTESTED))


def _past_run(how: Outcome | tuple[FailureKind, str, str], at: datetime, ms: float) -> CheckResult:
    if isinstance(how, Outcome):
        return CheckResult(how, at, ms, expiry_known=ExpiryKnown.UNKNOWN)
    return CheckResult(Outcome.FAILED, at, ms, Failure(*how))
