"""A terminal for tests: runs a command on a pseudo-terminal, answers what programs ask terminals, and shows the screen.

Waiting is by events, with a bound; nothing here sleeps. Every byte the command wrote is kept.

    with Terminal([sys.executable, "-m", "jackfield"], columns=80, lines=24) as terminal:
        terminal.wait_for("Passphrase")
        written = terminal.press(b"j")
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, NamedTuple, Self

import pyte

KEYS: Final = {
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "enter": b"\r",
    "tab": b"\t",
    "escape": b"\x1b",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "space": b" ",
}
_NOT_INHERITED: Final = frozenset({"NO_COLOR", "TMUX", "STY", "COLUMNS", "LINES", "LANG", "LC_CTYPE"})
_ANSWERS: Final = (
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
    (re.compile(rb"\x1b\[0?c"), b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"),
    (re.compile(rb"\x1b\[\?2048\$p"), b"\x1b[?2048;0$y"),
)
# What the emulator would print instead of obeying.
_UNKNOWN_TO_PYTE: Final = re.compile(
    rb"\x1b[PX^_\]].*?(?:\x1b\\|\x07)|\x1b\[[<>=][0-?]*[ -/]*[@-~]|\x1b\[[0-?]*[ -/]+[@-~]", re.DOTALL
)
_UNFINISHED: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[PX^_\]][^\x07\x1b]*\x1b?)?$")


class Latency(NamedTuple):
    """What one key cost: bytes written, and milliseconds from sending it to the last of them."""

    written: int
    ms: float


class Terminal:
    """One command on one pseudo-terminal; leaving the context ends the command."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        lines: int = 24,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._unfed = b""
        self._status: int | None = None
        self.raw = bytearray()
        self.closed = False
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        full = kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"} | dict(environ or {})
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
                if folder is not None:
                    os.chdir(folder)
                os.execvpe(command[0], list(command), full)
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def text(self) -> str:
        """The screen, line by line, without what trails."""
        self._feed()
        return "\n".join(line.rstrip() for line in self._screen.display)

    def send(self, data: bytes | str) -> None:
        """Type: bytes as they are, text as UTF-8, the name of a key of KEYS as that key."""
        keys = KEYS.get(data, data.encode()) if isinstance(data, str) else data
        while keys:
            keys = keys[os.write(self._fd, keys) :]

    def read(self, seconds: float) -> bytes:
        """What comes within `seconds`, at once when something does; empty when nothing did."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, seconds))
        if not ready:
            return b""
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return b""
        self.raw += data
        for question, answer in _ANSWERS:
            for _ in question.findall(data):
                self.answer(answer)
        self._unfed += data
        return data

    def answer(self, answer: bytes) -> None:
        """Answer what the command asked the terminal, at once."""
        self.send(answer)

    def wait_for(self, *texts: str, seconds: float = 20.0) -> None:
        """Read until all texts are on the screen. AssertionError with the screen when they are not in time."""
        end = monotonic() + seconds
        while not all(text in self.text for text in texts):
            if self.closed or monotonic() >= end:
                raise AssertionError(f"{texts} not on the screen, which shows:\n{self.text}")
            self.read(end - monotonic())

    def settle(self, quiet: float = 0.25, seconds: float = 20.0) -> int:
        """Read until nothing came for `quiet` seconds; gives the bytes that came."""
        before, end = len(self.raw), monotonic() + seconds
        while monotonic() < end and not self.closed and self.read(quiet):
            pass
        return len(self.raw) - before

    def press(self, keys: bytes | str, *, quiet: float = 0.1) -> Latency:
        """Send keys and read until it is quiet again."""
        before, start = len(self.raw), monotonic()
        self.send(keys)
        last = start
        while not self.closed and self.read(quiet):
            last = monotonic()
        return Latency(len(self.raw) - before, (last - start) * 1000)

    def blank(self) -> None:
        """Forget what the screen shows, so that what is on it afterwards was drawn anew."""
        self._feed()
        self._screen.erase_in_display(2)

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal another size."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen.resize(lines, columns)

    def hang_up(self) -> None:
        """Close this end, as a lost connection does."""
        os.close(self._fd)
        self._fd, self.closed = -1, True

    def wait(self, seconds: float = 10.0) -> int:
        """The exit code of the command, negative for a signal. AssertionError when it goes on running."""
        end = monotonic() + seconds
        while self._status is None:
            if not self.closed and monotonic() < end:
                self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
            elif monotonic() >= end:
                raise AssertionError("the command goes on running")
            elif self.closed:
                select.select([], [], [], 0.02)
        return self._status

    def cpu_ms(self) -> float:
        """Processor time of the command so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> float:
        """Memory of the command now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def close(self) -> None:
        """End the command, if it has not ended."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self.closed = -1, True
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _feed(self) -> None:
        """Show what came since; not while reading, so that the emulator takes no part in what is measured."""
        if unfinished := _UNFINISHED.search(self._unfed):
            whole, self._unfed = self._unfed[: unfinished.start()], self._unfed[unfinished.start() :]
        else:
            whole, self._unfed = self._unfed, b""
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", whole))
