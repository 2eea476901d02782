"""What can be said of a release: the same tree gives the same bytes, and nothing but a test reaches the network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import FLOOR

ROOT = Path(__file__).resolve().parents[1]
INPUTS = ("pyproject.toml", "README.md", "LICENSE", "src", "themes")
PASSPHRASE = "a garden of seven gates"

# An audit hook sees every socket of the process, whoever opens it, and cannot be taken away again.
GUARD = """\
import os, sys

def guard(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"}:
        os.write(2, f"the network was used: {event} {arguments!r}\\n".encode())
        os._exit(99)

sys.addaudithook(guard)
from jackfield.__main__ import main
sys.exit(main())
"""


def build(folder: Path, *, age: int, license_text: str = "", private: bool = False) -> bytes:
    """The wheel of a copy of the tree, whose files are `age` seconds old, and the user's alone where `private`."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    for name in INPUTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    if license_text:
        (tree / "LICENSE").write_text(license_text)
    now = 1_790_000_000 - age
    for file in tree.rglob("*"):
        os.utime(file, (now, now))
        if private:
            file.chmod(file.stat().st_mode & 0o700)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "out")]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "out").iterdir()
    return wheel.read_bytes()


def test_two_builds_of_one_tree_are_the_same_bytes(tmp_path: Path) -> None:
    """In other folders, from files of other ages and another umask; another tree gives other bytes."""
    first = build(tmp_path / "here", age=0)
    assert build(tmp_path / "somewhere else", age=86_400 * 400, private=True) == first
    assert build(tmp_path / "other", age=0, license_text="another") != first


class Guarded:
    """Runs commands on a home of its own, none of which may use the network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passphrase = self.private("passphrase", PASSPHRASE)
        session, _ = Session.create(Home(folder / "home"), Secret(PASSPHRASE), costs=FLOOR)
        acme = session.organizations.create("acme")
        session.projects.create(acme.id, "web")
        session.lock()

    def private(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(f"{text}\n")
        return file

    def __call__(self, *words: str, home: str = "home") -> "subprocess.CompletedProcess[str]":
        given = ["--home", str(self.folder / home), "--passphrase-file", str(self.passphrase)]
        return subprocess.run([sys.executable, "-c", GUARD, *given, *words], capture_output=True, text=True)


def test_everything_but_a_test_works_with_the_network_cut(tmp_path: Path) -> None:
    """Each main path of the command line; and the guard sees a test, so what it lets through used no network."""
    run = Guarded(tmp_path)
    token = run.private("token", "nfp_0123456789")
    create = ("connection", "create", "netlify", "-o", "acme", "--name", "sites", "--untested")
    assert run("init", home="another").returncode == 0
    for words in (
        ("provider", "show", "netlify"),
        (*create, "--set", f"accessToken=@{token}"),
        ("connection", "show", "sites", "--fields"),
        ("exec", "sites", "true"),
        ("audit", "verify"),
        ("backup", str(tmp_path / "backup")),
        ("restore", str(tmp_path / "backup")),
        ("doctor",),
        ("lock",),
    ):
        done = run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    done = run("connection", "test", "sites")
    assert (done.returncode, "the network was used: socket.getaddrinfo" in done.stderr) == (99, True)
