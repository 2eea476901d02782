"""Takes the pictures of this folder anew, as SVG and PNG, from the demo: `python screenshots/make.py`.

It needs Jackfield, `rsvg-convert` (Debian: librsvg2-bin) and the font Fira Code (fonts-firacode). The demo is made, the
real interface is driven by keys, and each picture is what then stands on the screen. A screen more is a line in SHOTS.
"""

import asyncio
import getpass
import itertools
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from textual.pilot import Pilot

from jackfield.demo.home import PASSPHRASE, Demo, demo
from jackfield.model.secret import FieldValue, Secret
from jackfield.services.doctor import examine
from jackfield.services.engine import Engine
from jackfield.store import connections
from jackfield.tui import times
from jackfield.tui.app import JackfieldApp
from jackfield.tui.destinations import DESTINATIONS
from jackfield.tui.door import SessionDoor
from jackfield.tui.screens import importing
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.tui.screens.settings import rows

SIZES: Final = {"": (120, 40), "-80x24": (80, 24)}
SECONDS: Final = 120.0  # for one screen to show


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: of the screen after these keys, once it shows `wait`; without a `name` only a step on the way."""

    name: str
    keys: tuple[str, ...]
    wait: str


SHOTS: Final = (
    Shot("unlock", (), "The demo's passphrase"),
    Shot("", tuple("space" if key == " " else key for key in PASSPHRASE), "characters"),
    Shot("", ("enter",), "46 connections"),
    Shot("connections", (*"jjjjjj",), "environments: write"),
    Shot("connection", ("enter",), "Overview"),
    Shot("permissions", ("right",), "MISSING"),
    Shot("used-by", ("right",), "sync"),
    Shot("history", ("right",), "because"),
    Shot("map", ("escape", "M"), "› map"),
    Shot("expiry", ("escape", "E"), "› expiry"),
    Shot("audit", ("escape", "A"), "connection.test"),
    Shot("", ("escape", "I"), "Choose first where it goes"),
    Shot("", ("o",), "globex"),
    Shot("", ("home", "down", "enter"), "and what belongs to no"),
    Shot("import", ("enter",), "netlify-env"),
    Shot("settings", ("escape", ","), "This machine"),
    Shot("identities", ("i",), "aws-hub"),
    Shot("providers", ("escape", "escape", "n"), "choose a provider"),
    Shot("", (*"vercel",), "API token"),
    Shot("", ("enter",), "What is it for?"),
    Shot("", ("space",), "Team id"),
    Shot("form-access", ("enter", *"team", "underscore", "1", "enter", *"website"), "website"),
    Shot("form-credentials", ("ctrl+n",), "copy it once"),
    Shot("", ("ctrl+n",), "API token"),
    Shot("form-connect", (*"DemoVercelWhole", "ctrl+t"), "✔ passed"),
    Shot("form-save", ("ctrl+n",), "Description"),
    Shot("help", ("f1",), "the keys of where you were"),
)


class Frozen(datetime):
    """A clock that stands four minutes after the demo was made: whatever is relative reads the same each time."""

    moment: datetime

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # it gives a plain one
        return cls.moment.astimezone(tz)


USER: Final = {
    ".pgpass": "db.example.com:5432:reports:bob:demo\n",
    ".netrc": "machine api.heroku.com login ada@example.com password HRKU-demo\n",
    ".config/gh/hosts.yml": "github.com:\n  users:\n    octo-bot:\n      oauth_token: ghp_demo\n",
}
SAME: Final = frozenset({"vault", "keyring", "locale", "core dumps", "providers"})  # what every machine says alike


def hold_still(user: Path) -> None:
    """Give what is made the same ids and author each time, and let no test begin by itself.

    The import finds in the folder `user` what other tools keep there, and the settings tell of this machine only what
    is the same elsewhere.
    """
    for name, text in USER.items():
        file = user / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
    machine = importing.Machine(user, {"NETLIFY_AUTH_TOKEN": "demo-token-of-the-environment"})
    setattr(importing.Machine, "here", lambda: machine)  # noqa: B010
    setattr(rows, "examine", lambda home: [one for one in examine(home) if one.name in SAME])  # noqa: B010
    numbers = itertools.count(0x9F1C)
    setattr(connections, "new_id", lambda: f"{next(numbers) * 2654435761 % 2**32:08x}" * 4)  # noqa: B010
    setattr(times, "datetime", Frozen)  # noqa: B010
    setattr(getpass, "getuser", lambda: "ada")  # noqa: B010
    setattr(socket, "gethostname", lambda: "workbench")  # noqa: B010
    setattr(Engine, "schedule", lambda self: None)  # noqa: B010, ARG005


def said(app: JackfieldApp) -> str:
    """The screen as text, line by line."""
    lines = app.screen._compositor.render_strips()  # noqa: SLF001
    return "\n".join("".join(segment.text for segment in line) for line in lines)


async def until(pilot: Pilot[Any], happened: Callable[[], bool], what: str) -> None:
    """Let the interface work until something is true. Raises TimeoutError with the screen when it never is."""
    try:
        async with asyncio.timeout(SECONDS):
            while not happened():
                await pilot.pause(0.02)
    except TimeoutError:
        raise TimeoutError(f"{what} never showed:\n{said(pilot.app)}") from None  # type: ignore[arg-type]


def take(app: JackfieldApp, name: str) -> None:
    """Write the screen down as SVG, and draw it as PNG."""
    svg = app.export_screenshot(title="Jackfield")
    for number in dict.fromkeys(re.findall(r"terminal-\d+", svg)):  # counted anew in each run
        svg = svg.replace(number, "terminal")
    svg = svg.replace("<text ", '<text xml:space="preserve" ')  # or some renderers drop the blanks at either end
    file = ROOT / "screenshots" / f"{name}.svg"
    file.write_text(svg, "utf-8")
    subprocess.run(["rsvg-convert", "--output", file.with_suffix(".png"), file], check=True)


def keep_identity(door: SessionDoor) -> None:
    """A source identity to be listed, once."""
    session, _ = door.inside()
    if not session.identities.page(limit=1):
        keys: dict[str, FieldValue] = {"accessKeyId": "AKIADEMOHUB000000000", "secretAccessKey": Secret("demo" * 10)}
        session.identities.create("aws-hub", "aws", "access-key", keys)


async def photograph(made: Demo, size: tuple[int, int], suffix: str) -> None:
    """Take every picture at one size."""
    door = SessionDoor(made.home, network=made.network, hint=f"The demo's passphrase: {PASSPHRASE}")
    app = JackfieldApp(
        made.home.folder,
        door,
        opened=lambda: ConnectionsScreen(*door.inside()),
        destination=lambda name: DESTINATIONS[name](*door.inside()),
        mark="demo",
    )
    async with app.run_test(size=size) as pilot:
        for shot in SHOTS:
            for key in shot.keys:
                await pilot.press(key)
            if shot.name == "connections":
                keep_identity(door)
            await until(pilot, lambda shot=shot: shot.wait in said(app), shot.wait)  # type: ignore[misc]
            await pilot.pause(0.5)  # what else comes, such as the pane beside what was waited for
            if shot.name:
                app.clear_notifications()
                await pilot.pause(0.1)
                take(app, f"{shot.name}{suffix}")
        session, _ = door.inside()
        for draft in session.drafts.all():  # the next size begins anew
            session.drafts.discard(draft.id)
        door.lock()


def main() -> None:
    with tempfile.TemporaryDirectory() as user:
        hold_still(Path(user))
        take_all()


def take_all() -> None:
    """Make the demo, and take every picture at every size."""
    with demo() as made:
        Frozen.moment = datetime.now().astimezone() + timedelta(minutes=4)
        for suffix, size in SIZES.items():
            asyncio.run(photograph(made, size, suffix))


if __name__ == "__main__":
    main()
