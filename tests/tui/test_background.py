"""Testing from the list: by hand, by the schedule, and what is told of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot

from jackfield.model.connection import Connection, State
from jackfield.services.engine import Engine, Trouble
from jackfield.services.presence import ask_to_lock
from jackfield.services.settings import Settings
from jackfield.store import connections as stored
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.tui.screens.connections_tests import Turn, told
from jackfield.tui.screens.locked import UnlockScreen
from providers.netlify.vendor import Netlify
from support.face import until
from support.stage import said, shows
from support.whole import Filling, Whole, enter, result_of

SIZE = (100, 30)
WRONG = "nfp_WrongTokenOfNobody"


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    yield made
    made.session.lock()


@pytest.fixture
def netlify() -> Iterator[Netlify]:
    with Netlify() as vendor:
        yield vendor


def _make_due(filling: Filling, connection: Connection) -> None:
    with filling.session.store.write() as tx:
        stored.set_next_test(tx, connection.id, datetime.now(UTC) - timedelta(minutes=1))


def _state(filling: Filling, connection: Connection) -> State:
    return filling.session.connections.get(connection.id).state


def _engine(app: Whole) -> Engine:
    return app.session_door.inside()[1]


async def _ended(pilot: Pilot[Any], screen: ConnectionsScreen) -> None:
    await until(pilot, lambda: not screen._tests.under_way, turns=5000)


async def test_t_tests_the_highlighted_one(filling: Filling, netlify: Netlify) -> None:
    """The row says what came out, and so do the title and the pane."""
    made = filling.connection("a-site")
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "1 connection · 1 needs you", "○ untested")
        await pilot.press("t")
        await shows(
            pilot, "◐ passed (1)", "2 of 3 needed permissions are held; 1 could not be verified", "ada@example.com"
        )
        await until(pilot, lambda: "need" not in said(app).splitlines()[0])
    assert _state(filling, made) is State.PASSED


async def test_the_marked_ones_are_tested_and_summed_up(filling: Filling, netlify: Netlify) -> None:
    """Every marked row changes; one notice says how they came out."""
    for number in range(4):
        filling.connection(f"site-{number}", token=WRONG if number == 2 else "nfp_G00dT0kenOfAda")
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("space", "space", "space", "t")
        await _ended(pilot, screen)
        await shows(pilot, "3 tests ended: 2 passed, 1 failed.", "✖ rejected", "○ untested")
        assert not screen._list.marked


async def test_all_that_are_listed_are_tested_when_that_is_meant(filling: Filling, netlify: Netlify) -> None:
    """T asks with the number; what the filter leaves out stays untested."""
    for name in ("web-1", "web-2", "other"):
        filling.connection(name)
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("slash", *"web", "enter")
        await until(pilot, lambda: screen._list.count == 2)
        await pilot.press("T")
        await shows(pilot, "Test all 2 that are listed?")
        await pilot.press("y")
        await shows(pilot, "2 tests ended: 2 passed.")
        await pilot.press("escape")
        await shows(pilot, "○ untested")


async def test_automatic_tests_are_paused_for_the_whole_home_and_go_on(filling: Filling, netlify: Netlify) -> None:
    """The list says so, a test by hand goes on, and another process that lets them go on is heard."""
    due, other = filling.connection("due", every=5), filling.connection("other")
    _make_due(filling, due)
    settings = Settings(filling.session.store)
    settings.keep_automatic_tests(filling.session.audit, on=False)
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "▲ automatic tests paused", "○ untested")
        await pilot.press("down", "t")
        await until(pilot, lambda: _state(filling, other) is State.PASSED, turns=5000)
        assert _state(filling, due) is State.UNTESTED
        await pilot.press("up", "enter")
        await shows(pilot, "by itself, every 5 minutes; ▲ paused for this whole home")
        await pilot.press("escape")
        settings.keep_automatic_tests(filling.session.audit, on=True)
        _engine(app).look_now()
        await until(pilot, lambda: _state(filling, due) is State.PASSED, turns=5000)
        await until(pilot, lambda: "paused" not in said(app))


async def test_they_are_paused_in_the_settings_once_that_is_agreed_to(filling: Filling, netlify: Netlify) -> None:
    """No leaves them on; to let them go on is not asked. Back in the list it shows."""
    filling.connection("a-site", every=60)
    settings = Settings(filling.session.store)
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("comma")
        await shows(pilot, "Automatic tests …")
        for answer, on in (("n", True), ("y", False)):
            await pilot.press("t")
            await shows(pilot, "Pause automatic tests for this whole home?")
            await pilot.press(answer)
            await until(pilot, lambda: settings.automatic_tests() is on)  # noqa: B023 - awaited before it changes
            await shows(pilot, "on" if on else "▲ paused for this whole home")
        await pilot.press("escape")
        await shows(pilot, "▲ automatic tests paused")
        await pilot.press("comma")
        await shows(pilot, "▲ paused for this whole home")
        await pilot.press("t")
        await until(pilot, settings.automatic_tests)
        await pilot.press("escape")
        await until(pilot, lambda: "1 connection" in said(app) and "paused" not in said(app))


async def test_the_schedule_s_news_shows_and_is_told_once(filling: Filling, netlify: Netlify) -> None:
    """A background test that came out worse turns the row and says since when and why; recovery turns it back."""
    made = filling.connection("watched", every=5)
    filling.tested(made, result_of("passed", datetime.now(UTC) - timedelta(hours=1)))
    netlify.sso_refuses = True
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        _make_due(filling, made)
        _engine(app).look_now()
        await shows(pilot, "✖ forbidden", "watched, since ")
        app.clear_notifications()
        netlify.sso_refuses = False
        _make_due(filling, made)
        _engine(app).look_now()
        await shows(pilot, "◐ passed (1)", "watched, again since ", "forbidden is over")


async def test_a_test_that_changes_nothing_is_not_told(filling: Filling, netlify: Netlify) -> None:
    """The row's time changes, and nobody is interrupted."""
    made = filling.connection("steady", every=5)
    filling.tested(made, result_of("passed", datetime.now(UTC) - timedelta(hours=1)))
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "1h")
        _make_due(filling, made)
        _engine(app).look_now()
        await until(pilot, lambda: "1h" not in said(app), turns=5000)
        assert not app._notifications


async def test_who_does_not_hold_the_lease_still_tests_by_hand(filling: Filling, netlify: Netlify) -> None:
    """Another Jackfield schedules; that is nothing to tell, and t works."""
    other = Engine(filling.session, network=netlify.network)
    other.start()
    other.schedule()
    made = filling.connection("a-site")
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("t")
        await _ended(pilot, screen)
        await shows(pilot, "◐ passed (1)")
        assert not app._notifications
    assert _state(filling, made) is State.PASSED


async def test_a_lock_in_the_middle_cancels_and_keeps_nothing(filling: Filling, netlify: Netlify) -> None:
    """The vendor never answers; the lock key leads out at once, and the connection is untested as before."""
    asked, answer = Event(), Event()

    def wait(_: object) -> dict[str, str]:
        asked.set()
        answer.wait(20)
        return {}

    netlify.vendor.get("/api/v1/user")(wait)
    made = filling.connection("slow")
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        engine = _engine(app)
        await pilot.press("t")
        await until(pilot, asked.is_set, turns=5000)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen), turns=3000)
        assert not engine._thread.is_alive()
        assert "slow" not in said(app)
        answer.set()
        await enter(pilot)
        await shows(pilot, "○ untested")
    assert _state(filling, made) is State.UNTESTED


async def test_tests_are_cancelled_by_a_key(filling: Filling, netlify: Netlify) -> None:
    """c stops what t began; the rows are as they were, and nothing is told twice."""
    asked, answer = Event(), Event()

    def wait(_: object) -> dict[str, str]:
        asked.set()
        answer.wait(20)
        return {}

    netlify.vendor.get("/api/v1/user")(wait)
    filling.connection("slow")
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("t")
        await until(pilot, asked.is_set, turns=5000)
        await pilot.press("c")
        await _ended(pilot, screen)
        await shows(pilot, "○ untested")
        assert not app._notifications
        answer.set()


async def test_trouble_is_told_once_and_a_lock_from_outside_is_obeyed(filling: Filling, netlify: Netlify) -> None:
    """The same trouble again says nothing; `jackfield lock` leads to the locked screen, which says why."""
    app = Whole(filling.home, network=netlify.network)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        for _ in range(2):
            screen.post_message(screen.Heard(Trouble("The disk is full.")))
        await shows(pilot, "Nothing is tested by itself now.", "The disk is full.")
        assert len(app._notifications) == 1
        filling.session.lock()
        assert ask_to_lock(filling.home.folder)
        _engine(app).look_now()
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen), turns=5000)
        await shows(pilot, "Locked: that was asked for from outside.")


def test_many_turns_are_one_notice() -> None:
    """Numbers and a few names instead of a notice each."""
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    turns = [Turn(f"site-{n}", True, "✖ rejected", at, "gone", "Make a new one.") for n in range(5)]
    turns.append(Turn("db", False, "✔ passed", at, "rejected is over", ""))
    assert told(turns) == ("5 got worse: site-0, site-1, site-2 and 2 more. 1 recovered: db.", "")
    one, following = told(turns[:1])
    assert one.startswith("✖ rejected  site-0, since ")
    assert one.endswith(": gone.")
    assert following == "Make a new one."
