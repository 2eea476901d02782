"""How the home screens look: at 80×24 and 120×40 in the dark, the list in light, sixteen colours and without colour."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from jackfield.services import session
from jackfield.store import connections
from jackfield.tui import times
from jackfield.tui.screens import connections_arrival, expiry
from support.stage import shows
from support.still import standing_at
from support.whole import Filling, Whole, enter

Compare = Callable[..., bool]
NOW: Final = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
SIZES: Final = {"80x24": (80, 24), "120x40": (120, 40)}


@pytest.fixture
def filling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filling]:
    numbers = count(1)
    for clock in (times, connections_arrival, expiry):
        monkeypatch.setattr(clock, "datetime", standing_at(NOW))
    monkeypatch.setattr(session, "_actor", lambda: "ada")
    monkeypatch.setattr(socket, "gethostname", lambda: "jump-host")
    monkeypatch.setattr(connections, "new_id", lambda: f"{next(numbers):032x}"[::-1])
    monkeypatch.delenv("NO_COLOR", raising=False)
    made = Filling.of(tmp_path)
    filled = made.one_of_each(NOW)
    connection = filled["limited"]
    web = made.scopes["web"].project_id
    made.session.connections.record_use(connection, kind="exec", name="deploy.sh", project_id=web)
    made.session.connections.record_use(connection, kind="exec", name="deploy.sh", project_id=web)
    made.session.usage.note(connection, kind="sync", name="nightly", project_id=web)
    made.session.usage.note(filled["passed"], kind="rotation", name="tokens")
    yield made
    made.session.lock()


def _after(*steps: tuple[str | list[str], str]) -> Callable[[Pilot[Any]], Any]:
    """Unlock; then press keys and wait for a text, step by step."""

    async def ready(pilot: Pilot[Any]) -> None:
        await enter(pilot)
        await shows(pilot, "→ Make a new one")
        pilot.app.clear_notifications()
        for keys, text in steps:
            await pilot.press(*([keys] if isinstance(keys, str) else keys))
            await shows(pilot, text)
        await pilot.pause()

    return ready


_ORGANIZATIONS: Final = ("o", "Need you")
_PROJECTS: Final = ("enter", "all projects")
SHOWN: Final = {
    "list": _after(("down", "1 of 2 permissions")),
    "marked": _after((["space", "space"], "2 marked"), ([], "2 needed permissions are held")),
    "filter": _after((["slash", *"state:green"], "Use one of passed")),
    "no-match": _after((["slash", *"nothing-like-it", "enter"], "Nothing matches")),
    "delete": _after(("down", "1 of 2 permissions"), ("d", "web: sync nightly stops working")),
    "new-project": _after(_ORGANIZATIONS, _PROJECTS, (["n", *"Web Shop"], "Try web-shop.")),
    "refused": _after(_ORGANIZATIONS, _PROJECTS, (["end", "d"], "still holds connections")),
    "idle": _after(("f8", "After 60 minutes")),
    "map": _after(("M", "If passed-site goes:"), ("down", "If limited-site goes:")),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_it_did(name: str, size: str, filling: Filling, snap_compare: Compare) -> None:
    """The picture is the one that was looked at."""
    assert snap_compare(Whole(filling.home), terminal_size=SIZES[size], run_before=SHOWN[name])


def test_the_empty_home(tmp_path: Path, snap_compare: Compare) -> None:
    """Nothing there yet: what comes next is said."""
    filling = Filling.of(tmp_path)
    filling.session.lock()

    async def ready(pilot: Pilot[Any]) -> None:
        await enter(pilot)
        await shows(pilot, "No connection here yet")

    assert snap_compare(Whole(filling.home), terminal_size=SIZES["80x24"], run_before=ready)
