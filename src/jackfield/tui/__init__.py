"""The full-screen interface. Nothing heavier than Textual is imported before the first screen is painted."""

import os

from jackfield.services.home import Home

_FRAMEWORK_PREFIX = "TEXTUAL"


def run(home: Home, *, mouse: bool = True) -> int:
    """Show the interface until the user leaves; gives the exit code. Raises UsageError for a broken key map."""
    # Textual reads its variables when it is imported: nobody may ask for log files, screenshots or typed keys here.
    for name in [name for name in os.environ if name.startswith(_FRAMEWORK_PREFIX)]:
        del os.environ[name]
    if not os.environ.get("NO_COLOR"):  # empty means unset; Textual would take it for set
        os.environ.pop("NO_COLOR", None)
    from jackfield.tui.app import JackfieldApp
    from jackfield.tui.door import SessionDoor
    from jackfield.tui.screens.open import OpenScreen

    app = JackfieldApp(home.folder, SessionDoor(home), opened=OpenScreen)
    code = app.run(mouse=mouse)
    if app.crash is not None:
        print(app.crash.told(), flush=True)  # noqa: T201  the terminal is a plain one again
    return code if code is not None else app.return_code or 0
