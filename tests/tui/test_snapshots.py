"""How every widget looks at 80×24: dark, light, sixteen colours, and without colour."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from jackfield.model.secret import Secret
from jackfield.tui.themes import PLAIN, find_theme
from jackfield.tui.widgets.checklist import Checklist
from jackfield.tui.widgets.choice import ChoiceList, Option, Toggle
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.picker import Item, Picker
from jackfield.tui.widgets.secret_input import SecretInput
from jackfield.tui.widgets.step_list import StepList
from jackfield.tui.widgets.text_input import TextInput
from jackfield.tui.widgets.title_bar import TitleBar
from support.face import GRANTS, STEPS, USES, Face, Rows, example_list, until

Compare = Callable[..., bool]
Show = Callable[[Path], tuple[Face, Callable[[Pilot[Any]], Any]]]


def _listing(home: Path) -> tuple[Face, Callable[[Pilot[Any]], Any]]:
    listing = example_list()
    face = Face(
        home,
        TitleBar("Jackfield", "acme", "all projects", facts=("42 connections", "3 need you")),
        listing,
        KeyBar("connection.new", "connection.test", "list.open", "list.mark", "connection.filter"),
        ready=lambda _: listing.load(Rows(500)),
    )

    async def ready(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: listing.count)
        await pilot.press("j", "j", "space", "j")

    return face, ready


def _form(home: Path) -> tuple[Face, Callable[[Pilot[Any]], Any]]:
    face = Face(
        home,
        TitleBar("New connection", "AWS"),
        ChoiceList((Option("a", "Assume role", "recommended"), Option("b", "Access key", "", "lasts")), chosen="b"),
        lambda: TextInput("AKIAEXAMPLE"),
        SecretInput(id="typed"),
        SecretInput(stored=True),
        Toggle("Only for this project", note="web"),
        KeyBar("form.next", "form.test"),
    )

    async def ready(pilot: Pilot[Any]) -> None:
        face.screen.query_one("#typed", SecretInput).replace(Secret("x" * 40))
        await pilot.pause()

    return face, ready


def _check(home: Path) -> tuple[Face, Callable[[Pilot[Any]], Any]]:
    steps, grants = StepList(), Checklist()
    face = Face(home, TitleBar("acme", "prod-secrets"), steps, grants, KeyBar("detail.test", "detail.policy"))

    async def ready(pilot: Pilot[Any]) -> None:
        steps.show_steps(STEPS)
        grants.show_grants(GRANTS, USES)
        await pilot.pause()

    return face, ready


def _question(home: Path) -> tuple[Face, Callable[[Pilot[Any]], Any]]:
    face, ready = _listing(home)

    async def asked(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await face.push_screen(Confirm("Delete ci-deploys?", ('web: secret sync "ci" stops',), yes="Delete"))
        await pilot.pause()

    return face, asked


def _notice(home: Path) -> tuple[Face, Callable[[Pilot[Any]], Any]]:
    face, ready = _listing(home)

    async def told(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        tell(face, "The token was revoked.", next_step="Make a new one (step 1).", severity="error")
        await until(pilot, lambda: face.screen.query("Toast"))
        await pilot.pause()

    return face, told


def _picker(home: Path) -> tuple[Face, Callable[[Pilot[Any]], Any]]:
    face, ready = _listing(home)
    items = [Item(f"theme-{number}", f"Theme {number}", "what it is like", "f9") for number in range(30)]

    async def picking(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await face.push_screen(Picker("Choose a theme", items))
        await pilot.press(*"theme 1", "down", "down")
        await face.workers.wait_for_complete()
        await pilot.pause()

    return face, picking


SHOWN: Final[Mapping[str, Show]] = {
    "list": _listing,
    "form": _form,
    "check": _check,
    "question": _question,
    "notice": _notice,
    "picker": _picker,
}


@pytest.mark.parametrize("theme", ["night", "day", PLAIN, "no-color"])
@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_it_did(
    name: str, theme: str, tmp_path: Path, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture is the one that was looked at."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if theme == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    face, ready = SHOWN[name](tmp_path)
    if theme != "no-color":
        face.show_theme(find_theme(theme, None))
    assert snap_compare(face, terminal_size=(80, 24), run_before=ready)
