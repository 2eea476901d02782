"""The interface behind an open door: a true session, its engine, and a miniature vendor."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from jackfield.model.connection import Scope
from jackfield.model.errors import LockedError
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.engine import Engine
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.tui.app import JackfieldApp
from jackfield.tui.door import SessionDoor
from jackfield.vault.costs import Costs
from support.face import until

PASSPHRASE = Secret("a garden of seven gates")
CHEAP = Costs(memory_kib=16, passes=1, lanes=1)


@dataclass
class Inside:
    """An open vault with the organization acme and its project web."""

    home: Home
    door: SessionDoor
    session: Session
    engine: Engine
    scope: Scope


@contextmanager
def opened(folder: Path, network: Callable[[], Network]) -> Iterator[Inside]:
    """Make a vault in `folder`, with an engine whose tests go through `network`."""
    home = Home(folder / "home")
    door = SessionDoor(home, network=network, costs=CHEAP, floor=CHEAP)
    door.create(PASSPHRASE)
    door.idle_minutes = None
    session, engine = door.inside()
    organization = session.organizations.create("acme")
    session.projects.create(organization.id, "web")
    try:
        yield Inside(home, door, session, engine, Scope(organization.id))
    finally:
        door.lock()


@contextmanager
def unlocked(home: Home) -> Iterator[Session]:
    """Another session on the same home, as after a new start."""
    session = Session.unlock(home, PASSPHRASE, floor=CHEAP)
    try:
        yield session
    finally:
        session.lock()


class _Under(Screen[None]):
    """What lies under the screen on the stage, which opens over it."""

    def __init__(self, make: Callable[[], Screen[Any]], given: list[object]) -> None:
        super().__init__()
        self._make = make
        self._given = given

    def on_mount(self) -> None:
        self.app.push_screen(self._make(), self._given.append)


class Stage(JackfieldApp):
    """The application with one screen of the open vault. What that screen gives is kept in `given`."""

    def __init__(self, inside: Inside, make: Callable[[Inside], Screen[Any]]) -> None:
        self._inside = inside
        self._make_screen = make
        self.given: list[object] = []
        super().__init__(inside.home.folder, inside.door, opened=Screen)

    def door_screen(self, reason: str = "") -> Screen[None]:
        try:
            self._inside.door.inside()
        except LockedError:
            return super().door_screen(reason)
        return _Under(lambda: self._make_screen(self._inside), self.given)


def said(stage: JackfieldApp) -> str:
    """The screen as text, line by line."""
    width, height = stage.size
    lines = stage.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line)[:width].rstrip() for line in lines[:height])


async def shows(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until all of these are on the screen."""
    stage = pilot.app
    assert isinstance(stage, JackfieldApp)
    try:
        await until(pilot, lambda: all(text in said(stage) for text in texts), turns=3000)
    except AssertionError:
        if stage._exception is not None:
            raise stage._exception from None
        raise AssertionError(f"{texts} not on the screen:\n{said(stage)}") from None
