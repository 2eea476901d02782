"""The full-screen interface. Nothing heavier than Textual is imported before the first screen is painted."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jackfield.services.home import Home
from jackfield.vault.process import harden_process

if TYPE_CHECKING:
    from textual.screen import Screen

    from jackfield.net.network import Network


def run(home: Home, *, mouse: bool = True, network: "Callable[[], Network] | None" = None) -> int:
    """Show the interface until the user leaves; gives the exit code. Raises UsageError for a broken key map.

    `network` makes what tests of connections go through, instead of the real one.
    """
    # Before Textual is imported, which reads its variables then: nobody may ask for log files or typed keys here.
    harden_process()
    if not os.environ.get("NO_COLOR"):  # empty means unset; Textual would take it for set
        os.environ.pop("NO_COLOR", None)
    from jackfield.tui.app import JackfieldApp
    from jackfield.tui.destinations import DESTINATIONS
    from jackfield.tui.door import SessionDoor

    door = SessionDoor(home, network=network)

    def home_screen() -> "Screen[None]":
        from jackfield.tui.screens.connections import ConnectionsScreen

        return ConnectionsScreen(*door.inside())

    def destination(name: str) -> "Screen[Any]":
        return DESTINATIONS[name](*door.inside())

    app = JackfieldApp(home.folder, door, opened=home_screen, destination=destination)
    code = app.run(mouse=mouse)
    if app.crash is not None:
        print(app.crash.told(), flush=True)  # noqa: T201  the terminal is a plain one again
    return code if code is not None else app.return_code or 0
