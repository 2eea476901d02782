"""The map, the expiry calendar and the audit trail: reached from every screen, moved in by keys, true to the store."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from jackfield.tui.screens.audit import AuditScreen
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.map import MapScreen
from jackfield.tui.widgets.usage_map import UsageMap
from support.face import until
from support.stage import said, shows
from support.whole import Filling, Whole, enter


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    yield made
    made.session.lock()


async def selected(pilot: Pilot[Any]) -> str:
    node = pilot.app.screen.query_one(UsageMap).selected
    await pilot.pause()
    return node.name if node is not None else ""


async def test_the_map_says_what_a_connection_takes_with_it(filling: Filling) -> None:
    """Arrow keys lead from connection to connection and across; what would stop is said; enter opens it."""
    web = filling.scopes["web"].project_id
    one, two = filling.connection("one"), filling.connection("two")
    filling.session.connections.record_use(one, kind="exec", name="deploy.sh", project_id=web)
    filling.session.usage.note(one, kind="sync", name="nightly", project_id=web)
    app = Whole(filling.home)
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await pilot.press("M")
        await shows(pilot, "If one goes:", "web loses exec deploy.sh", "web loses sync nightly")
        await pilot.press("down")
        await shows(pilot, "If two goes, nothing on the map stops working.")
        assert await selected(pilot) == two.name
        await pilot.press("up", "left", "down")
        await shows(pilot, "sync nightly needs one")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, AuditScreen))
        await pilot.press("M")
        await until(pilot, lambda: isinstance(app.screen, MapScreen))
        assert len(app.screen_stack) == 3


async def test_moving_on_the_map_never_leaves_it(filling: Filling) -> None:
    """Every key of the map, in a map of one line and in an empty one."""
    app = Whole(filling.home)
    keys = (
        "left",
        "left",
        "left",
        "up",
        "down",
        "right",
        "right",
        "right",
        "right",
        "home",
        "end",
        "pageup",
        "pagedown",
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot)
        await pilot.press("M")
        await shows(pilot, "Nothing to draw yet")
        await pilot.press(*keys, "enter")
        assert isinstance(app.screen, MapScreen)
        await pilot.press("escape")
        filling.connection("only")
        await pilot.press("M")
        await shows(pilot, "only", "nothing uses it yet")
        await pilot.press(*keys)
        assert await selected(pilot) == "Netlify"


async def test_the_unlock_names_what_ends(filling: Filling) -> None:
    """Read or typed, past or near, in one line and with the key that shows all; what ends later is not named."""
    now = datetime.now(UTC)
    for name, days in (("gone", -2), ("near", 3), ("far", 90)):
        filling.connection(name, expires_at=now + timedelta(days=days, hours=1))
    app = Whole(filling.home)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "Credentials end: gone expired, near in 3d.", "E shows all by date.")
        await pilot.press("E")
        await shows(pilot, "1 ended · 2 will end", "far")
        lines = [line for line in said(app).splitlines() if "Netlify" in line]
        assert [line.split()[0] for line in lines] == ["gone", "near", "far"]


async def test_the_trail_is_verified_from_its_screen(filling: Filling) -> None:
    """A whole trail is called whole; a changed entry is named by its number."""
    filling.connection("one")
    app = Whole(filling.home)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("A", "v")
        await shows(pilot, "each as it was written")
        with filling.session.store.write() as tx:
            tx.connection.exec_driver_sql("UPDATE audit_event SET object_name = 'other' WHERE seq = 3")
        await pilot.press("v")
        await shows(pilot, "Entry 3 is bad")


async def test_a_hostile_name_is_drawn_as_text(filling: Filling) -> None:
    """Brackets are brackets on the map and in the trail."""
    one = filling.connection("one")
    filling.session.usage.note(one, kind="sync", name="[@x]y[/]")
    app = Whole(filling.home)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("M")
        await shows(pilot, "[@x]y[/]")
        await pilot.press("A")
        await shows(pilot, "[@x]y[/]")
