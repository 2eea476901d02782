"""Importing and exporting by command: the preview, the consent, what is told, and the exit codes."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import FLOOR
from support.terminal import Terminal

from .conftest import Jackfield

SOURCES = ["env", "aws", "pg-service", "pgpass", "gh", "glab", "netrc"]


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with three files, and one token in the environment."""
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "PGPASSFILE", "NETRC", "GH_CONFIG_DIR", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GH_TOKEN", "ghp_canary")
    for name, text in (
        (".pgpass", "db.example.com:5432:app:bob:canary\n*:*:*:*:x\n"),
        (".netrc", "machine api.heroku.com login a password HRKU-canary\n"),
    ):
        home.joinpath(name).write_text(text)
        home.joinpath(name).chmod(0o600)
    return home


def names(jackfield: Jackfield) -> list[str]:
    return [one["name"] for one in json.loads(jackfield.done("connection", "list", "--json"))]


def test_the_sources_are_listed_without_a_vault(empty: Jackfield) -> None:
    ran = empty("import", "--list", "--json", keys=False)
    assert ran.code == 0
    assert [one["source"] for one in ran.json] == SOURCES
    assert {one["source"]: one["found"] for one in ran.json if one["here"]} == {"env": 1, "pgpass": 2, "netrc": 1}
    lines = empty("import", "pgpass", "--list", keys=False)
    assert "pgpass  PostgreSQL passwords  2" in lines.out


def test_a_dry_run_shows_everything_and_writes_nothing(jackfield: Jackfield) -> None:
    ran = jackfield("import", "-o", "acme", "--dry-run", "--json")
    assert ran.code == 0
    rows = {one["name"]: one for one in ran.json["candidates"]}
    assert set(rows) == {"github-env", "db-example-com-app-bob", "api-heroku-com-a", "postgres"}
    assert rows["github-env"] == {
        "name": "github-env",
        "source": "env",
        "from": "the environment: GH_TOKEN",
        "provider": "github",
        "method": "pat",
        "fields": ["instanceType", "personalAccessToken"],
        "standing": "new",
        "why": None,
        "notes": [],
        "chosen": True,
    }
    assert (rows["postgres"]["standing"], rows["postgres"]["chosen"]) == ("not usable", False)
    assert ran.json["imported"] == ran.json["failed"] == []
    assert names(jackfield) == []


def test_yes_imports_what_is_new_and_again_nothing(jackfield: Jackfield) -> None:
    first = jackfield("import", "-o", "acme", "-p", "web", "--yes")
    assert first.code == 0
    assert "Found 3 new, 1 not usable. 3 to import, 1 to skip." in first.out
    assert "Imported github-env" in first.out
    assert "untested." in first.out
    again = jackfield("import", "-o", "acme", "-p", "web", "--yes", "--json")
    assert (again.code, again.json["imported"]) == (0, [])
    assert {one["standing"] for one in again.json["candidates"]} == {"secret stored", "not usable"}
    shown = json.loads(jackfield.done("connection", "show", "acme/web/github-env", "--json"))
    assert (shown["state"], shown["uses"], shown["tags"], shown["test_every_minutes"]) == (
        *("untested", [], ["imported"], None),
    )


def test_one_is_imported_by_its_name(jackfield: Jackfield) -> None:
    ran = jackfield("import", "netrc", "-o", "acme", "--only", "api-heroku-com-a", "--yes", "--json")
    assert [one["name"] for one in ran.json["imported"]] == ["api-heroku-com-a"]
    assert names(jackfield) == ["api-heroku-com-a"]


def test_no_value_is_told(jackfield: Jackfield) -> None:
    told = [
        jackfield("import", "-o", "acme", "--dry-run"),
        jackfield("import", "-o", "acme", "--dry-run", "--json"),
        jackfield("import", "-o", "acme", "--yes", "--json"),
        jackfield("audit", "list"),
        jackfield("import", "--list"),
    ]
    assert all("canary" not in ran.out + ran.err for ran in told)


def test_a_file_is_read_instead_of_the_usual_one(jackfield: Jackfield, tmp_path: Path) -> None:
    file = tmp_path / "app.env"
    file.write_text("export CIRCLE_TOKEN='CCIPAT_x_1'\n")
    ran = jackfield("import", "env", "--from", str(file), "-o", "acme", "--dry-run", "--json")
    assert [one["provider"] for one in ran.json["candidates"]] == ["circleci"]


def test_what_cannot_be_read_is_told_and_the_rest_is_imported(jackfield: Jackfield, user: Path) -> None:
    user.joinpath(".pgpass").chmod(0o666)
    ran = jackfield("import", "-o", "acme", "--yes")
    assert ran.code == 0
    assert "pgpass: " in ran.err
    assert "other users can write it" in ran.err
    assert names(jackfield) == ["api-heroku-com-a", "github-env"]


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (("import",), 2, "belongs to an organization"),
        (("import", "none", "-o", "acme"), 4, "no such source"),
        (("import", "-o", "none", "--yes"), 4, "no organization none"),
        (("import", "-o", "acme"), 2, "nobody can be asked here"),
        (("import", "-o", "acme", "--json"), 2, "nobody can be asked here"),
        (("import", "--from", "x", "-o", "acme"), 2, "--from goes with one source"),
        (("import", "aws", "gh", "--from", "x", "-o", "acme"), 2, "--from goes with one source"),
        (("import", "aws", "--bundle", "x", "-o", "acme"), 2, "--from goes with one source"),
        (("import", "aws", "--from", "/nowhere/file", "-o", "acme"), 2, "There is no file"),
        (("import", "-o", "acme", "--only", "none", "--yes"), 2, "Nothing that was found is called none"),
        (("import", "-o", "acme", "--only", "postgres", "--yes"), 2, "postgres cannot be imported"),
        (("export", "/nowhere/file", "none"), 4, "no connection none"),
    ],
)
def test_what_is_wrong_is_told(words: tuple[str, ...], code: int, cause: str, jackfield: Jackfield) -> None:
    ran = jackfield(*words)
    assert ran.code == code
    assert cause in ran.err
    assert names(jackfield) == []


def test_a_named_source_that_cannot_be_read_is_an_error(jackfield: Jackfield, user: Path) -> None:
    user.joinpath(".pgpass").chmod(0o666)
    ran = jackfield("import", "pgpass", "-o", "acme", "--yes")
    assert ran.code == 2
    assert "chmod go-w" in ran.err


def test_it_asks_on_a_terminal(jackfield: Jackfield) -> None:
    """No by itself; y imports. The preview stands before the question."""
    for answer, code, found in (("n", 5, []), ("y", 0, ["api-heroku-com-a"])):
        with Terminal(jackfield.words("import", "netrc", "-o", "acme"), columns=160) as terminal:
            terminal.wait_for("api-heroku-com-a", "Import 1 of them?")
            terminal.send(f"{answer}\r")
            assert terminal.wait() == code
        assert names(jackfield) == found


# --- bundles -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bundle_passphrase(tmp_path: Path) -> str:
    file = tmp_path / "bundle-passphrase"
    file.write_text("a bundle of seven reeds\n")
    file.chmod(0o600)
    return str(file)


@pytest.fixture
def elsewhere(jackfield: Jackfield, tmp_path: Path) -> Jackfield:
    """Another Jackfield with another passphrase and the organization globex."""
    file = tmp_path / "other-passphrase"
    file.write_text("quite another passphrase\n")
    file.chmod(0o600)
    session, _ = Session.create(Home(tmp_path / "other"), Secret("quite another passphrase"), costs=FLOOR)
    session.organizations.create("globex")
    session.lock()
    return Jackfield(tmp_path / "other", file, jackfield.capture, jackfield.patch)


def test_a_bundle_goes_from_one_to_another(
    jackfield: Jackfield, elsewhere: Jackfield, bundle_passphrase: str, tmp_path: Path
) -> None:
    jackfield.done("import", "-o", "acme", "--yes")
    file, given = tmp_path / "b", ("--bundle-passphrase-file", bundle_passphrase)
    exported = jackfield("export", str(file), "-o", "acme", *given, "--json")
    assert exported.json["connections"] == ["acme/api-heroku-com-a", "acme/db-example-com-app-bob", "acme/github-env"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"canary" not in file.read_bytes()
    again = jackfield("export", str(file), *given)
    assert (again.code, "There is a file" in again.err) == (5, True)
    wrong = elsewhere(
        "import", "--bundle", str(file), "-o", "globex", *given[:1], str(jackfield.passphrase_file), "--yes"
    )
    assert (wrong.code, "not the passphrase of the bundle" in wrong.err) == (3, True)
    ran = elsewhere("import", "--bundle", str(file), "-o", "globex", *given, "--yes", "--json")
    assert ran.code == 0
    assert [one["name"] for one in ran.json["imported"]] == names(elsewhere)
    assert names(elsewhere) == names(jackfield)
    raw = file.read_bytes()
    file.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    damaged = elsewhere("import", "--bundle", str(file), "-o", "globex", *given, "--yes")
    assert (damaged.code, "The bundle cannot be used" in damaged.err) == (5, True)


def test_single_connections_are_exported_by_name(jackfield: Jackfield, bundle_passphrase: str, tmp_path: Path) -> None:
    jackfield.done("import", "-o", "acme", "--yes")
    ran = jackfield(
        "export", str(tmp_path / "b"), "github-env", "github-env", "--bundle-passphrase-file", bundle_passphrase
    )
    assert ran.out == f"Sealed 1 connection into {tmp_path / 'b'}.\n"
    opened = [line for line in jackfield.done("audit", "list").splitlines() if "credential.open" in line]
    assert len(opened) == 1
    assert "export" in opened[0]


def test_a_host_that_could_be_taken_for_another_is_told(
    jackfield: Jackfield, tmp_path: Path, secret_file: Callable[[str], str]
) -> None:
    """When it is typed, shown, and imported from a bundle; it is kept as it is looked up."""
    told = "reads gіthub.com, mixes Cyrillic and Latin letters, can be taken for github"
    ran = jackfield(
        *("connection", "create", "postgres", "-o", "acme", "--name", "db", "--untested"),
        *("--set", "host=gіthub.com", "--set", "database=app", "--set", "username=bob"),
        *("--set", f"password={secret_file('canary')}"),
    )
    assert (ran.code, f"host: xn--gthub-n2e.com, which {told}" in ran.err) == (0, True)
    assert f"host = xn--gthub-n2e.com ({told})" in jackfield.done("connection", "show", "db", "--fields")
    assert jackfield("connection", "show", "db", "--fields", "--json").json["fields"]["host"] == "xn--gthub-n2e.com"
    passphrase = ("--bundle-passphrase-file", secret_file("another long passphrase").removeprefix("@"))
    jackfield.done("export", str(tmp_path / "b"), *passphrase)
    shown = jackfield.done("import", "--bundle", str(tmp_path / "b"), *passphrase, "-o", "acme", "--dry-run")
    assert f"Host: xn--gthub-n2e.com, which {told}" in shown
