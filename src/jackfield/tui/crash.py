"""What is kept of a fault of our own: where it happened, and nothing of what was being handled.

Values, messages and source lines stay out: any of them may hold a secret.
"""

import hashlib
import os
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jackfield import __version__


@dataclass(frozen=True, slots=True)
class Crash:
    """One fault. The same fault has the same `id`; `path` is None when nothing could be written."""

    id: str
    path: Path | None

    def told(self) -> str:
        """The one line a user sees."""
        where = f" Where it happened is in {self.path}." if self.path else ""
        return f"jackfield stopped because of a fault of its own ({self.id}); what was saved is safe.{where}"


def record_crash(error: BaseException, home: Path) -> Crash:
    """Write down where `error` happened, in `home/crashes`, readable by the user alone. Never raises."""
    frames = tuple(_frames(error))
    crash_id = hashlib.sha256("\n".join(frames).encode()).hexdigest()[:8]
    path = home / "crashes" / f"{crash_id}.txt"
    text = "\n".join((f"jackfield {__version__}", *frames, ""))
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return Crash(crash_id, path)
    return Crash(crash_id, None)


def _frames(error: BaseException) -> Iterator[str]:
    """Exception types with file, line and function of every frame, from the error to its causes."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield f"{type(current).__module__}.{type(current).__qualname__}"
        for frame, line in traceback.walk_tb(current.__traceback__):
            yield f"  {Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_qualname}"
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
