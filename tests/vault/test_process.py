"""A hardened process leaves no core, no open files and no keys in a log."""

import os
import signal
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


ABORTS = "import os; from jackfield.vault.process import harden_process; harden_process(); os.abort()"


def test_a_hardened_process_that_aborts_leaves_no_core(tmp_path: Path) -> None:
    """The system is asked for a core as large as it gets, and says itself whether it wrote one."""
    command = f"ulimit -S -c unlimited; cd {tmp_path}; exec {sys.executable} -c '{ABORTS}'"
    child = subprocess.Popen(["sh", "-c", command])
    _, status = os.waitpid(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert (child.returncode, os.WCOREDUMP(status)) == (-signal.SIGABRT, False)
    assert list(tmp_path.iterdir()) == []


# Another process of the same user, who is nobody: root may read everything. After the change of user the flag is set
# again, as it is for a program that a user starts.
OBSERVED = """
import ctypes, os, sys
from jackfield.vault.process import harden_process
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
def others_can_read(name):
    reader = os.fork()
    if reader == 0:
        try:
            os.close(os.open(f"/proc/{os.getppid()}/{name}", os.O_RDONLY))
        except PermissionError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1]) == 0
before = [others_can_read(name) for name in ("mem", "environ", "maps")]
harden_process()
print(before, [others_can_read(name) for name in ("mem", "environ", "maps")])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_other_processes_of_the_user_cannot_read_it() -> None:
    """Neither its memory nor its variables, which they could before."""
    done = subprocess.run([sys.executable, "-c", OBSERVED], capture_output=True, text=True, check=True)
    assert done.stdout == "[True, True, True] [False, False, False]\n"
