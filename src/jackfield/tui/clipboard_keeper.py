"""Empties a clipboard that a secret was copied to: a program of its own, so that it outlives the one that copied.

It is run as `python -I -S clipboard_keeper.py` before anything is copied, needs nothing but the standard library, and
gets one line of JSON on standard input; no secret reaches it. A `+` after it means that the secret was copied now. The
end of that input means that the program which copied has let go, was killed or crashed: then, or the given seconds
after the `+`, what was copied is taken away. Any other byte means that nothing is to be done any more.

    {"key": HEX, "digest": HEX, "read": [ARGV], "empty": [ARGV], "seconds": 20}    a local clipboard tool
    {"terminal": BASE64 of the sequence, "seconds": null}                          the terminal on standard output
"""

import base64
import hashlib
import hmac
import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from typing import Any, Final

TOOL_SECONDS: Final = 5.0  # a tool whose display is gone may hang
_LONGEST: Final = 1 << 20


def digest_of(key: bytes, text: bytes) -> str:
    """What tells whether a clipboard still holds `text`, without saying it."""
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def still_holds(order: dict[str, Any]) -> bool:
    """Whether the clipboard still holds what was copied; what cannot be read is not ours."""
    with suppress(OSError, subprocess.SubprocessError):
        ran = subprocess.run(  # noqa: S603  the tool that copied
            order["read"], stdin=subprocess.DEVNULL, capture_output=True, timeout=TOOL_SECONDS, check=True
        )
        return hmac.compare_digest(digest_of(bytes.fromhex(order["key"]), ran.stdout), order["digest"])
    return False


def empty(order: dict[str, Any]) -> None:
    """Take away what was copied, if it is still there."""
    if "terminal" in order:
        with suppress(OSError):
            os.write(1, base64.b64decode(order["terminal"]))
    elif still_holds(order):
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(  # noqa: S603  the tool that copied
                order["empty"], input=b"", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=TOOL_SECONDS, check=False,
            )  # fmt: skip


def main() -> None:
    """Read the order, wait for what ends it, and obey."""
    line = b""
    while not line.endswith(b"\n"):
        if len(line) > _LONGEST or not (more := os.read(0, 1)):
            return
        line += more
    order = json.loads(line)
    told = os.read(0, 1)
    if told == b"+":
        ready, _, _ = select.select([0], [], [], order["seconds"])
        told = os.read(0, 1) if ready else b""
    if not told:
        empty(order)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
    sys.exit(0)
