"""What goes wrong: its exit code, its two lines, and that nothing else is said."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.store import tables
from providers.netlify.vendor import GOOD
from support.terminal import Terminal

from .conftest import PASSPHRASE, Jackfield

CREATE = ("connection", "create", "netlify", "-o", "acme", "--name", "sites")


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (("none",), 2, "No such command 'none'"),
        (("status", "--none"), 2, "No such option"),
        (("organization", "create", "Not A Slug"), 2, "A name holds only a-z"),
        (("organization", "create", "acme"), 2, "exists already"),
        (("organization", "create", "x" * 65), 2, "64 is the limit"),
        (("project", "create", "api", "-o", "none"), 4, "no organization none"),
        (("project", "create", "web", "-o", "acme"), 2, "exists already"),
        (("organization", "delete", "acme"), 5, "not empty"),
        (("connection", "show", "none"), 4, "no connection none"),
        (("connection", "test"), 2, "Name a connection"),
        (("connection", "test", "-p", "none"), 4, "no project none"),
        (("connection", "list", "state:none"), 2, "no state none"),
        (("connection", "list", "colour:red"), 2, "cannot be filtered by colour"),
        (("provider", "show", "none"), 4, "no provider called none"),
        (("provider", "snippet", "netlify", "--use", "none"), 2, "no use none"),
        (("provider", "snippet", "netlify", "--use", "secret-sync/env", "--target", "x=1"), 2, "has a target x"),
        ((*CREATE, "--method", "none"), 2, "no method none"),
        ((*CREATE, "--use", "secret-sync/env"), 2, "needs Team"),
        ((*CREATE, "--set", "none=1"), 2, "no field none"),
        ((*CREATE, "--set", "accessToken"), 2, "--set takes name=value"),
        (CREATE, 2, "Access token is needed"),
        ((*CREATE, "--every", "often"), 2, "525,600 minutes, or off"),
        ((*CREATE, "--set", "accessToken=@/nowhere/file"), 2, "cannot be read: No such file"),
        ((*CREATE, "--set", "accessToken=env:JACKFIELD_NOT_SET"), 2, "is not set"),
        ((*CREATE, "--set", "accessToken=-"), 2, "is empty"),
        (("init",), 5, "a vault in"),
        (("key", "remove", "0123456789abcdef"), 4, "no such slot"),
        (("exec", "none", "--", "true"), 4, "no connection none"),
        (("exec", "none", "--", "no-such-command"), 4, "no such command"),
        (("restore", "/nowhere/file"), 5, "cannot be read"),
        (("backup", "/nowhere/file"), 5, "cannot be written"),
    ],
)
def test_an_error_names_its_cause_in_two_lines(
    jackfield: Jackfield, words: tuple[str, ...], code: int, cause: str
) -> None:
    ran = jackfield(*words)
    assert (ran.code, ran.out) == (code, "")
    assert cause in ran.err
    assert ran.err.startswith("jackfield: ")
    assert len(ran.err.splitlines()) <= 3


def test_what_is_in_use_is_listed(jackfield: Jackfield, secret_file: Callable[[str], str]) -> None:
    jackfield.done(*CREATE, "--set", f"accessToken={secret_file(GOOD)}")
    assert jackfield.process("exec", "sites", "--", "true").code == 0
    ran = jackfield("connection", "delete", "sites")
    assert (ran.code, "  command true" in ran.err) == (5, True)
    jackfield.done("connection", "delete", "sites", "--force")


def test_an_error_of_our_own_shows_nothing_of_what_was_at_hand(
    jackfield: Jackfield, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a traceback nor the text of the error, which could hold anything."""

    def fail(*_: object) -> None:
        raise RuntimeError(PASSPHRASE)

    monkeypatch.setattr(Session, "open", fail)
    ran = jackfield("connection", "list")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.splitlines() == [
        "jackfield: Jackfield met an error of its own (RuntimeError).",
        "If it stays so, please report it.",
    ]


def test_a_broken_provider_file_hurts_nothing_else(jackfield: Jackfield) -> None:
    own = jackfield.home / "providers"
    own.mkdir(mode=0o700)
    own.joinpath("own.yaml").write_text("slug: own\nname: [\n")
    ran = jackfield("provider", "list", "--json")
    assert (ran.code, "netlify" in {one["slug"] for one in ran.json}) == (0, True)
    assert "own.yaml:" in ran.err


def test_a_home_without_a_vault_is_not_found(empty: Jackfield) -> None:
    ran = empty("connection", "list")
    assert (ran.code, "jackfield init" in ran.err) == (4, True)
    assert empty("status").code == 0
    assert not empty.home.exists()


def test_a_wrong_passphrase_is_named_and_not_repeated(jackfield: Jackfield) -> None:
    jackfield.passphrase_file.write_text("a wholly different garden\n")
    ran = jackfield("connection", "list")
    assert (ran.code, ran.out) == (3, "")
    assert "The passphrase is wrong." in ran.err
    assert "garden" not in ran.err


def test_without_a_terminal_nobody_is_asked(jackfield: Jackfield) -> None:
    ran = jackfield.process("connection", "list", keys=False)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        "jackfield: The vault is locked, and there is no terminal to ask at.\nGive --passphrase-file FILE.\n"
    )


def test_at_a_terminal_the_passphrase_is_asked_for_and_not_shown(jackfield: Jackfield) -> None:
    with Terminal(jackfield.words("organization", "list", keys=False)) as terminal:
        terminal.wait_for("Passphrase:")
        terminal.send(f"{PASSPHRASE}\r")
        terminal.wait_for("acme")
        assert terminal.wait() == 0
        assert PASSPHRASE.encode() not in terminal.raw


def test_a_new_passphrase_is_asked_for_twice(empty: Jackfield) -> None:
    with Terminal(empty.words("init", keys=False)) as terminal:
        terminal.wait_for("New passphrase:")
        terminal.send("a garden of one gate\r")
        terminal.wait_for("again:")
        terminal.send("a garden of two gates\r")
        terminal.wait_for("The two were not the same.")
        assert terminal.wait() == 2
    assert not Home(empty.home).has_vault()


@pytest.mark.parametrize("how", ["-", "fd"])
def test_a_passphrase_comes_from_standard_input_or_a_descriptor(jackfield: Jackfield, how: str) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"{PASSPHRASE}\n".encode())
    os.close(writing)
    place = "-" if how == "-" else f"fd:{reading}"
    more = {"stdin": reading} if how == "-" else {"pass_fds": (reading,)}
    ran = jackfield.process("--passphrase-file", place, "organization", "list", keys=False, **more)
    os.close(reading)
    assert (ran.code, "acme" in ran.out) == (0, True), ran.err


def test_a_passphrase_file_open_to_others_is_pointed_out(jackfield: Jackfield) -> None:
    jackfield.passphrase_file.chmod(0o644)
    ran = jackfield("organization", "list")
    assert (ran.code, "chmod 600" in ran.err) == (0, True)


def test_a_store_of_a_newer_program_is_left_alone(jackfield: Jackfield) -> None:
    session = Session.unlock(Home(jackfield.home), Secret(PASSPHRASE))
    with session.store.write() as tx:
        tx.run(update(tables.alembic_version).values(version_num="9999"))
    session.lock()
    before = (jackfield.home / "store.db").read_bytes()
    ran = jackfield("connection", "list")
    assert (ran.code, "newer Jackfield" in ran.err) == (5, True)
    assert (jackfield.home / "store.db").read_bytes() == before


@pytest.mark.parametrize("name", ["vault.jackfield", "store.db"])
def test_damage_is_named_by_what_it_hit(jackfield: Jackfield, name: str) -> None:
    file = jackfield.home / name
    (jackfield.home / "vault.jackfield.copy").unlink()
    raw = bytearray(file.read_bytes())
    raw[100] ^= 1
    file.write_bytes(raw)
    ran = jackfield("connection", "list")
    assert ran.code == 5
    assert ("header" if name == "vault.jackfield" else "database") in ran.err
    assert "Restore" in ran.err or "restore" in ran.err


def test_a_home_that_cannot_be_written_is_told(jackfield: Jackfield) -> None:
    """As another user where the tests run as root, whom no mode keeps out."""
    program = jackfield.words("connection", "list", keys=False)
    outside = Path(tempfile.mkdtemp(prefix="jackfield-"))
    try:
        outside.chmod(0o711)
        home = Path(shutil.copytree(jackfield.home, outside / "home"))
        (home / "presence").unlink(missing_ok=True)
        for file in home.iterdir():
            file.chmod(0o400)
        home.chmod(0o500)
        become: list[str] = []
        if os.getuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("setpriv is not installed (package util-linux)")
            for file in (home, *home.iterdir()):
                os.chown(file, 65534, 65534)
            become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        program[program.index("--home") + 1] = str(home)
        program[program.index("connection") :] = ["--passphrase-file", "-", "connection", "list"]
        ran = subprocess.run(
            [*become, *program], input=f"{PASSPHRASE}\n", capture_output=True, text=True, cwd="/", timeout=60
        )
        assert (ran.returncode, ran.stdout) == (5, "")
        assert "cannot be" in ran.stderr
        assert "Traceback" not in ran.stderr
    finally:
        outside.joinpath("home").chmod(0o700)
        shutil.rmtree(outside)


@pytest.mark.parametrize("locale", ["C", "POSIX", "none_NONE.ISO-8859-1", ""])
def test_no_locale_is_no_error(jackfield: Jackfield, locale: str) -> None:
    jackfield.done("organization", "create", "other", "--description", "caf\u00e9 \u2713")
    ran = jackfield.process("organization", "list", env={**os.environ, "LC_ALL": locale, "LANG": locale})
    assert (ran.code, "caf" in ran.out, ran.err) == (0, True, "")


def test_a_letter_that_the_encoding_lacks_is_written_as_its_number(jackfield: Jackfield) -> None:
    jackfield.done("organization", "create", "other", "--description", "a \u2713")
    ran = jackfield.process("organization", "list", env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert (ran.code, r"a \u2713" in ran.out) == (0, True), ran.err


def test_a_reader_that_leaves_early_is_no_error(jackfield: Jackfield) -> None:
    words = jackfield.words("provider", "list", "--json")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 141


def test_an_empty_folder_of_the_user_becomes_the_home(empty: Jackfield) -> None:
    empty.home.mkdir()
    empty.home.chmod(0o755)
    ran = empty("init", "--no-recovery-key", "--json")
    assert (ran.code, ran.json["recovery_key"]) == (0, None)
    assert empty.home.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o077 == 0 for file in empty.home.iterdir())


def test_completion_is_a_script_for_the_shell(empty: Jackfield) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_JACKFIELD_COMPLETE" in empty.done("completion", shell)


def test_verification_is_switched_off_only_in_so_many_words(
    jackfield: Jackfield, secret_file: Callable[[str], str]
) -> None:
    """Refused without the consent, then kept with its mark; an edit to another host asks again."""
    words = (
        *("connection", "create", "postgres", "-o", "acme", "--name", "db", "--untested"),
        *("--set", "host=10.0.0.7", "--set", "database=app", "--set", "username=bob"),
        *("--set", f"password={secret_file('canary-7d1e')}", "--set", "sslRejectUnauthorized=false"),
    )
    refused = jackfield(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "Nobody would verify that it is 10.0.0.7" in refused.err
    assert "--accept-unverified" in refused.err

    made = json.loads(jackfield.done(*words, "--accept-unverified", "--json"))
    assert made["tls_unverified"] is True
    assert "untested, TLS not verified" in jackfield.done("connection", "list")
    moved = ("connection", "edit", "db", "--set", "host=10.0.0.8", "--set", f"password={secret_file('canary-7d1e')}")
    assert jackfield(*moved).code == 2
    assert jackfield(*moved, "--accept-unverified").code == 0


def test_a_choice_that_cannot_be_kept_says_how_to_say_it_for_once(tmp_path: Path) -> None:
    """There is no home yet: what the next step names is there without one."""
    command = [sys.executable, "-m", "jackfield", "--home", str(tmp_path / "none"), "settings", "link", "slow"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "not kept: No such file or directory" in ran.stderr
    assert "--slow-link and --no-slow-link" in ran.stderr
