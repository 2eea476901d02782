"""One demo home for all tests here that only look at it, and what making it connected to."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from jackfield.demo.filling import fill
from jackfield.demo.home import PASSPHRASE
from jackfield.demo.vendors import Vendors
from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.session import Session


@dataclass
class Watch:
    """Addresses that this process connected to, and names it asked a name server for, while it was on."""

    on: bool = False
    connected: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and event == "socket.connect":
            address = arguments[1]
            self.connected.add(str(address[0]) if isinstance(address, tuple) else "a socket of this machine")
        elif self.on and event == "socket.getaddrinfo":
            self.asked.add(str(arguments[0]))


@dataclass
class Made:
    """The demo's home, opened."""

    session: Session
    vendors: Vendors
    watch: Watch


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    watch, home = Watch(), Home(tmp_path_factory.mktemp("demo") / "home")
    sys.addaudithook(watch)  # for as long as the process lives: there is no way to take it away
    with Vendors() as vendors:
        watch.on = True
        fill(home, PASSPHRASE, vendors)
        watch.on = False
        session = Session.unlock(home, Secret(PASSPHRASE))
        yield Made(session, vendors, watch)
        session.lock()
