"""What can be said of a release: the same tree gives the same bytes, and nothing but a test reaches the network."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


def documented(page: str, beginning: str) -> str:
    """The one command of a page that begins so, as it stands there."""
    lines = (line.strip() for line in ROOT.joinpath(page).read_text("utf-8").splitlines())
    (found,) = [line for line in lines if line.startswith(beginning)]
    return found


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs a command in a folder with a wheel that was built, and a key."""
    (tmp_path / "dist").mkdir()
    wheel = tmp_path / "dist" / "jackfield-0.1.0-py3-none-any.whl"
    wheel.write_bytes(build(tmp_path / "built", age=0))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)

    def run(command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": os.environ["PATH"], "KEY": "key", "WHEEL": str(wheel), **variables}
        return subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="openssh-client is not installed")
def test_a_release_is_signed_and_verified_as_documented(
    tmp_path: Path, shell: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    """Accepted is the wheel that was signed, and no changed one, no other signer's, and no other purpose."""
    sign, tell = documented("CONTRIBUTING.md", "ssh-keygen -Y sign"), documented("CONTRIBUTING.md", "printf 'release")
    verify = documented("src/jackfield/manual/security.md", "ssh-keygen -Y verify")
    assert shell(sign).returncode == 0
    signers = tmp_path / "signers"
    signers.write_text(shell(tell).stdout)
    good = shell(verify)
    assert (good.returncode, good.stdout.startswith('Good "jackfield-release" signature for release')) == (0, True)

    (wheel,) = (tmp_path / "dist").glob("*.whl")
    changed = tmp_path / "changed.whl"
    changed.write_bytes(wheel.read_bytes()[:-1] + b"\x01")
    shutil.copy(f"{wheel}.sig", f"{changed}.sig")
    assert shell(verify, WHEEL=str(changed)).returncode != 0

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    signature = wheel.with_name(f"{wheel.name}.sig")
    for command, key in ((sign, "other"), (sign.replace("jackfield-release", "file"), "key")):
        signature.unlink()
        assert shell(command, KEY=key).returncode == 0
        assert shell(verify).returncode != 0


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
