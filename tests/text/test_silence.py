"""No library that speaks to vendors can log, whatever it or the environment sets up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jackfield.text.silence import LIBRARIES

# Imports the libraries that providers use, gives them a handler that writes, and lets each of their loggers speak.
SCRIPT = """
import importlib, json, logging, sys
from jackfield.vault.process import harden_process
harden_process()
logging.basicConfig(level=1, stream=sys.stderr, format="%(name)s %(message)s", force=True)
for name in json.loads(sys.argv[2]):
    importlib.import_module(name)
if sys.argv[1] == "without the switch":
    logging.disable(logging.NOTSET)
names = sorted({*logging.root.manager.loggerDict, *json.loads(sys.argv[3])})
for name in names:
    logger = logging.getLogger(name)
    logger.setLevel(1)
    if sys.argv[1] == "with handlers":
        logger.addHandler(logging.StreamHandler(sys.stderr))
    for level in (1, logging.DEBUG, logging.CRITICAL, 99):
        logger.log(level, "canary-9f1c")
print(json.dumps(names))
"""
USED = (
    *("httpx", "boto3", "botocore.session", "urllib3", "requests", "google.auth.transport.requests", "oauthlib.oauth2"),
    *("psycopg", "asyncmy", "pytds", "oracledb", "pymongo", "redis", "ldap3", "spnego", "smbprotocol", "smbclient"),
    "asyncssh",
)
TOPS = {name.partition(".")[0] for name in LIBRARIES}


def speak(how: str) -> tuple[list[str], str]:
    """The loggers that were let speak, and what came out of it."""
    given = [json.dumps(USED), json.dumps(LIBRARIES)]
    ran = subprocess.run([sys.executable, "-c", SCRIPT, how, *given], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout), ran.stderr


def test_a_library_with_a_handler_of_its_own_writes_nothing() -> None:
    """Every logger there is gets a handler that writes to standard error, and speaks at every level."""
    names, said = speak("with handlers")
    assert {"botocore", "urllib3.connectionpool", "asyncssh", "ldap3", "psycopg"} <= set(names)
    assert said == ""


def test_each_library_is_named_so_that_the_switch_is_not_all_there_is() -> None:
    """With logging switched on again and a handler at the root, only what is no vendor's library is heard."""
    names, said = speak("without the switch")
    heard = {line.split()[0] for line in said.splitlines() if "canary" in line}
    assert heard, "the handler at the root works"
    assert not {name for name in heard if name.partition(".")[0] in TOPS}
    used = {name.partition(".")[0] for name in USED}
    assert not heard & {name for name in names if name.partition(".")[0] in used}


def test_both_faces_refuse_logs_before_anything_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command and the interface call what the other tests look at."""
    from jackfield import tui
    from jackfield.cli import commands
    from jackfield.services.home import Home

    class Called(Exception):
        pass

    def call(*_: Any) -> None:
        raise Called

    for face in (tui, commands):
        monkeypatch.setattr(face, "harden_process", call)
    with pytest.raises(Called):
        tui.run(Home(tmp_path))
    with pytest.raises(Called):
        commands.run(["status"], None)
