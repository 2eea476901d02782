"""What the command line does with several connections, and with filters."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli.conftest import Jackfield
from providers.netlify.vendor import GOOD


@pytest.fixture
def three(jackfield: Jackfield, secret_file: Callable[[str], str]) -> Jackfield:
    """With api and cdn of acme, and another api of its project web."""
    token = secret_file(GOOD)
    for name, where in (("api", ()), ("cdn", ()), ("api", ("-p", "web"))):
        words = ("connection", "create", "netlify", "-o", "acme", *where, "--name", name, "--untested")
        jackfield.done(*words, "--set", f"accessToken={token}")
    return jackfield


def _list(program: Jackfield, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(program.done("connection", "list", *words, "--json"))
    return found


def test_several_are_changed_and_refusals_give_five(three: Jackfield) -> None:
    """Both are tagged; the name that is taken stays behind, and is told with the reason."""
    words = ("--tag", "nightly", "--every", "15", "--to-organization", "acme", "--to-project", "web")
    ran = three("connection", "change", "acme/cdn", next(x["id"] for x in _list(three) if x["project"] is None), *words)
    assert ran.code == 5
    assert "Not moved: api: A connection api exists already here." in ran.out
    assert "Moved cdn." in ran.out
    assert [one["name"] for one in _list(three, "tag:nightly")] == ["api", "cdn"]
    shown = json.loads(three.done("connection", "show", "cdn", "--json"))
    assert (shown["project"], shown["test_every_minutes"]) == ("web", 15)


def test_a_change_of_nothing_is_a_mistake(three: Jackfield) -> None:
    assert three("connection", "change", "cdn").code == 2
    assert three("connection", "change", "cdn", "--to-project", "web").code == 2
    assert three("connection", "change", "cdn", "--every", "1").code == 2


def test_a_clone_stands_where_the_other_does_and_needs_its_secret(
    three: Jackfield, secret_file: Callable[[str], str]
) -> None:
    """Without a secret it is refused; what is said replaces what is taken over."""
    ran = three("connection", "clone", "acme/web/api", "--name", "copy", "--untested")
    assert (ran.code, "Access token is needed" in ran.err) == (2, True)
    words = ("--name", "copy", "--untested", "--tag", "new", "--set", f"accessToken={secret_file(GOOD)}")
    three.done("connection", "clone", "acme/web/api", *words)
    shown = json.loads(three.done("connection", "show", "copy", "--json"))
    assert (shown["project"], shown["tags"], shown["state"]) == ("web", ["new"], "untested")


def test_a_filter_is_saved_used_and_dropped(three: Jackfield) -> None:
    """`--saved` narrows with the words that are said; a name that is none gives four, a bad filter two."""
    three.done("connection", "filters", "--save", "web-only", "project:web")
    assert [one["project"] for one in _list(three, "--saved", "web-only")] == ["web"]
    assert _list(three, "--saved", "web-only", "cdn") == []
    assert three("connection", "list", "--saved", "none-such").code == 4
    assert three("connection", "filters", "--save", "bad", "state:green").code == 2
    assert json.loads(three.done("connection", "filters", "--drop", "web-only", "--json")) == []
