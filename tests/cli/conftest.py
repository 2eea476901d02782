"""The command line over a home of its own: in this process, or as a process of its own."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jackfield.cli import commands, main
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import FLOOR
from providers.netlify.vendor import Netlify

PASSPHRASE = "a garden of seven gates"
PROGRAM = [sys.executable, "-c", "import sys; from jackfield.cli import main; sys.exit(main(sys.argv[1:]))"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Jackfield:
    """Runs commands in this process."""

    home: Path
    passphrase_file: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    network: Callable[[], Network] | None = None

    def __call__(self, *words: str, stdin: str = "", keys: bool = True) -> Ran:
        given = ["--passphrase-file", str(self.passphrase_file)] if keys else []
        self.capture.readouterr()
        umask = os.umask(0o022)
        try:
            with self.patch.context() as patch:
                patch.setattr(commands, "harden_process", lambda: None)  # this process has more to do afterwards
                patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
                code = main(["--home", str(self.home), *given, *words], network=self.network)
        finally:
            os.umask(umask)
        said = self.capture.readouterr()
        return Ran(code, said.out, said.err)

    def done(self, *words: str, stdin: str = "") -> str:
        """Run a command that must succeed; what it printed."""
        ran = self(*words, stdin=stdin)
        assert ran.code == 0, ran.err
        return ran.out

    def process(self, *words: str, keys: bool = True, **more: Any) -> Ran:
        """Run a command as a process of its own, without a terminal."""
        done = subprocess.run(
            self.words(*words, keys=keys), capture_output=True, text=True, start_new_session=True, timeout=60, **more
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def words(self, *words: str, keys: bool = True) -> list[str]:
        """The whole command for a process."""
        given = ["--passphrase-file", str(self.passphrase_file)] if keys else []
        return [*PROGRAM, "--home", str(self.home), *given, *words]


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def empty(
    tmp_path: Path, passphrase_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Jackfield:
    """No vault yet."""
    return Jackfield(tmp_path / "home", passphrase_file, capsys, monkeypatch)


@pytest.fixture
def netlify() -> Iterator[Netlify]:
    with Netlify() as world:
        yield world


@pytest.fixture
def jackfield(empty: Jackfield, netlify: Netlify) -> Jackfield:
    """A vault with the organization acme and its project web. The only vendor there is is Netlify in miniature."""
    session, _ = Session.create(Home(empty.home), Secret(PASSPHRASE), costs=FLOOR)
    acme = session.organizations.create("acme")
    session.projects.create(acme.id, "web")
    session.lock()
    empty.network = netlify.network
    return empty


@pytest.fixture
def secret_file(tmp_path: Path) -> Callable[[str], str]:
    """Writes a value into a private file, and gives what --set takes for it."""

    def write(value: str) -> str:
        file = tmp_path / f"value-{len(list(tmp_path.iterdir()))}"
        file.write_text(value)
        file.chmod(0o600)
        return f"@{file}"

    return write
