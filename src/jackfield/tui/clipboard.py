"""Copying: a local tool where there is a display, the terminal's own clipboard otherwise; secrets for a while only."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO, Final

from jackfield.model.errors import Refused
from jackfield.model.secret import Secret
from jackfield.tui import clipboard_keeper
from jackfield.tui.clipboard_keeper import TOOL_SECONDS, digest_of
from jackfield.tui.terminal import OwnSequence, clipboard_sequence

SECRET_SECONDS: Final = 20
_REMOTE: Final = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that holds the clipboard of a display: how it is written (from standard input), read and emptied."""

    write: tuple[str, ...]
    read: tuple[str, ...]
    empty: tuple[str, ...]


_WAYLAND: Final = Tool(("wl-copy",), ("wl-paste", "--no-newline"), ("wl-copy", "--clear"))
_XCLIP: Final = Tool(
    ("xclip", "-selection", "clipboard", "-in"),
    ("xclip", "-selection", "clipboard", "-out"),
    ("xclip", "-selection", "clipboard", "-in"),
)
_XSEL: Final = Tool(
    ("xsel", "--clipboard", "--input"), ("xsel", "--clipboard", "--output"), ("xsel", "--clipboard", "--clear")
)
_MACOS: Final = Tool(("pbcopy",), ("pbpaste",), ("pbcopy",))


def local_tool(environ: Mapping[str, str]) -> Tool | None:
    """The clipboard tool of the display that the user sits at; None over SSH, without a display, or without a tool."""
    if any(environ.get(name) for name in _REMOTE):
        return None
    found = [_WAYLAND] if environ.get("WAYLAND_DISPLAY") else []
    found += [_XCLIP, _XSEL] if environ.get("DISPLAY") else []
    found += [_MACOS] if sys.platform == "darwin" else []
    return next((tool for tool in found if shutil.which(tool.write[0], path=environ.get("PATH"))), None)


class Clipboard:
    """Copies, and takes secrets away again: by itself after 20 s, at `forget`, and when this process is gone.

    A process of its own watches over each secret (clipboard_keeper.py). `send` writes a sequence to the terminal. All
    but `copy` waits for nothing, and may be called from any thread.
    """

    def __init__(self, send: Callable[[OwnSequence], None], *, terminal: int | None = None) -> None:
        """`terminal` is the descriptor that the terminal can be reached by when this process is gone."""
        self._send = send
        self._terminal = terminal
        self._one_at_a_time = Lock()
        self._guard = Lock()  # over what follows
        self._turn = 0  # counts copies begun and given up
        self._tool: subprocess.Popen[bytes] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._ending: subprocess.Popen[bytes] | None = None
        self._is_terminal = False

    def take_turn(self) -> int:
        """A number for the next copy; the one that is under way is given up, and a copied secret taken away."""
        with self._guard:
            self._turn += 1
            self._let_go()
            return self._turn

    def forget(self) -> None:
        """Take a copied secret away now, where it is still there, and give up the copy that is under way."""
        self.take_turn()

    def copy(self, text: str | Secret, turn: int | None = None) -> str:
        """Copy; gives what the user should know of it, or nothing when another turn was taken meanwhile.

        A tool may hang: call it in a thread, with a turn that was taken before. Raises UsageError for what is too
        long, and Refused when the tool fails.
        """
        plain = text.reveal() if isinstance(text, Secret) else text
        tool = local_tool(os.environ)
        sequence = clipboard_sequence(plain, os.environ) if tool is None else None
        mine = self.take_turn() if turn is None else turn
        with self._one_at_a_time:
            self._wait_for_keeper()
            if not self._begin(mine, text, tool, sequence):
                return ""
            if tool is not None and not self._hand_over(mine, tool, plain):
                return ""
        until = f" for {SECRET_SECONDS} seconds" if isinstance(text, Secret) else ""
        if tool is None:
            return f"Sent to the terminal's clipboard{until}; whether it arrived cannot be confirmed."
        return f"Copied to the clipboard{until}."

    def _begin(self, turn: int, text: str | Secret, tool: Tool | None, sequence: OwnSequence | None) -> bool:
        """Send the sequence, or start the tool; False when the turn is over. A secret's keeper is there before it."""
        with self._guard:
            if turn != self._turn:
                return False
            if isinstance(text, Secret):
                self._keep(text.reveal(), tool)
            if sequence is not None:
                self._send(sequence)
                self._tell_keeper(b"+")
            if tool is not None:
                try:
                    self._tool = _started(tool.write)
                except OSError:
                    self._let_go()
                    raise _refused(tool) from None
        return True

    def _hand_over(self, turn: int, tool: Tool, text: str) -> bool:
        """Give the text to the tool that was started; False when the turn is over by then. Raises Refused."""
        running = self._tool
        if running is None:
            return False
        try:  # its own child may live on with the text, so nothing waits for its output
            running.communicate(text.encode("utf-8", "replace"), timeout=TOOL_SECONDS)
            failed = running.returncode != 0
        except (OSError, subprocess.TimeoutExpired):
            failed = True
        with self._guard:
            if turn != self._turn:
                return False
            if failed:
                self._let_go()
                raise _refused(tool)
            self._tool = None
            self._tell_keeper(b"+")
        return True

    def _let_go(self) -> None:
        """End the tool that still runs, and let the keeper take away what was copied. `_guard` is held."""
        if self._tool is not None:
            self._tool.kill()
            self._tool = None
        keeper, self._keeper = self._keeper, None
        if keeper is None or keeper.stdin is None:
            return
        if self._is_terminal:  # from here, so that no other sequence is cut in two
            self._send(clipboard_sequence("", os.environ))
            _write(keeper.stdin, b".")
        with suppress(OSError):
            keeper.stdin.close()
        self._ending = keeper

    def _keep(self, plain: str, tool: Tool | None) -> None:
        order: dict[str, object]
        self._is_terminal = tool is None
        if tool is None:
            emptying = clipboard_sequence("", os.environ).encode("ascii")
            order = {"terminal": base64.b64encode(emptying).decode("ascii"), "seconds": None}
        else:
            key = secrets.token_bytes(32)
            order = {
                "key": key.hex(),
                "digest": digest_of(key, plain.encode("utf-8", "replace")),
                "read": tool.read,
                "empty": tool.empty,
                "seconds": SECRET_SECONDS,
            }
        program = [sys.executable, "-I", "-S", str(Path(clipboard_keeper.__file__))]
        out = self._terminal if tool is None and self._terminal is not None else subprocess.DEVNULL
        self._keeper = subprocess.Popen(  # noqa: S603  this interpreter, and a file of this package
            program, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if self._keeper.stdin is not None:
            _write(self._keeper.stdin, json.dumps(order).encode("ascii") + b"\n")

    def _tell_keeper(self, word: bytes) -> None:
        if self._keeper is not None and self._keeper.stdin is not None:
            _write(self._keeper.stdin, word)

    def _wait_for_keeper(self) -> None:
        """Until the keeper of the secret before has done its work: it must not take away what is copied next."""
        ending = self._ending
        if ending is not None:
            with suppress(subprocess.TimeoutExpired):
                ending.wait(2 * TOOL_SECONDS)


def _write(pipe: IO[bytes], data: bytes) -> None:
    """A keeper that has ended already is told nothing."""
    with suppress(OSError):
        pipe.write(data)
        pipe.flush()


def _started(command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    """Raises OSError."""
    return subprocess.Popen(  # noqa: S603  one of the tools above
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _refused(tool: Tool) -> Refused:
    message = f"{tool.write[0]} could not copy this."
    return Refused(message, "See whether the display still answers, or write it to a file instead.")
