"""The last layer before the terminal: what may be written to it, and what happens when it goes away.

Everything that is drawn passes an `Outlet`. It lets through text and CSI sequences, which drawing needs; it refuses
every other control character and every introducer of OSC, DCS, APC, PM and SOS strings, in 7 and 8 bits, unless this
module made the sequence. Text was cleaned long before: this is the wall behind the wall.
"""

import base64
import os
import re
import select
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, cast

from textual.drivers.linux_driver import LinuxDriver

from jackfield.model.errors import UsageError
from jackfield.tui.colours import ColourChanges
from jackfield.tui.repaint import ChangedCells

if TYPE_CHECKING:
    from textual.app import App

CLIPBOARD_LIMIT: Final = 74_994  # bytes in base64: what the strictest widespread terminal takes in one sequence

# An escape is followed by [ or it is refused together with the character that would make it something else.
_REFUSED: Final = re.compile("\x1b(?!\\[)[\x20-\x7e]?|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_WIDE_BLANK: Final = "?"


class OwnSequence(str):
    """A sequence made here; the outlet writes it as it is."""

    __slots__ = ()


class Outlet:
    """The file that the drawing thread writes to. `refused` counts what was kept from the terminal.

    A terminal that is gone swallows everything from then on, and `gone` is called once. With `sparing`, which any
    thread may set, only cells are sent that look otherwise than before.
    """

    def __init__(self, fd: int, *, ascii_only: bool, gone: Callable[[], None]) -> None:
        self._fd = fd
        self._ascii_only = ascii_only
        self._gone = gone
        self._buffer: list[bytes] = []
        self._held = ""
        self._colours = ColourChanges()
        self._cells: ChangedCells | None = None
        self._stale = False
        self._lost = False
        self.sparing = False
        self.refused = 0

    def fileno(self) -> int:
        """The terminal's file descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """True, whatever stands behind."""
        return True

    def write(self, text: str) -> int:
        """Take text for the next flush."""
        if self.sparing is not (self._cells is not None):
            self._change_over()
        if self._cells is not None and self._stale:
            self._stale = False
            self._cells.forget()
        if isinstance(text, OwnSequence):
            if self._cells is not None:
                self._cells.pass_on(text)
            else:
                self._buffer.append(text.encode("ascii"))
            return len(text)
        shown = self._held + text
        self._held = ""
        if shown.endswith("\x1b"):
            shown, self._held = shown[:-1], "\x1b"
        shown, refused = _REFUSED.subn("", shown)
        self.refused += refused
        if self._cells is not None:
            self._cells.take(shown)
        else:
            self._buffer.append(self._encode(self._colours.slim(shown)))
        return len(text)

    def repaint(self) -> None:
        """Whatever is drawn next is sent whole: the terminal may show something else by now. From any thread."""
        self._stale = True

    def _change_over(self) -> None:
        """Begin or end to send changed cells alone."""
        if self._cells is not None:
            self._buffer.append(self._encode(self._cells.drawn()) + b"\x1b[m")
        self._cells = ChangedCells() if self.sparing else None
        self._colours = ColourChanges()

    def flush(self) -> None:
        """Write what was taken."""
        if self._cells is not None:
            self._buffer.append(self._encode(self._cells.drawn()))
        data, self._buffer = b"".join(self._buffer), []
        if self._lost:
            return
        try:
            _write_all(self._fd, data)
        except OSError:
            self._lost = True
            self._gone()

    def _encode(self, text: str) -> bytes:
        if text.isascii():
            return text.encode("ascii")
        if self._ascii_only:
            return "".join(map(_ascii_form, text)).encode("ascii")
        return text.encode("utf-8", errors="replace")


@lru_cache(maxsize=512)
def _ascii_form(character: str) -> str:
    """The ASCII form of one character in as many cells as it takes."""
    from jackfield.tui.symbols import ASCII_FORMS

    if character.isascii():
        return character
    if (form := ASCII_FORMS.get(ord(character))) is not None:
        return form
    from rich.cells import get_character_cell_size

    return _WIDE_BLANK * get_character_cell_size(character)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            select.select([], [fd], [])


def is_ascii_only(environ: Mapping[str, str]) -> bool:
    """Whether only ASCII may be drawn: the locale is not UTF-8, or the console's font lacks the symbols."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    return "utf8" not in locale.lower().replace("-", "") or environ.get("TERM") == "linux"


def clipboard_sequence(text: str, environ: Mapping[str, str]) -> OwnSequence:
    """The OSC 52 sequence that hands `text` to the terminal's clipboard; empty text clears it.

    Inside tmux it is also sent wrapped: which of the two arrives depends on tmux's own settings. Raises UsageError
    when the text is longer than terminals take.
    """
    payload = base64.b64encode(text.encode("utf-8", errors="replace")).decode("ascii")
    if len(payload) > CLIPBOARD_LIMIT:
        raise UsageError("This is too long for the terminal's clipboard.", "Write it to a file instead.")
    plain = f"\x1b]52;c;{payload}\x07"
    if environ.get("TMUX"):
        escaped = plain.replace("\x1b", "\x1b\x1b")
        return OwnSequence(f"{plain}\x1bPtmux;{escaped}\x1b\\")
    if environ.get("STY"):
        return OwnSequence(f"\x1bP{plain}\x1b\\")
    return OwnSequence(plain)


class TerminalDriver(LinuxDriver):
    """Textual's driver behind an `Outlet`. A hang-up calls the app's `hang_up`, once, and nothing is written after."""

    def __init__(
        self,
        app: "App[object]",
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._ended = False
        self.outlet = Outlet(
            self._file.fileno() if self._file is not None else sys.stderr.fileno(),
            ascii_only=is_ascii_only(os.environ),
            gone=self._hang_up,
        )
        self._file = cast("Any", self.outlet)
        Thread(target=self._watch_terminal, name="terminal-watch", daemon=True).start()

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual has no annotation there
        for number in (signal.SIGHUP, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._hang_up)

    def spare(self, sparing: bool) -> None:  # noqa: FBT001  it is what the method is about
        """Send less. The mouse then reports clicks alone: over a slow line each of its moves costs, too."""
        self.outlet.sparing = sparing
        if self._mouse:
            self.write("\x1b[?1003l" if sparing else "\x1b[?1003h")

    def _enable_mouse_support(self) -> None:
        super()._enable_mouse_support()
        if self.outlet.sparing:
            self.spare(True)

    def run_input_thread(self) -> None:
        try:
            super().run_input_thread()
        except OSError:
            self._hang_up()

    def _watch_terminal(self) -> None:
        """Wait, without using the processor, for the other end to close: input alone would read nothing for ever."""
        watch = select.poll()
        watch.register(self.fileno, 0)
        with suppress(OSError):
            for _, happened in watch.poll():
                if happened & (select.POLLHUP | select.POLLERR):
                    self._hang_up()

    def _hang_up(self) -> None:
        """Tell the app once; safe from any thread."""
        if self._ended:
            return
        self._ended = True
        hang_up = getattr(self._app, "hang_up", self._app.exit)
        with suppress(RuntimeError):  # the loop has ended already, and the app with it
            self._loop.call_soon_threadsafe(hang_up)
