"""Overviews on the command line: the map with what would break, and what ends when."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.netlify.vendor import GOOD

from .conftest import Jackfield

CREATE = (
    "connection",
    "create",
    "netlify",
    "-o",
    "acme",
    "--use",
    "secret-sync/env",
    "--target",
    "team=acme",
    "--untested",
)


@pytest.fixture
def add(jackfield: Jackfield, secret_file: Callable[[str], str]) -> Callable[..., str]:
    """Makes a connection of that name."""

    def make(name: str, *more: str) -> str:
        return jackfield.done(*CREATE, "--name", name, "--set", f"accessToken={secret_file(GOOD)}", *more)

    return make


def shown(jackfield: Jackfield, *words: str) -> Any:
    return json.loads(jackfield.done(*words, "--json"))


def test_a_use_is_noted_drawn_and_forgotten(jackfield: Jackfield, add: Callable[..., str]) -> None:
    """It stands on the map in its project, stops with its connection, and is gone when it is forgotten."""
    add("sites")
    add("idle")
    jackfield.done("connection", "uses", "sites", "--note", "sync:nightly", "--in", "web")
    drawn = shown(jackfield, "map")
    assert [(one["project"], one["use"], one["connection"]) for one in drawn["links"]] == [
        ("web", "sync nightly", "sites"),
        ("org", None, "idle"),
    ]
    assert shown(jackfield, "map", "--without", "sites")["losses"] == ["web loses sync nightly"]
    assert "Nothing would stop" in jackfield.done("map", "--without", "idle")
    jackfield.done("connection", "uses", "sites", "--forget", "sync:nightly", "--in", "web")
    assert [one["use"] for one in shown(jackfield, "map")["links"]] == [None, None]


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--note", "nightly"), 2), (("--forget", "sync:never"), 4), (("--note", "sync:nightly", "--in", "nowhere"), 4)],
)
def test_a_use_that_cannot_be_noted(
    jackfield: Jackfield, add: Callable[..., str], words: tuple[str, ...], code: int
) -> None:
    """Each with its reason and exit code; nothing is noted."""
    add("sites")
    ran = jackfield("connection", "uses", "sites", *words)
    assert (ran.code, ran.err != "") == (code, True)
    assert shown(jackfield, "connection", "uses", "sites") == []


def test_what_ends_is_listed_by_date(jackfield: Jackfield, add: Callable[..., str]) -> None:
    """The first to end first, how that is known, and only what ends in time when asked so."""
    today = datetime.now(UTC).date()
    for name, days in (("far", 90), ("near", 3)):
        add(name, "--expires", str(today + timedelta(days=days)))
    add("unknown")
    rows = shown(jackfield, "expiry")
    assert [(row["connection"], row["known"]) for row in rows] == [("near", "typed"), ("far", "typed")]
    assert [row["connection"] for row in shown(jackfield, "expiry", "--within", "14")] == ["near"]
    assert shown(jackfield, "expiry", "-o", "acme", "-p", "web") == []
