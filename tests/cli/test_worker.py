"""The background tester, and the request to lock."""

import itertools
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from jackfield.cli import running
from jackfield.model.secret import Secret
from jackfield.services import engine
from jackfield.services.home import Home
from jackfield.services.idle import boot_seconds
from jackfield.services.presence import ask_to_lock
from jackfield.services.session import Session
from jackfield.store import connections
from support.servers.stores import OpenRedis

from .conftest import PASSPHRASE, Jackfield


@pytest.fixture
def due(jackfield: Jackfield, open_redis: OpenRedis) -> Jackfield:
    """With a connection whose test is due; its server lets anyone in, so it comes out as unproven."""
    jackfield.done(
        *("connection", "create", "redis", "-o", "acme", "-p", "web", "--name", "cache", "--untested"),
        *("--set", f"host={open_redis.host}", "--set", f"port={open_redis.port}", "--set", "sslEnabled=false"),
    )
    session = Session.unlock(Home(jackfield.home), Secret(PASSPHRASE))
    with session.store.write() as tx:
        connections.set_next_test(tx, session.connections.find("cache").id, tx.now - timedelta(minutes=1))
    session.lock()
    return jackfield


@pytest.fixture
def worker(due: Jackfield) -> Iterator["subprocess.Popen[str]"]:
    with running_worker(due) as running:
        yield running


@contextmanager
def running_worker(due: Jackfield) -> Iterator["subprocess.Popen[str]"]:
    """One that gives up after a minute."""
    words = due.words("worker")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        giving_up = threading.Timer(60, running.kill)
        giving_up.start()
        yield running
        giving_up.cancel()
        running.kill()


def test_a_change_of_state_is_one_line(worker: "subprocess.Popen[str]", due: Jackfield) -> None:
    assert worker.stdout is not None
    assert worker.stdout.readline() == "acme/web/cache  unproven\n"
    worker.terminate()
    assert worker.wait() == 0
    assert due("connection", "list", "--json").json[0]["state"] == "unproven"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_cleanly_when_told(worker: "subprocess.Popen[str]", due: Jackfield, number: signal.Signals) -> None:
    assert worker.stderr is not None
    assert worker.stderr.readline() == "jackfield: testing what is due\n"
    worker.send_signal(number)
    assert worker.wait() == 0
    assert worker.stderr.read() == "jackfield: ended\n"
    assert not (due.home / "store.db-wal").exists()


def test_it_waits_while_automatic_tests_are_paused(due: Jackfield) -> None:
    """It says so instead of testing, and goes on when a command of another process says so."""
    due.done("settings", "automatic-tests", "paused")
    with running_worker(due) as worker:
        assert worker.stderr is not None
        assert worker.stdout is not None
        assert worker.stderr.readline().startswith("jackfield: automatic tests are paused for this home; waiting for: ")
        assert due("connection", "list", "--json").json[0]["state"] == "untested"
        due.done("settings", "automatic-tests", "on")
        assert worker.stderr.readline() == "jackfield: testing what is due\n"
        assert worker.stdout.readline() == "acme/web/cache  unproven\n"


def test_it_ends_when_it_is_asked_to_lock(worker: "subprocess.Popen[str]", due: Jackfield) -> None:
    """Nothing but the request is needed: whoever asks need not know the passphrase."""
    assert worker.stderr is not None
    worker.stderr.readline()
    ran = due("lock", "--json", keys=False)
    assert (ran.code, ran.json["asked"]) == (0, True)
    assert worker.wait() == 0
    assert worker.stderr.read() == "jackfield: locked\n"
    assert due("lock", "--json", keys=False).json["asked"] is False


@pytest.mark.parametrize("chosen", ["5", "never"])
def test_it_ends_when_the_machine_slept(due: Jackfield, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    """An hour of sleep, by the clock; where the vault never locks by itself, it goes on until it is told to end."""
    due.done("settings", "idle", chosen)
    since_boot = itertools.chain([boot_seconds()], (boot_seconds() + 3600 for _ in itertools.count()))
    monkeypatch.setattr(running, "boot_seconds", lambda: next(since_boot))
    monkeypatch.setattr(running, "_tell", lambda *_: ask_to_lock(due.home))
    monkeypatch.setattr(engine, "LOOK_SECONDS", 0.1)
    ran = due("worker")
    said = {"5": "jackfield: locked, for the machine was asleep\n", "never": "jackfield: locked\n"}
    assert (ran.code, ran.err) == (0, f"jackfield: testing what is due\n{said[chosen]}")


def test_keys_are_not_replaced_under_it(worker: "subprocess.Popen[str]", due: Jackfield) -> None:
    assert worker.stderr is not None
    worker.stderr.readline()
    for words in (("key", "rotate"), ("restore", str(due.passphrase_file))):
        ran = due(*words)
        assert (ran.code, "has this home open" in ran.err) == (5, True)


def test_commands_go_on_beside_it(
    worker: "subprocess.Popen[str]", due: Jackfield, secret_file: Callable[[str], str]
) -> None:
    assert worker.stdout is not None
    worker.stdout.readline()
    due.network = None
    due.done("organization", "create", "other")
    assert due("connection", "test", "cache", "--json").json["outcome"] == "unproven"
