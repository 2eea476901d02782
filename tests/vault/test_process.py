"""A hardened process leaves no core, no open files and no keys in a log."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, resource, sys
from pathlib import Path
from jackfield.vault.process import harden_process
os.umask(0)
harden_process()
harden_process()
Path(sys.argv[1]).touch(mode=0o666)
kept = sorted(name for name in os.environ if name.startswith(("TEXTUAL", "SSLKEY", "KEPT")))
print(resource.getrlimit(resource.RLIMIT_CORE), oct(os.stat(sys.argv[1]).st_mode & 0o777), kept)
if sys.platform == "linux":
    import ctypes
    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def test_a_hardened_process(tmp_path: Path) -> None:
    """No core limit, private new files, refused variables gone and others kept; on Linux not dumpable."""
    refused = {"TEXTUAL_LOG": "x", "TEXTUAL": "x", "SSLKEYLOGFILE": "x", "KEPT": "x"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "made")],
        env={**os.environ, **refused},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "(0, 0) 0o600 ['KEPT']"
    if sys.platform == "linux":
        assert lines[1] == "0"


@pytest.mark.skipif(sys.platform != "linux", reason="the flag is Linux's")
def test_an_unhardened_process_is_dumpable() -> None:
    """The flag the other test reads is 1 without hardening."""
    script = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "1"
