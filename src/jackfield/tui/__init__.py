"""The full-screen interface. Nothing heavier than Textual is imported before the first screen is painted."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from jackfield.services.home import Home
from jackfield.services.link import Link
from jackfield.vault.process import harden_process

if TYPE_CHECKING:
    from textual.screen import Screen

    from jackfield.net.network import Network
    from jackfield.tui.app import JackfieldApp
    from jackfield.tui.door import SessionDoor


_DEMO_MARK: Final = "demo"
_MAKING_DEMO: Final = "jackfield: making the demo; nothing leaves this machine, and nothing is kept"


def run(
    home: Home, *, mouse: bool = True, link: Link | None = None, network: "Callable[[], Network] | None" = None
) -> int:
    """Show the interface until the user leaves; gives the exit code. Raises UsageError for a broken key map.

    `link` is what is said of the line to the terminal for this time. `network` makes what tests of connections go
    through, instead of the real one. Who asks for the demo gets it next.
    """
    from jackfield.tui.door import SessionDoor

    _prepare()
    app = _app(home, SessionDoor(home, network=network), link=link)
    code = _show(app, mouse=mouse)
    return run_demo(mouse=mouse, link=link) if app.demo_asked else code


def run_demo(*, mouse: bool = True, link: Link | None = None) -> int:
    """Make the demo and show the interface on it, open already; gives the exit code. Raises JackfieldError."""
    from jackfield.demo.home import PASSPHRASE, demo
    from jackfield.model.secret import Secret
    from jackfield.tui.door import SessionDoor

    _prepare()
    print(_MAKING_DEMO, file=sys.stderr, flush=True)  # noqa: T201  the terminal is a plain one yet
    with demo() as made:
        door = SessionDoor(made.home, network=made.network, hint=f"The demo's passphrase: {PASSPHRASE}")
        door.unlock(Secret(PASSPHRASE))
        greeting = f"A demo: nothing here is real, and nothing is kept. Its passphrase: {PASSPHRASE}"
        return _show(_app(made.home, door, link=link, mark=_DEMO_MARK, greeting=greeting), mouse=mouse)


def _prepare() -> None:
    # Before Textual is imported, which reads its variables then: nobody may ask for log files or typed keys here.
    harden_process()
    if not os.environ.get("NO_COLOR"):  # empty means unset; Textual would take it for set
        os.environ.pop("NO_COLOR", None)


def _app(
    home: Home, door: "SessionDoor", *, link: Link | None = None, mark: str = "", greeting: str | None = None
) -> "JackfieldApp":
    from jackfield.tui.app import JackfieldApp
    from jackfield.tui.destinations import DESTINATIONS

    def home_screen() -> "Screen[None]":
        from jackfield.tui.screens.connections import ConnectionsScreen

        return ConnectionsScreen(*door.inside())

    def destination(name: str) -> "Screen[Any]":
        return DESTINATIONS[name](*door.inside())

    return JackfieldApp(
        home.folder, door, opened=home_screen, destination=destination, mark=mark, greeting=greeting, link=link
    )


def _show(app: "JackfieldApp", *, mouse: bool) -> int:
    code = app.run(mouse=mouse)
    if app.crash is not None:
        print(app.crash.told(), flush=True)  # noqa: T201  the terminal is a plain one again
    return code if code is not None else app.return_code or 0
