"""The demo's folder goes with the demo, however that ends, and a killed one's with the next."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from jackfield.demo.home import PASSPHRASE, demo, remove_leftovers
from support.terminal import Terminal

WAIT = 120.0
PROGRAM = (sys.executable, "-m", "jackfield")


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    (tmp_path / "temporary").mkdir()
    return {"TMPDIR": str(tmp_path / "temporary"), "JACKFIELD_HOME": str(tmp_path / "home")}


def left(environ: Mapping[str, str]) -> list[str]:
    return [path.name for path in Path(environ["TMPDIR"]).iterdir()]


def ran(environ: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PROGRAM, *words], env={**os.environ, **environ}, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def test_one_command_in_a_demo(environ: Mapping[str, str]) -> None:
    """The list as JSON, of a home that is gone afterwards; the user's own was never made."""
    done = ran(environ, "demo", "--", "connection", "list", "--json")

    assert done.returncode == 0, done.stderr
    states = {one["name"]: one["state"] for one in json.loads(done.stdout)}
    assert states["edge"] == "passed"
    assert states["ci-deploys"] == "limited"
    assert left(environ) == []
    assert not Path(environ["JACKFIELD_HOME"]).exists()


def test_a_failed_test_in_a_demo_gives_its_exit_code(environ: Mapping[str, str]) -> None:
    done = ran(environ, "--json", "demo", "--", "connection", "test", "site-old")

    assert done.returncode == 1, done.stderr
    assert '"rejected"' in done.stdout
    assert left(environ) == []


@pytest.mark.parametrize("words", [("--plain", "demo"), ("demo", "--", "exec", "edge", "--", "true")])
def test_what_a_demo_cannot_do_is_refused_before_it_is_made(environ: Mapping[str, str], words: tuple[str, ...]) -> None:
    done = ran(environ, *words)

    assert done.returncode == 2
    assert done.stderr.startswith("jackfield: ")
    assert left(environ) == []


@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP", "hang-up"])
def test_the_folder_goes_however_the_demo_ends(environ: Mapping[str, str], end: str) -> None:
    with Terminal([*PROGRAM, "demo"], environ=environ) as terminal:
        terminal.wait_for("connections", "Its passphrase", seconds=WAIT)
        (folder,) = Path(environ["TMPDIR"]).iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        if end == "hang-up":
            terminal.hang_up()
        else:
            os.kill(terminal.pid, getattr(signal, end))
        assert terminal.wait(seconds=WAIT) == 129
    assert left(environ) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_while_it_is_made_it_leaves_nothing(environ: Mapping[str, str], number: signal.Signals) -> None:
    with Terminal([*PROGRAM, "demo"], environ=environ) as terminal:
        terminal.wait_for("making the demo", seconds=WAIT)
        for _ in range(int(WAIT * 20)):
            if left(environ):
                break
            terminal.read(0.05)
        os.kill(terminal.pid, number)
        assert terminal.wait(seconds=WAIT) == 128 + number
        assert b"Traceback" not in terminal.raw
    assert left(environ) == []


def test_lock_unlock_and_leave_it(environ: Mapping[str, str]) -> None:
    with Terminal([*PROGRAM, "demo"], environ=environ) as terminal:
        terminal.wait_for(" demo  Jackfield", "connections", seconds=WAIT)
        terminal.send(b"\x0c")
        terminal.wait_for("The vault is locked.", PASSPHRASE, " demo  Jackfield", seconds=WAIT)
        terminal.press(PASSPHRASE)
        terminal.send("enter")
        terminal.wait_for("connections", seconds=WAIT)
        terminal.send(b"\x11")
        assert terminal.wait(seconds=WAIT) == 0
    assert left(environ) == []


def test_the_first_run_leads_to_the_demo_and_keeps_the_place_as_it_is(environ: Mapping[str, str]) -> None:
    with Terminal(PROGRAM, environ=environ) as terminal:
        terminal.wait_for("try the demo instead", seconds=WAIT)
        terminal.send(b"\x04")
        terminal.wait_for(" demo  Jackfield", "connections", seconds=WAIT)
        terminal.send(b"\x11")
        assert terminal.wait(seconds=WAIT) == 0
    assert not Path(environ["JACKFIELD_HOME"]).exists()


def test_a_killed_demo_is_removed_by_the_next_and_a_running_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed = tmp_path / "jackfield-demo-killed"
    killed.mkdir(mode=0o700)
    (killed / "held").touch()
    (tmp_path / "jackfield-demo-of-another-program").mkdir()

    with demo() as made:
        running = made.home.folder.parent
        remove_leftovers()

        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            ["jackfield-demo-of-another-program", running.name]
        )
        assert made.home.has_vault()
    assert not running.exists()
