"""The whole interface on a home of its own: a true vault, store and engine, opened by its passphrase."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from jackfield.model.check import (
    CheckResult,
    EvidenceKind,
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
from jackfield.model.connection import Connection, IntendedUse, Scope
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.connections import Definition
from jackfield.services.home import Home
from jackfield.services.idle import boot_seconds
from jackfield.services.session import Session
from jackfield.tui.app import JackfieldApp
from jackfield.tui.destinations import DESTINATIONS
from jackfield.tui.door import SessionDoor
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.vault.costs import Costs
from providers.netlify.vendor import GOOD
from support.face import until
from support.stage import CHEAP, PASSPHRASE

USE = "secret-sync/env"
PERMISSIONS = ("team role Owner or Developer", "read the environment variables")
REJECTED = Failure(FailureKind.REJECTED, "Netlify does not know this token.", "Make a new one (step 1).")


class Whole(JackfieldApp):
    """The application as `jackfield` starts it, but for the cost of its keys; `clock` is what idleness is told by."""

    def __init__(
        self,
        home: Home,
        *,
        network: Callable[[], Network] | None = None,
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        self.session_door = SessionDoor(home, network=network, costs=CHEAP, floor=CHEAP)

        def inside() -> Screen[None]:
            return ConnectionsScreen(*self.session_door.inside())

        def destination(name: str) -> Screen[Any]:
            return DESTINATIONS[name](*self.session_door.inside())

        super().__init__(home.folder, self.session_door, opened=inside, destination=destination, clock=clock)

    @property
    def session(self) -> Session:
        """The session behind the open door."""
        return self.session_door.inside()[0]


async def enter(pilot: Pilot[Any]) -> ConnectionsScreen:
    """Unlock with the passphrase, and wait for the list."""
    await pilot.press(*PASSPHRASE.reveal(), "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConnectionsScreen), turns=3000)
    screen = pilot.app.screen
    assert isinstance(screen, ConnectionsScreen)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    return screen


@dataclass
class Filling:
    """A home made and filled by a session of its own, as another process would."""

    home: Home
    session: Session
    scopes: dict[str, Scope] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, costs: Costs = CHEAP) -> "Filling":
        """Make a vault in `folder`, with the organization acme and its projects web and billing."""
        home = Home(folder / "home")
        session, _ = Session.create(home, PASSPHRASE, costs=costs, floor=costs)
        acme = session.organizations.create("acme", "Everything that faces customers")
        scopes = {"org": Scope(acme.id)}
        for name in ("web", "billing"):
            scopes[name] = Scope(acme.id, session.projects.create(acme.id, name).id)
        return cls(home, session, scopes)

    def connection(
        self, name: str, *, where: str = "org", token: str = GOOD, every: int | None = None, **more: Any
    ) -> Connection:
        """Add a Netlify connection with one use."""
        uses = (IntendedUse(USE, {"team": "acme"}),)
        definition = Definition(name, "netlify", "access-token", uses=uses, test_every_minutes=every)
        return self.session.connections.create(self.scopes[where], definition, {"accessToken": Secret(token)}, **more)

    def tested(self, connection: Connection, result: CheckResult) -> None:
        """Keep a result, as if it had been tested."""
        assert self.session.tests.record(connection, result)

    def one_of_each(self, now: datetime | None = None, days: tuple[int, int] = (23, -2)) -> dict[str, Connection]:
        """A connection in every state, by the name of the state; in so many `days` the passed and the limited end."""
        now = now or datetime.now(UTC)
        passed, limited = (now + timedelta(days=left, hours=left > 0) for left in days)
        ends = {"passed": passed, "limited": limited}
        made = {}
        for number, name in enumerate(("passed", "partly", "limited", "unproven", "failed", "untested")):
            where = ("org", "web", "billing")[number % 3]
            made[name] = self.connection(f"{name}-site", where=where, expires_at=ends.get(name))
            if name != "untested":
                self.tested(made[name], result_of(name, now - timedelta(minutes=2, seconds=30)))
        return made


def result_of(name: str, at: datetime | None = None, *, grants: Iterable[Grant] | None = None) -> CheckResult:
    """What a test finds: passed, partly (verified), limited, unproven or failed."""
    failed = name == "failed"
    states = {
        "partly": (GrantState.GRANTED, GrantState.UNREADABLE),
        "limited": (GrantState.MISSING, GrantState.GRANTED),
    }.get(name, (GrantState.GRANTED, GrantState.GRANTED))
    found = [
        Grant(USE, permission, state, EvidenceKind.ANSWERED, "your role is Reviewer" if state == "missing" else "")
        for permission, state in zip(PERMISSIONS, states, strict=True)
    ]
    found.append(Grant("", "account owner", GrantState.EXCESS, EvidenceKind.STATED, "no chosen use needs it"))
    steps = (Step(StepName.AUTHENTICATE, StepOutcome.PASSED, 40), Step(StepName.PERMISSIONS, StepOutcome.PASSED, 60))
    return CheckResult(
        Outcome.PASSED if name == "partly" else Outcome(name),
        at or datetime.now(UTC),
        812.0,
        failure=REJECTED if failed else None,
        identity={"account": "ada@example.com"},
        steps=steps[:1] if failed else steps,
        grants=() if failed else tuple(found if grants is None else grants),
        expiry_known=ExpiryKnown.UNKNOWN,
    )
