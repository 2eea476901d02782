"""A planted canary is found nowhere: not in the home, not in what is printed, not in any process's words."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.netlify.vendor import Netlify

from .conftest import PASSPHRASE, Jackfield

CANARY = "canary-8f3c1e7a"
SECRET = f"nfp_{CANARY}-secret"


def holders(home: Path, *needles: str) -> set[str]:
    """Files of the home that hold one of the needles, plain or in base64."""
    import base64

    forms = {form for needle in needles for form in (needle.encode(), base64.b64encode(needle.encode()).rstrip(b"="))}
    files = [file for file in home.rglob("*") if file.is_file()]
    return {str(file.relative_to(home)) for file in files if any(form in file.read_bytes() for form in forms)}


def plant(jackfield: Jackfield, secret_file: Callable[[str], str]) -> list[str]:
    """Canaries in every place a user can type into; gives everything that was printed meanwhile."""
    said: list[str] = []

    def run(*words: str) -> None:
        ran = jackfield(*words)
        assert ran.code in (0, 1), ran.err
        said.extend((ran.out, ran.err))

    run("organization", "create", f"org-{CANARY}", "--description", CANARY)
    run("project", "create", f"project-{CANARY}", "-o", f"org-{CANARY}", "--description", CANARY)
    place = ("-o", f"org-{CANARY}", "-p", f"project-{CANARY}")
    run(
        *("connection", "create", "netlify", *place, "--name", f"sites-{CANARY}", "--untested", "--tag", CANARY),
        *("--use", "secret-sync/env", "--target", f"team={CANARY}", "--description", CANARY),
        *("--set", f"accessToken={secret_file(SECRET)}"),
    )
    database = {
        "host": f"{CANARY}.example.com",
        "database": CANARY,
        "username": CANARY,
        "password": secret_file(SECRET),
    }
    sets = [word for name, value in database.items() for word in ("--set", f"{name}={value}")]
    run("connection", "create", "postgres", *place, "--name", f"db-{CANARY}", "--untested", *sets)
    run("connection", "test", f"sites-{CANARY}")
    run("connection", "test", f"sites-{CANARY}", "--json")
    run("connection", "list", "--json")
    for name in (f"sites-{CANARY}", f"db-{CANARY}"):
        run("connection", "show", name, "--fields", "--json")
        run("connection", "show", name, "--fields")
        run("connection", "history", name)
    run("audit", "list", "--json")
    run("doctor")
    return said


def test_no_secret_is_printed_and_nothing_typed_lies_in_the_home(
    jackfield: Jackfield, secret_file: Callable[[str], str]
) -> None:
    said = "\n".join(plant(jackfield, secret_file))
    assert CANARY in said
    assert SECRET not in said
    assert PASSPHRASE not in said
    assert holders(jackfield.home, CANARY, SECRET, PASSPHRASE) == set()


def test_while_it_is_open_the_home_tells_no_more(
    jackfield: Jackfield, secret_file: Callable[[str], str], netlify: Netlify
) -> None:
    """The write-ahead log of a running worker holds no name either, and its process no secret in words or variables."""
    plant(jackfield, secret_file)
    words = jackfield.words("worker")
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        assert "testing what is due" in worker.stderr.readline()
        assert (jackfield.home / "store.db-wal").exists()
        assert holders(jackfield.home, CANARY, SECRET, PASSPHRASE) == set()
        process = Path(f"/proc/{worker.pid}")
        shown = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
        assert not any(word.encode() in shown for word in (CANARY, SECRET, PASSPHRASE))
        worker.terminate()
        assert worker.wait(30) == 0


@pytest.mark.parametrize(
    "words",
    [
        ("connection", "create", "netlify", "-o", "acme", "--name", "x", "--set", f"accessToken={SECRET}"),
        ("provider", "snippet", "postgres", "--use", "dynamic-secret/group-role", "--set", f"password={SECRET}"),
    ],
)
def test_a_secret_among_the_words_is_refused_and_not_repeated(jackfield: Jackfield, words: tuple[str, ...]) -> None:
    """Other programs of the machine can read the words of a command."""
    ran = jackfield(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "=@FILE" in ran.err
    assert SECRET not in ran.err


@pytest.mark.parametrize("how", ["stdin", "environment", "file"])
def test_a_secret_comes_by_other_ways(
    jackfield: Jackfield, how: str, secret_file: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from providers.netlify.vendor import GOOD

    monkeypatch.setenv("TOKEN_OF_THE_TEST", GOOD)
    given = {"stdin": "-", "environment": "env:TOKEN_OF_THE_TEST", "file": secret_file(f"{GOOD}\n")}[how]
    jackfield.done(
        *("connection", "create", "netlify", "-o", "acme", "--name", "sites", "--set", f"accessToken={given}"),
        stdin=f"{GOOD}\n",
    )
    assert json.loads(jackfield.done("connection", "list", "--json"))[0]["state"] == "passed"


def test_a_command_has_the_secret_in_its_environment_alone(
    jackfield: Jackfield, secret_file: Callable[[str], str]
) -> None:
    """Its words hold none, and neither file nor descriptor of the passphrase is open in it."""
    name = f"sites-{CANARY}"
    jackfield.done(
        *("connection", "create", "netlify", "-o", "acme", "--name", name, "--untested"),
        *("--set", f"accessToken={secret_file(SECRET)}"),
    )
    code = (
        "import json, os, pathlib; own = pathlib.Path('/proc/self');"
        "links = [os.readlink(f) for f in own.joinpath('fd').iterdir() if f.is_symlink() and os.path.exists(f)];"
        "words = own.joinpath('cmdline').read_text();"
        "print(json.dumps([os.environ['NETLIFY_AUTH_TOKEN'], links, words, os.umask(0), dict(os.environ)]))"
    )
    ran = jackfield.process("exec", name, "--", sys.executable, "-c", code, umask=0o027)
    assert ran.code == 0, ran.err
    token, links, words, umask, environment = ran.json
    assert (token, umask) == (SECRET, 0o027)
    assert not [link for link in links if str(jackfield.home) in link or "passphrase" in link]
    assert SECRET not in words
    assert PASSPHRASE not in json.dumps(environment)


def test_exit_codes_and_signals_are_the_commands_own(jackfield: Jackfield, secret_file: Callable[[str], str]) -> None:
    jackfield.done(
        *("connection", "create", "netlify", "-o", "acme", "--name", "sites", "--untested"),
        *("--set", f"accessToken={secret_file(SECRET)}"),
    )
    assert jackfield.process("exec", "sites", "--", "sh", "-c", "exit 7").code == 7
    assert jackfield.process("exec", "sites", "--", "sh", "-c", "kill -PIPE $$; exit 1").code == -13
