"""What a process that holds keys gives up before it holds any: core dumps, tracing by others, logs, wide file
modes."""

import contextlib
import os
import resource
import sys
from typing import Final

from jackfield.text.silence import refuse_all_logs

# Variables by which a library would write secrets or the screen to a file; those that start with a prefix as well.
REFUSED_VARIABLES: Final = ("SSLKEYLOGFILE",)
REFUSED_PREFIXES: Final = ("TEXTUAL",)
_PR_SET_DUMPABLE: Final = 4


def harden_process() -> None:
    """Make this process and what it starts keep to itself. Each step is best effort; nothing is raised."""
    refuse_all_logs()
    os.umask(0o077)
    for name in list(os.environ):
        if name in REFUSED_VARIABLES or name.startswith(REFUSED_PREFIXES):
            del os.environ[name]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _refuse_tracing()


def _refuse_tracing() -> None:
    """No core dump, and no reading of this process's memory by others of the same user."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
