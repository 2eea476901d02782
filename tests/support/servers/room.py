"""Where servers live while the tests run: a folder shared by all workers, and the processes started in it."""

import contextlib
import dataclasses
import fcntl
import functools
import json
import os
import random
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, Self, TypeVar

import pytest

HOST = "127.0.0.1"
# Ports from 32768 up are given out by the kernel to outgoing connections.
_PORTS = range(20000, 32000)
_SEARCH_PATH = os.pathsep.join(
    [
        str(Path(sys.executable).parent),
        os.environ.get("PATH", os.defpath),
        "/usr/sbin",
        *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True),
    ]
)


class Server(Protocol):
    """A frozen dataclass of JSON values that knows how to start what it describes."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[object]]]

    @classmethod
    def start(cls, room: "ServerRoom") -> Self: ...


S = TypeVar("S", bound=Server)


@dataclass(frozen=True, slots=True)
class Login:
    """A user of a server, made for one test."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class ServerRoom:
    """The servers of one test run. Every worker holds the same folder; whoever asks first starts a server."""

    folder: Path

    @classmethod
    def open(cls) -> "ServerRoom":
        """A new empty room. Servers that give up root must reach their folders, so it may be passed through."""
        folder = Path(tempfile.mkdtemp(prefix="jackfield-servers-"))
        folder.chmod(0o711)
        return cls(folder)

    def get(self, kind: type[S]) -> S:
        """The running server of this kind; the first call of all workers starts it."""
        described = self.folder / f"{kind.__name__}.json"
        with _locked(described.with_suffix(".lock")):
            if described.exists():
                return kind(**json.loads(described.read_text()))
            server = kind.start(self)
            described.write_text(json.dumps(dataclasses.asdict(server)))
            return server

    def new_folder(self, name: str, *, owner: str | None = None) -> Path:
        """A folder that no other server uses; it belongs to `owner` where the tests run as root."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        folder.chmod(0o711)
        if owner is not None and os.getuid() == 0:
            shutil.chown(folder, owner, owner)
        return folder

    def free_port(self, host: str = HOST) -> int:
        """A port nobody listens on, given to nobody else in this run."""
        for port in random.sample(_PORTS, 200):
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.bind((host, port))
                (self.folder / f"port-{port}").touch(exist_ok=False)
                return port
        msg = "no free port"
        raise RuntimeError(msg)

    def start(
        self,
        argv: Sequence[str | Path],
        *,
        folder: Path,
        port: int,
        host: str = HOST,
        ready: Callable[[], bool] = lambda: True,
        end_with: signal.Signals = signal.SIGTERM,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Start a program in `folder` and return its process id once `port` answers and `ready()` holds.

        It runs in a session of its own, so that a signal it sends to its group reaches no test. Raises RuntimeError
        with the end of its log when it ends early or does not answer within 30 s.
        """
        log = folder / "log"
        pid = os.posix_spawnp(
            "env",
            ["env", f"--chdir={folder}", *map(str, argv)],
            {**os.environ, "HOME": str(folder), **(environment or {})},
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        self._note({"pid": pid, "born": _birth(pid), "signal": int(end_with)})
        give_up = time.monotonic() + 30
        while not (_answers(host, port) and ready()):
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                msg = f"{argv[0]} ended early: {_tail(log)}"
                raise RuntimeError(msg)
            if time.monotonic() > give_up:
                msg = f"{argv[0]} does not answer on port {port}: {_tail(log)}"
                raise RuntimeError(msg)
            time.sleep(0.02)
        return pid

    def at_end(self, argv: Sequence[str]) -> None:
        """Run a command after every server has ended."""
        self._note({"argv": list(argv)})

    def close(self) -> None:
        """End every server, the last one first, and remove the folder."""
        notes = self.folder / "notes"
        entries = [json.loads(line) for line in notes.read_text().splitlines()][::-1] if notes.exists() else []
        endings = [end_process(entry["pid"], entry["signal"], entry["born"]) for entry in entries if "pid" in entry]
        for wait in endings:
            wait()
        for entry in entries:
            if "argv" in entry:
                subprocess.run(entry["argv"], check=True, capture_output=True)
        shutil.rmtree(self.folder)

    def _note(self, entry: Mapping[str, object]) -> None:
        with _locked(self.folder / "notes.lock"), (self.folder / "notes").open("a") as notes:
            notes.write(json.dumps(entry) + "\n")


def program(name: str, package: str) -> str:
    """The path of an installed program. Skips the test when it is missing."""
    path = shutil.which(name, path=_SEARCH_PATH)
    if path is None:
        pytest.skip(f"{name} is not installed (package {package})")
    return path


def installed_folder(path: str, package: str) -> Path:
    """A folder that a package brings. Skips the test when it is missing."""
    if not Path(path).is_dir():
        pytest.skip(f"{path} is missing (package {package})")
    return Path(path)


def require_root(why: str) -> None:
    """Skip the test where it does not run as root."""
    if os.getuid() != 0:
        pytest.skip(f"needs root: {why}")


def unique(prefix: str) -> str:
    """A name that no other test uses; fit for users, databases and hosts alike."""
    return f"{prefix}{secrets.token_hex(4)}"


def run(*argv: str | Path, text: str | None = None) -> str:
    """Run a command, `text` on its stdin, and return what it prints. Raises RuntimeError with its error output."""
    done = subprocess.run(argv, input=text or "", capture_output=True, text=True, cwd="/")
    if done.returncode != 0:
        msg = f"{argv[0]} ended with {done.returncode}: {done.stderr[-800:]}"
        raise RuntimeError(msg)
    return done.stdout


def end_process(pid: int, number: int, born: str | None = None) -> Callable[[], None]:
    """Signal a process, unless it is not the one `born` then; the answer waits for its end, at most 10 s."""
    try:
        if born is not None and _birth(pid) != born:
            return lambda: None
        handle = os.pidfd_open(pid)
    except (FileNotFoundError, ProcessLookupError):
        return lambda: None
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, number)
    return functools.partial(_wait, pid, handle)


def _wait(pid: int, handle: int) -> None:
    select.select([handle], [], [], 5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # whatever is left of its group
    select.select([handle], [], [], 5)
    os.close(handle)
    with contextlib.suppress(ChildProcessError):  # another worker's child
        os.waitpid(pid, 0)


def _birth(pid: int) -> str:
    """When a process began, in clock ticks since the machine did: with its id, this names it for good."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 0.5).close()
    except OSError:
        return False
    return True


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-800:] if log.exists() else "no log"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
