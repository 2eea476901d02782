"""Providers of installed packages, from the command line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from providers.netlify.vendor import GOOD
from support.package import Installed, installed
from support.terminal import Terminal

from .conftest import Jackfield

CREATE = ("connection", "create", "acme", "-o", "acme", "--use", "secret-sync/env", "--target", "team=acme")


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    with installed(tmp_path / "site", monkeypatch) as made:
        yield made


def digest(jackfield: Jackfield) -> str:
    return str(jackfield("provider", "packages", "--json").json[0]["digest"])


def test_what_is_offered_is_listed_and_not_used(jackfield: Jackfield, acme: Installed) -> None:
    (row,) = jackfield("provider", "packages", "--json").json
    assert (row["name"], row["standing"], row["offered_by"]) == ("acme", "not trusted", "acme-jackfield 1.2")
    ran = jackfield("provider", "show", "acme")
    assert (ran.code, ran.err.splitlines()) == (
        4,
        [
            "jackfield: The provider acme of acme-jackfield 1.2 is not used: not trusted.",
            "See: jackfield provider packages, and then: jackfield provider trust acme",
        ],
    )
    assert jackfield(*CREATE, "--name", "sites").code == 4
    assert acme.imported == []


def test_nobody_is_asked_without_a_terminal_and_a_digest_is_an_answer(
    jackfield: Jackfield, acme: Installed, secret_file: Callable[[str], str]
) -> None:
    ran = jackfield("provider", "trust", "acme")
    assert (ran.code, "--digest DIGEST" in ran.err, digest(jackfield) in ran.err) == (2, True, True)
    assert jackfield("provider", "trust", "acme", "--digest", "0" * 64).code == 5
    assert "acme" in jackfield.done("provider", "trust", "acme", "--digest", digest(jackfield))
    jackfield.done(*CREATE, "--name", "sites", "--set", f"accessToken={secret_file(GOOD)}")
    assert jackfield("connection", "test", "sites", "--json").json["identity"]["id"] == "seven"
    assert "Acme Hosting" in jackfield.done("provider", "show", "acme")
    assert f"acme {digest(jackfield)[:16]}" in jackfield.done("settings", "show")


def test_after_a_change_it_is_not_used_and_says_what_to_do(
    jackfield: Jackfield, acme: Installed, secret_file: Callable[[str], str]
) -> None:
    jackfield.done("provider", "trust", "acme", "--digest", digest(jackfield))
    jackfield.done(*CREATE, "--name", "sites", "--set", f"accessToken={secret_file(GOOD)}")
    acme.write("provider.py", "raise SystemExit('this must not run')\n")
    ran = jackfield("connection", "test", "sites")
    assert (ran.code, "changed since it was trusted" in ran.err, "provider trust acme" in ran.err) == (4, True, True)
    assert "sites" in jackfield.done("connection", "list")
    assert "sites" in jackfield.done("connection", "show", "sites")
    assert "its files changed" in jackfield("doctor").out


def test_it_is_trusted_no_more(jackfield: Jackfield, acme: Installed) -> None:
    jackfield.done("provider", "trust", "acme", "--digest", digest(jackfield))
    jackfield.done("provider", "distrust", "acme")
    assert jackfield("provider", "show", "acme").code == 4
    assert jackfield("provider", "distrust", "acme").code == 4
    assert "provider.distrust" in jackfield.done("audit", "list")


@pytest.mark.parametrize(("answer", "code"), [("n\n", 5), ("y\n", 0)])
def test_at_a_terminal_it_is_shown_and_asked(jackfield: Jackfield, acme: Installed, answer: str, code: int) -> None:
    words = jackfield.words("provider", "trust", "acme")
    with Terminal(words, environ={"PYTHONPATH": str(acme.site)}, columns=120) as terminal:
        terminal.wait_for(digest(jackfield), "Trust it?")
        terminal.send(answer)
        assert terminal.wait() == code
    assert (jackfield("provider", "packages", "--json").json[0]["standing"] == "trusted") is (code == 0)
