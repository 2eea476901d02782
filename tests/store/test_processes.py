"""Several processes and threads on one store, and processes that die."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import func, select

from jackfield.model.connection import Scope, State
from jackfield.model.errors import HomeError
from jackfield.store import connections, engine, listing, organizations, tables
from jackfield.store.connections import Definition
from jackfield.store.listing import ConnectionList
from jackfield.store.store import Store

KEY = bytes(range(32))
START = """
import sys, pathlib
from jackfield.model.connection import Scope
from jackfield.model.errors import Conflict
from jackfield.store import connections, leases, listing, organizations
from jackfield.store.connections import Definition
from jackfield.store.store import Store
store = Store.open(pathlib.Path(sys.argv[1]), bytes(range(32)))
"""


def start(folder: Path, program: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", START + program, str(folder), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def connection_id(folder: Path) -> str:
    store = Store.open(folder, KEY)
    with store.write() as tx:
        acme = organizations.create(tx, name="acme")
        made = connections.create(tx, Scope(acme.id), Definition("start", "aws", "m")).id
    store.close()
    return made


def test_of_two_processes_editing_one_row_the_second_is_told(folder: Path, connection_id: str) -> None:
    program = """
with store.read() as tx:
    version = connections.get(tx, sys.argv[2]).version
print("read", flush=True)
input()
try:
    with store.write() as tx:
        connections.edit(tx, sys.argv[2], version=version, definition=Definition(sys.argv[3], "aws", "m"))
    print("done", flush=True)
except Conflict as error:
    print("conflict", error.message, flush=True)
"""
    both = [start(folder, program, connection_id, name) for name in ("one", "two")]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "read\n"
    answers = [process.communicate("go\n", timeout=30)[0].split(maxsplit=1) for process in both]

    assert [answer[0] for answer in answers] == ["done", "conflict"]
    assert "changed since you read it" in answers[1][1]
    store = Store.open(folder, KEY)
    with store.read() as tx:
        assert (connections.get(tx, connection_id).name, connections.get(tx, connection_id).version) == ("one", 2)
    store.close()


def test_what_a_killed_process_was_told_is_kept_and_nothing_half_made_is_seen(folder: Path, connection_id: str) -> None:
    program = """
with store.read() as tx:
    scope = connections.get(tx, sys.argv[2]).scope
for number in range(10**6):
    with store.write() as tx:
        for half in ("a", "b"):
            connections.create(tx, scope, Definition(f"c-{number}-{half}", "aws", "m"))
    print(number, flush=True)
"""
    for _ in range(3):
        writer = start(folder, program.replace("c-{", f"r{_}-{{"), connection_id)
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(60)]
        writer.kill()
        acknowledged += [int(line) for line in writer.communicate(timeout=30)[0].split()]

        store = Store.open(folder, KEY)
        with store.read() as tx:
            for number in acknowledged:
                assert connections.ids_named(tx, f"r{_}-{number}-a"), number
            later = f"r{_}-{acknowledged[-1] + 1}"
            halves = [bool(connections.ids_named(tx, f"{later}-{half}")) for half in ("a", "b")]
            scope = connections.get(tx, connection_id).scope
            counts = listing.counts_by_state(tx, organization_id=scope.organization_id)
            rows = tx.value(select(func.count()).select_from(tables.connection))
        assert halves in ([True, True], [False, False])
        assert counts[State.UNTESTED] == rows
        assert store.damage() == ()
        store.close()


def test_of_many_processes_one_gets_the_lease(folder: Path, connection_id: str) -> None:
    program = """
print("ready", flush=True)
input()
with store.write() as tx:
    print(leases.acquire(tx, "worker", sys.argv[2], 60), flush=True)
"""
    processes = [start(folder, program, str(number)) for number in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=30)[0].strip() for process in processes]
    assert sorted(answers) == ["False", "False", "False", "True"]


def test_two_processes_may_make_the_same_store(folder: Path) -> None:
    processes = [start(folder, "print('open', flush=True); input()") for _ in range(3)]
    for process in processes:
        assert process.communicate("go\n", timeout=60)[0] == "open\n"
        assert process.returncode == 0
    assert [file.name for file in folder.iterdir()] == ["store.db"]


def test_threads_write_in_turn_and_read_meanwhile(store: Store, scope: Scope) -> None:
    together = Barrier(6)

    def write(thread: int) -> None:
        together.wait()
        for number in range(20):
            with store.write() as tx:
                connections.create(tx, scope, Definition(f"c-{thread}-{number}", "aws", "m"))

    def read(_: int) -> list[int]:
        together.wait()
        seen = []
        for _ in range(60):
            with store.read() as tx:
                wanted = ConnectionList(scope.organization_id)
                assert listing.count(tx, wanted) == len(listing.page(tx, wanted, limit=1000))
                seen.append(listing.count(tx, wanted))
        return seen

    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(write, thread) for thread in range(3)]
        reading = [pool.submit(read, thread) for thread in range(3)]
        for one in writing:
            one.result()
        for other in reading:
            assert other.result() == sorted(other.result())
    with store.read() as tx:
        assert listing.count(tx, ConnectionList(scope.organization_id)) == 60


def test_a_writer_that_never_ends_is_named_and_nothing_is_lost(
    store: Store, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 50)
    second = Store.open(store.path.parent, KEY)
    with store.write() as tx:
        connections.create(tx, scope, Definition("kept", "aws", "m"))
        with pytest.raises(HomeError, match="Another Jackfield is writing"), second.write():
            pytest.fail("two writers at once")
    with second.write() as tx:
        assert len(connections.ids_named(tx, "kept")) == 1
    second.close()
