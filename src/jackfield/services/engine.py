"""Tests in a thread of their own: those a user asks for, and those that are due.

The engine's loop never touches a face. A face gives callbacks, which are called in the engine's thread and must only
hand the news on. Of all processes on one store, the one that holds the lease schedules.
"""

import asyncio
import contextlib
import gc
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from jackfield.checks.request import OnProgress
from jackfield.model.check import CheckResult
from jackfield.model.connection import Connection
from jackfield.model.errors import JackfieldError, LockedError, Refused
from jackfield.net.network import Network
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.services.takeover import Takeover, is_pending, pending_connections, resolve_pending, take_over
from jackfield.services.testing import Draft
from jackfield.store import connections, leases
from jackfield.store.transaction import new_id

LEASE: Final = "scheduler"
LEASE_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 10.0  # between looks for what is due; also how often the lease is renewed
AT_ONCE: Final = 16
_RARELY: Final = 100  # of so many collections of the middle generation, one goes on to the oldest


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Inside, Python leaves alone what is loaded, and seldom looks through the rest for garbage.

    A whole collection takes about 0.1 s, in which every test and every key would wait.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*thresholds[:2], _RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@dataclass(frozen=True, slots=True)
class Tested:
    """A stored connection was tested by the schedule or by hand; its row shows the result now."""

    connection_id: str
    result: CheckResult

    __test__ = False  # not a test class, whatever its name


@dataclass(frozen=True, slots=True)
class TestEnded:
    """A stored connection's test ended without a result: cancelled, or it could not begin."""

    connection_id: str
    reason: str

    __test__ = False  # nor this


@dataclass(frozen=True, slots=True)
class Trouble:
    """The schedule could not look for what is due, and why. It goes on looking."""

    reason: str


@dataclass(frozen=True, slots=True)
class AutomaticTests:
    """They were paused for the whole home, or go on again. At the start they are taken to be on."""

    on: bool


@dataclass(frozen=True, slots=True)
class LockAsked:
    """Every Jackfield on this home was asked to lock."""


News = Tested | TestEnded | Trouble | AutomaticTests | LockAsked
OnNews = Callable[[News], None]


class Job:
    """A test under way. `future` gives the CheckResult, or raises CancelledError or a JackfieldError."""

    def __init__(self, future: "Future[Any]") -> None:
        self.future = future

    def cancel(self) -> None:
        """Stop it; harmless when it has ended."""
        self.future.cancel()


class Engine:
    """Runs tests for one session until it is locked. `network` is made in the engine's own loop."""

    def __init__(self, session: Session, *, network: Callable[[], Network] = Network) -> None:
        self._session = session
        self._make_network = network
        self._network: Network | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="jackfield-engine", daemon=True)
        self._listeners: list[OnNews] = []
        self._under_way: set[str] = set()
        self._resolved: set[str] = set()  # connections whose pending secret was tried since the start
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{new_id()[:8]}"
        self._scheduler: Future[None] | None = None
        self._look = asyncio.Event()
        self._automatic = True  # as it was told last
        self._stopped = False

    def start(self) -> None:
        """Begin, and lock along with the session."""
        self._thread.start()
        self._session.on_lock(self.stop)

    def listen(self, on_news: OnNews) -> Callable[[], None]:
        """Tell the news from now on, in the engine's thread; calling what this gives ends it."""
        self._listeners = [*self._listeners, on_news]

        def end() -> None:
            self._listeners = [listener for listener in self._listeners if listener is not on_news]

        return end

    def schedule(self) -> None:
        """Test what is due from now on, whenever this process holds the lease and automatic tests are not paused."""
        if self._scheduler is None:
            self._scheduler = asyncio.run_coroutine_threadsafe(self._keep_testing(), self._loop)

    def look_now(self) -> None:
        """Look for due tests at once, such as after an edit."""
        self._loop.call_soon_threadsafe(self._look.set)

    def test_draft(self, draft: Draft, on_progress: OnProgress) -> Job:
        """Test what is typed. Progress comes in the engine's thread."""
        return self._begin(lambda network: self._session.tests.run_draft(draft, network, on_progress))

    def test(self, connection_id: str, on_progress: OnProgress = lambda _: None) -> Job:
        """Test a stored connection and keep the result; listeners hear of it."""
        return self._begin(lambda network: self._test(connection_id, network, on_progress))

    def take_over(self, connection: Connection) -> Job:
        """Replace a credential by one that Jackfield manages; gives (Takeover, CheckResult)."""
        return self._begin(lambda network: take_over(self._session, connection, network))

    def run(self, action: Callable[[Network], Coroutine[Any, Any, Any]]) -> Job:
        """Any other action that needs the network, such as a picker or a device login."""
        return self._begin(action)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, nothing of this engine uses the store: tests are cancelled. The schedule goes on afterwards.

        Not for the interface's own thread: it waits for what runs to clean up.
        """
        scheduled, self._scheduler = self._scheduler is not None, None
        asyncio.run_coroutine_threadsafe(self._wind_down(), self._loop).result(timeout=5)
        try:
            yield
        finally:
            if scheduled and not self._stopped:
                self.schedule()

    def stop(self) -> None:
        """Cancel everything and wait until nothing runs any more. Harmless when stopped already."""
        if self._stopped or not self._thread.is_alive():
            return
        self._stopped = True
        asyncio.run_coroutine_threadsafe(self._wind_down(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    # --- in the engine's thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            with rare_collections():
                self._loop.run_forever()
        finally:
            self._loop.close()

    def _begin(self, action: Callable[[Network], Coroutine[Any, Any, Any]]) -> Job:
        if self._stopped:
            raise LockedError("The vault is locked.", "Unlock it first.")
        return Job(asyncio.run_coroutine_threadsafe(self._with_network(action), self._loop))

    async def _with_network(self, action: Callable[[Network], Coroutine[Any, Any, Any]]) -> Any:
        if self._network is None:
            self._network = self._make_network()
        return await action(self._network)

    async def _test(self, connection_id: str, network: Network, on_progress: OnProgress) -> CheckResult:
        self._under_way.add(connection_id)
        try:
            if is_pending(self._session, connection_id):
                _, result = await resolve_pending(self._session, self._session.connections.get(connection_id), network)
            else:
                result = await self._session.tests.run(connection_id, network, on_progress)
        except asyncio.CancelledError:
            self._tell(TestEnded(connection_id, "cancelled"))
            raise
        except JackfieldError as error:
            self._tell(TestEnded(connection_id, error.message))
            raise
        finally:
            self._under_way.discard(connection_id)
        self._tell(Tested(connection_id, result))
        return result

    def _tell(self, news: News) -> None:
        for listener in self._listeners:
            listener(news)

    async def _keep_testing(self) -> None:
        """Hold the lease while it can be had, and test what comes due. Sleeps between looks."""
        running: set[asyncio.Task[Any]] = set()
        while True:
            try:
                if self._session.presence.lock_asked():
                    self._tell(LockAsked())
                if self._is_on() and self._has_lease():
                    await self._with_network(self._resolve_pending)
                    for connection_id in self._due(AT_ONCE - len(running)):
                        task = asyncio.create_task(self._scheduled(connection_id))
                        running.add(task)
                        task.add_done_callback(running.discard)
            except JackfieldError as error:
                self._tell(Trouble(error.message))
            self._look.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look.wait()

    def _is_on(self) -> bool:
        """Whether anything goes out by itself; a change is told."""
        on = Settings(self._session.store).automatic_tests()
        if on is not self._automatic:
            self._automatic = on
            self._tell(AutomaticTests(on))
        return on

    def _has_lease(self) -> bool:
        with self._session.store.write() as tx:
            return leases.acquire(tx, LEASE, self._holder, LEASE_SECONDS)

    def _due(self, most: int) -> list[str]:
        with self._session.store.read() as tx:
            found = connections.due(tx, limit=most + len(self._under_way))
        return [due.connection_id for due in found if due.connection_id not in self._under_way][: max(0, most)]

    async def _scheduled(self, connection_id: str) -> None:
        """One automatic test. One that could not begin waits for its next time, or it would be due for ever."""
        try:
            await self._with_network(lambda network: self._test(connection_id, network, lambda _: None))
        except JackfieldError:  # told to listeners
            with contextlib.suppress(JackfieldError):
                self._session.connections.postpone(connection_id)
        self._look.set()

    async def _resolve_pending(self, network: Network) -> None:
        """What a crash left between two secrets is decided first; each is tried once, for a refusal may be counted."""
        for connection in pending_connections(self._session):
            if connection.id in self._resolved | self._under_way:
                continue
            try:
                end, result = await resolve_pending(self._session, connection, network)
            except Refused:
                continue  # another process is at it: look again later
            except JackfieldError as error:
                self._tell(TestEnded(connection.id, error.message))
            else:
                if end is not Takeover.UNRESOLVED:
                    self._tell(Tested(connection.id, result))
            self._resolved.add(connection.id)

    async def _wind_down(self) -> None:
        """Cancel every task but this one and let each clean up; then give the lease back."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        with contextlib.suppress(JackfieldError), self._session.store.write() as tx:
            leases.release(tx, LEASE, self._holder)
