"""What is wrong with a machine, made wrong for real, and what to do about it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from jackfield.services.doctor import Finding, examine, examine_inside
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.store import tables

LOOKS = (
    "import sys; from pathlib import Path\n"
    "from jackfield.services.doctor import examine; from jackfield.services.home import Home\n"
    "print([one.next_step for one in examine(Home(Path(sys.argv[1]))) if one.name == 'locale'][0])"
)


def findings(home: Home) -> dict[str, Finding]:
    return {one.name: one for one in examine(home)}


@pytest.mark.parametrize("name", ["vault.jackfield", "vault.jackfield.copy", "store.db"])
def test_a_file_that_others_can_read_is_named(session: Session, home: Home, name: str) -> None:
    """With the command that closes it; and once it is closed nothing is said."""
    assert "file" not in findings(home)
    (home.folder / name).chmod(0o644)
    found = findings(home)["file"]
    assert (found.ok, found.next_step) == (False, f"Close it: chmod 600 {home.folder / name}")
    (home.folder / name).chmod(0o600)
    assert "file" not in findings(home)


def test_a_link_in_the_place_of_a_file_is_named(session: Session, home: Home, tmp_path: Path) -> None:
    kept = tmp_path / "elsewhere"
    shutil.move(home.folder / "vault.jackfield.copy", kept)
    (home.folder / "vault.jackfield.copy").symlink_to(kept)
    assert "is not a plain file" in findings(home)["file"].cause


def test_an_entry_from_the_future_is_told(session: Session) -> None:
    """The clock was ahead when it was written, or is behind now."""
    assert "clock of the trail" not in {one.name for one in examine_inside(session)}
    ahead = datetime.now(UTC) + timedelta(days=3)
    with session.store.write() as tx:
        tx.run(update(tables.audit_event).values(at=ahead))
    found = {one.name: one for one in examine_inside(session)}["clock of the trail"]
    assert (found.ok, f"{ahead:%Y-%m-%d}" in found.cause) == (False, True)
    assert found.next_step


@pytest.mark.parametrize(
    ("environ", "said", "step"),
    [
        ({"NO_COLOR": "1", "TERM": "xterm-256color"}, "none", "unset NO_COLOR"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "all of them", ""),
        ({"TERM": "xterm-256color", "COLORTERM": ""}, "256", "COLORTERM=truecolor"),
        ({"TERM": "linux", "COLORTERM": ""}, "few", "ansi-16"),
    ],
)
def test_the_colours_of_the_terminal_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], said: str, step: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = findings(Home(tmp_path / "none"))["colours"]
    assert (found.ok, said in found.cause, step in found.next_step) == (True, True, True)


@pytest.mark.parametrize("locale", ["C", "en_US.ISO-8859-1", "C.UTF-8"])
def test_the_locale_is_told(tmp_path: Path, locale: str) -> None:
    """As a process has it that starts with it; a locale that is no UTF-8 comes with what shows every symbol."""
    environ = os.environ | {"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", LOOKS, str(tmp_path / "none")]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ("" if locale == "C.UTF-8" else "export LC_ALL=C.UTF-8 shows them all.")


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server of its own, in which this process seems to run."""
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    folder = tmp_path / "t"
    folder.mkdir()
    command = ["tmux", "-f", "/dev/null", "-S", str(folder / "s")]
    subprocess.run([*command, "new-session", "-d", "-x", "80", "-y", "24", "cat"], check=True)
    told = subprocess.run(
        [*command, "display-message", "-p", "#{socket_path},#{pid},0 #{pane_id}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    place, pane = told.split()
    monkeypatch.setenv("TMUX", place)
    monkeypatch.setenv("TMUX_PANE", pane)
    yield command
    subprocess.run([*command, "kill-server"], check=False)


def test_a_tmux_that_keeps_what_is_copied_is_told(tmux: list[str], tmp_path: Path) -> None:
    """As tmux is set by itself; the step that is told mends it."""
    home = Home(tmp_path / "none")
    found = findings(home)["tmux"]
    assert (found.ok, "set-clipboard is external" in found.cause) == (False, True)
    assert found.next_step == "tmux set -s set-clipboard on"
    subprocess.run(found.next_step.split(), check=True)
    assert findings(home)["tmux"].ok
    subprocess.run([*tmux, "set", "-s", "set-clipboard", "off"], check=True)
    assert not findings(home)["tmux"].ok


def test_a_tmux_that_is_gone_is_told(tmux: list[str], tmp_path: Path) -> None:
    subprocess.run([*tmux, "kill-server"], check=True)
    found = findings(Home(tmp_path / "none"))["tmux"]
    assert (found.ok, "does not say" in found.cause) == (True, True)


def test_without_tmux_nothing_is_said_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    assert "tmux" not in findings(Home(tmp_path / "none"))
