"""Tests in the background: who schedules, what is due, cancelling, and the end."""

import asyncio
import gc
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from datetime import timedelta
from queue import Queue
from typing import Any

import pytest

from jackfield.model.check import Outcome
from jackfield.model.connection import Connection, State
from jackfield.model.errors import HomeError, LockedError
from jackfield.services import engine as engine_module
from jackfield.services.engine import LEASE, AutomaticTests, Engine, LockAsked, News, Tested, TestEnded, Trouble
from jackfield.services.presence import ask_to_lock
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.store import connections, leases
from providers.netlify.vendor import Netlify
from support.vendor import Request

from .conftest import PASSPHRASE, Make
from .test_connections import break_credential

WAIT = 20  # seconds until a test gives up; nothing is judged by time

Start = Callable[[Session], tuple[Engine, "Queue[News]"]]


@pytest.fixture
def start(netlify: Netlify) -> Iterator[Start]:
    """Starts engines that reach the miniature vendor, with what they tell."""
    started: list[Engine] = []

    def start_one(session: Session) -> tuple[Engine, "Queue[News]"]:
        engine, news = Engine(session, network=netlify.network), Queue[News]()
        engine.listen(news.put)
        engine.start()
        started.append(engine)
        return engine, news

    yield start_one
    for engine in started:
        engine.stop()


@pytest.fixture
def held(netlify: Netlify) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The vendor takes a request and does not answer: `asked` is set when it came, and it waits for `answer`."""
    asked, answer = threading.Event(), threading.Event()

    def hold(_: Request) -> Any:
        asked.set()
        answer.wait(WAIT)
        return {"id": "5f0", "email": "ada@example.com"}

    netlify.vendor.get("/api/v1/user")(hold)
    yield asked, answer
    answer.set()


def make_due(session: Session, *made: Connection) -> None:
    with session.store.write() as tx:
        for one in made:
            connections.set_next_test(tx, one.id, tx.now - timedelta(minutes=1))


def holder(session: Session) -> str:
    with session.store.read() as tx:
        lease = leases.holder(tx, LEASE)
    return lease.holder if lease else ""


def test_what_is_due_is_tested_and_told(session: Session, make: Make, start: Start) -> None:
    due, later = make("due", test_every_minutes=60), make("later", test_every_minutes=60)
    make_due(session, due)
    engine, news = start(session)
    engine.schedule()
    told = news.get(timeout=WAIT)
    assert isinstance(told, Tested)
    assert (told.connection_id, told.result.outcome) == (due.id, Outcome.PASSED)
    assert session.connections.get(due.id).state is State.PASSED
    assert session.connections.get(later.id).state is State.UNTESTED
    assert session.tests.due() == ()


def test_tests_of_one_host_need_few_connections(session: Session, make: Make, start: Start, netlify: Netlify) -> None:
    """Seven wait for three places. Each needs two connections and ends one, by an answer that is better not read."""
    due = [make(f"due-{number}", test_every_minutes=60) for number in range(7)]
    make_due(session, *due)
    engine, news = start(session)
    engine.schedule()
    told = [news.get(timeout=WAIT) for _ in due]
    assert {one.result.outcome for one in told if isinstance(one, Tested)} == {Outcome.PASSED}
    assert {one.connection_id for one in told if isinstance(one, Tested)} == {one.id for one in due}
    assert netlify.vendor.connections <= 3 + 7


def test_what_a_session_leaves_can_be_collected_after_the_lock(session: Session, start: Start) -> None:
    """While tests run, Python looks through nothing that was there before; afterwards through all of it again."""
    thresholds = gc.get_threshold()
    engine, _ = start(session)
    engine.run(lambda _: asyncio.sleep(0)).future.result(timeout=WAIT)
    assert gc.get_freeze_count() > 0
    engine.stop()
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, thresholds)


def test_one_of_two_engines_schedules(
    session: Session, make: Make, start: Start, reopen: Callable[[], Session]
) -> None:
    """The second takes over when the first ends."""
    made = make(test_every_minutes=60)
    make_due(session, made)
    first, told_first = start(session)
    first.schedule()
    told_first.get(timeout=WAIT)
    other = reopen()
    second, told_second = start(other)
    second.schedule()
    mine = holder(session)
    make_due(session, made)
    second.look_now()
    first.look_now()
    told_first.get(timeout=WAIT)
    assert holder(session) == mine
    assert told_second.empty()
    first.stop()
    make_due(other, made)
    second.look_now()
    assert isinstance(told_second.get(timeout=WAIT), Tested)
    assert holder(other) not in ("", mine)


def test_a_cancelled_test_ends_though_the_vendor_never_answers(
    session: Session, make: Make, start: Start, held: tuple[threading.Event, threading.Event]
) -> None:
    made = make()
    engine, news = start(session)
    job = engine.test(made.id)
    assert held[0].wait(WAIT)
    job.cancel()
    assert news.get(timeout=WAIT) == TestEnded(made.id, "cancelled")
    assert not held[1].is_set()
    assert session.connections.get(made.id) == made
    assert session.tests.history(made.id) == ()


def test_locking_cancels_and_writes_nothing(
    session: Session,
    make: Make,
    start: Start,
    held: tuple[threading.Event, threading.Event],
    reopen: Callable[[], Session],
) -> None:
    made = make()
    engine, _ = start(session)
    job = engine.test(made.id)
    assert held[0].wait(WAIT)
    session.lock()
    assert not held[1].is_set()
    with pytest.raises(CancelledError):
        job.future.result(WAIT)
    assert reopen().connections.get(made.id) == made
    with pytest.raises(LockedError):
        engine.test(made.id)


def test_a_locked_engine_gives_its_lease_back(
    session: Session, make: Make, start: Start, reopen: Callable[[], Session]
) -> None:
    made = make(test_every_minutes=60)
    make_due(session, made)
    engine, news = start(session)
    engine.schedule()
    news.get(timeout=WAIT)
    assert holder(session)
    session.lock()
    assert holder(reopen()) == ""


def test_a_test_that_cannot_begin_is_not_due_for_ever(session: Session, make: Make, start: Start) -> None:
    broken, whole = make("broken", test_every_minutes=60), make("whole", test_every_minutes=60)
    break_credential(session, broken)
    make_due(session, broken, whole)
    engine, news = start(session)
    engine.schedule()
    told = {
        one.connection_id: one
        for one in (news.get(timeout=WAIT), news.get(timeout=WAIT))
        if isinstance(one, Tested | TestEnded)
    }
    assert isinstance(told[broken.id], TestEnded)
    assert isinstance(told[whole.id], Tested)
    make_due(session, whole)
    engine.look_now()
    assert isinstance(again := news.get(timeout=WAIT), Tested)
    assert again.connection_id == whole.id
    assert session.tests.due() == ()


def test_the_schedule_goes_on_after_a_failing_disk(
    session: Session, make: Make, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that fails is told, and the next one tests what is due."""
    made = make(test_every_minutes=60)
    make_due(session, made)
    engine, news = start(session)
    acquire = leases.acquire
    answers = iter([HomeError("The disk is full: nothing was changed.")])

    def fail_once(*arguments: Any) -> bool:
        for error in answers:
            raise error
        return acquire(*arguments)

    monkeypatch.setattr(leases, "acquire", fail_once)
    engine.schedule()
    assert news.get(timeout=WAIT) == Trouble("The disk is full: nothing was changed.")
    engine.look_now()
    assert isinstance(news.get(timeout=WAIT), Tested)


def test_while_automatic_tests_are_paused_nothing_goes_out_by_itself(
    session: Session,
    make: Make,
    start: Start,
    reopen: Callable[[], Session],
    netlify: Netlify,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process pauses and resumes: it is told once each, the lease is left alone, and by hand all works."""
    due, other = make("due", test_every_minutes=60), make("other")
    make_due(session, due)
    Settings(session.store).keep_automatic_tests(session.audit, on=False)
    engine, news = start(session)
    engine.schedule()
    assert news.get(timeout=WAIT) == AutomaticTests(on=False)
    assert engine.test(other.id).future.result(WAIT).outcome is Outcome.PASSED
    assert isinstance(by_hand := news.get(timeout=WAIT), Tested)
    assert by_hand.connection_id == other.id
    asked = len(netlify.vendor.requests)
    looks: queue.SimpleQueue[bool] = queue.SimpleQueue()
    is_on = engine._is_on
    monkeypatch.setattr(engine, "_is_on", lambda: looks.put(on := is_on()) or on)
    for _ in range(2):  # when the second begins, the first is through
        engine.look_now()
        assert looks.get(timeout=WAIT) is False
    assert (len(netlify.vendor.requests), holder(session), news.empty()) == (asked, "", True)
    assert session.tests.due() != ()
    Settings((again := reopen()).store).keep_automatic_tests(again.audit, on=True)
    engine.look_now()
    assert news.get(timeout=WAIT) == AutomaticTests(on=True)
    assert isinstance(by_itself := news.get(timeout=WAIT), Tested)
    assert by_itself.connection_id == due.id


def test_a_secret_that_is_not_decided_waits_while_automatic_tests_are_paused(
    session: Session, make: Make, start: Start, netlify: Netlify, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crash left between two secrets asks the vendor, too."""
    asked: list[str] = []

    async def resolve(_: Session, one: Connection, __: object) -> Any:
        asked.append(one.id)
        raise HomeError("It is a test.")

    made = make("pending")
    monkeypatch.setattr(engine_module, "pending_connections", lambda _: (made,))
    monkeypatch.setattr(engine_module, "resolve_pending", resolve)
    Settings(session.store).keep_automatic_tests(session.audit, on=False)
    engine, news = start(session)
    engine.schedule()
    assert news.get(timeout=WAIT) == AutomaticTests(on=False)
    assert asked == []
    Settings(session.store).keep_automatic_tests(session.audit, on=True)
    engine.look_now()
    assert news.get(timeout=WAIT) == AutomaticTests(on=True)
    assert news.get(timeout=WAIT) == TestEnded(made.id, "It is a test.")


def test_a_request_to_lock_is_told(session: Session, start: Start) -> None:
    engine, news = start(session)
    ask_to_lock(session.home.folder)
    engine.schedule()
    assert news.get(timeout=WAIT) == LockAsked()


def test_a_draft_is_tested_and_told_to_nobody(session: Session, make: Make, start: Start) -> None:
    from jackfield.model.secret import Secret
    from jackfield.services.testing import Draft
    from providers.netlify.vendor import GOOD

    engine, news = start(session)
    steps: list[object] = []
    job = engine.test_draft(Draft("netlify", "access-token", {"accessToken": Secret(GOOD)}), steps.append)
    assert job.future.result(WAIT).outcome is Outcome.PASSED
    assert steps
    assert news.empty()


SCHEDULER = """
import sys
from pathlib import Path
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.engine import Engine
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import Costs
session = Session.unlock(Home(Path(sys.argv[1])), Secret(sys.argv[2]), floor=Costs(memory_kib=16, passes=1, lanes=1))
engine = Engine(session, network=lambda: Network(closed=True))
engine.start()
engine.schedule()
print("scheduling", flush=True)
input()
"""


def test_a_killed_scheduler_is_replaced_when_its_lease_is_over_and_not_before(
    session: Session, make: Make, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is tested twice meanwhile."""
    words = [sys.executable, "-c", SCHEDULER, str(session.home.folder), PASSPHRASE.reveal()]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "scheduling\n"
        while not holder(session):
            pass  # it takes the lease in its first look
        other.kill()
        other.wait(WAIT)
    theirs = holder(session)
    assert f":{other.pid}:" in theirs
    made = make(test_every_minutes=60)
    make_due(session, made)
    engine, news = start(session)
    looks: Queue[str] = Queue()
    acquire = leases.acquire

    def counted(*arguments: Any) -> bool:
        taken = acquire(*arguments)
        looks.put(f"{taken}")
        return taken

    monkeypatch.setattr(leases, "acquire", counted)
    engine.schedule()
    assert looks.get(timeout=WAIT) == "False"
    assert (holder(session), news.empty()) == (theirs, True)
    clock = session.store._clock
    session.store._clock = lambda: clock() + timedelta(seconds=31)
    engine.look_now()
    assert isinstance(told := news.get(timeout=WAIT), Tested)
    assert told.connection_id == made.id
    assert holder(session) not in {"", theirs}
