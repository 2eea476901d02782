"""Choosing a provider: by category, by a few letters, one's own, what was begun, and what is missing."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from jackfield.services.form import Form
from jackfield.tui.fuzzy import best_matches
from jackfield.tui.screens import gallery as gallery_screen
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.screens.gallery import GalleryScreen
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.paged_list import PagedList
from jackfield.tui.widgets.text_input import TextInput
from providers.netlify.vendor import Netlify
from support.face import until
from support.stage import Inside, Stage, opened, said, shows

SIZE = (80, 24)
OWN = (Path(__file__).parents[2] / "src/jackfield/providers/netlify/provider.yaml").read_text()


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    """A home with two provider files of the user's own, one of them broken."""
    folder = tmp_path / "home" / "providers"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    own = OWN.replace("slug: netlify", "slug: inhouse").replace("name: Netlify\n", "name: Inhouse [b]deploys[/]\n", 1)
    (folder / "inhouse.yaml").write_text(own)
    (folder / "broken.yaml").write_text("slug: broken\nname: Broken\nnonsense: 1\n")
    with Netlify() as world, opened(tmp_path, world.network) as vault:
        yield vault


def gallery(inside: Inside) -> Stage:
    return Stage(inside, lambda vault: GalleryScreen(vault.session, vault.engine, vault.scope))


async def filtered(pilot: Pilot[Any], typed: str) -> None:
    """Type into the filter and wait for the list."""
    await pilot.press(*typed)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def titles(stage: Stage) -> list[str]:
    """What the list shows, top to bottom."""
    listing = stage.screen.query_one(PagedList)
    return [listing._row(number).title for number in range(listing.count)]  # type: ignore[union-attr]


async def test_providers_stand_by_category_and_own_ones_are_marked(inside: Inside) -> None:
    """Every category is said once; a user's file is one of the providers, its markup shown as it is."""
    stage = gallery(inside)
    async with stage.run_test(size=(120, 70)) as pilot:
        await shows(pilot, "PostgreSQL", "Netlify")
        lines = said(stage).splitlines()
        assert sum(line.strip().startswith("Databases") for line in lines) == 1
        (own,) = [line for line in lines if "Inhouse [b]deploys[/]" in line and "your own" in line]
        assert own
        assert "1 of your own" in lines[0]


async def test_a_broken_file_of_the_user_is_named_with_its_line_and_hurts_nothing(inside: Inside) -> None:
    """File, line and reason under the list; all others are there."""
    stage = gallery(inside)
    async with stage.run_test(size=(160, 40)) as pilot:
        await shows(pilot, "broken.yaml:1: category", "OpenRouter")


async def test_a_few_letters_find_a_provider_and_enter_opens_its_form(inside: Inside) -> None:
    """Letters, enter: the form of the likeliest one. The key of filters may be pressed first, out of habit."""
    stage = gallery(inside)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "providers")
        await filtered(pilot, "/pgsql")
        assert titles(stage)[0] == "PostgreSQL"
        await pilot.press("enter")
        await shows(pilot, "New connection › PostgreSQL", "What is it for?")


async def test_the_key_of_filters_is_a_character_in_the_middle_of_a_filter(inside: Inside) -> None:
    """As in the name of a category."""
    stage = gallery(inside)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "providers")
        await filtered(pilot, "ci/cd")
        assert titles(stage) == ["CircleCI", "Octopus Deploy", "TeamCity"]


async def test_keys_that_move_go_to_the_list_while_the_field_has_the_focus(inside: Inside) -> None:
    """Nothing has to be left first."""
    stage = gallery(inside)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "providers")
        assert isinstance(stage.focused, TextInput)
        await pilot.press("down", "down", "up", "enter")
        await shows(pilot, "New connection › CircleCI")


async def test_what_matches_nothing_says_what_could_be_done(inside: Inside) -> None:
    """An empty list is no dead end; escape shows all again."""
    stage = gallery(inside)
    async with stage.run_test(size=(160, 40)) as pilot:
        await shows(pilot, "providers")
        await filtered(pilot, "zzzzqq")
        await shows(pilot, "No provider matches.", "providers/ of your home")
        await pilot.press("escape")
        await shows(pilot, "PostgreSQL")
        assert isinstance(stage.screen, GalleryScreen)


async def test_a_missing_library_is_told_with_the_command_that_adds_it(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the form is opened."""
    monkeypatch.setattr(gallery_screen, "missing_driver", lambda _: "pip install 'jackfield[databases]'")
    stage = gallery(inside)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "Its library is not installed here: pip install 'jackfield[databases]'")


def begin(inside: Inside, draft_id: str = "draft-1") -> None:
    """Leave a Netlify form with a token typed."""
    form = Form.new(inside.session.registry.get("netlify"), inside.scope)
    form.type("accessToken", "nfp_half")
    form.name = "half"
    inside.session.drafts.save(draft_id, form.content(), version=1)


async def test_what_was_begun_stands_first_and_goes_on_where_it_was_left(inside: Inside) -> None:
    """The draft's row opens the form with everything in it."""
    begin(inside)
    stage = gallery(inside)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "Begun", "Netlify · half", "new, left")
        await pilot.press("enter")
        await shows(pilot, "What is it for?")
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "8 characters")


@pytest.mark.parametrize(("answer", "typed"), [("y", "8 characters"), ("n", "nfp_…")])
async def test_opening_the_same_provider_offers_the_draft(inside: Inside, answer: str, typed: str) -> None:
    """Yes goes on; no begins anew and keeps the draft."""
    begin(inside)
    stage = gallery(inside)
    async with stage.run_test(size=SIZE) as pilot:
        await shows(pilot, "Begun")
        await filtered(pilot, "hosting netlify")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(stage.screen, Confirm))
        await pilot.press(answer)
        await until(pilot, lambda: isinstance(stage.screen, FormScreen))
        await shows(pilot, "What is it for?")
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, typed)
    assert inside.session.drafts.all()


async def test_a_draft_is_forgotten_only_after_a_yes(inside: Inside) -> None:
    """No has the focus; yes takes it out of the store."""
    begin(inside)
    stage = gallery(inside)
    async with stage.run_test(size=SIZE) as pilot:
        for answer, left in (("n", 1), ("y", 0)):
            await shows(pilot, "Begun")
            await pilot.press("f7")
            await until(pilot, lambda: isinstance(stage.screen, Confirm))
            await pilot.press(answer)
            await until(pilot, partial(_has_drafts, inside, left))
            await until(pilot, lambda: isinstance(stage.screen, GalleryScreen))


def _has_drafts(inside: Inside, number: int) -> bool:
    return len(inside.session.drafts.all()) == number


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("git", ["GitHub", "GitLab", "Digital"]),
        ("hub", ["GitHub"]),
        ("ghb", ["GitHub"]),
        ("", ["GitLab", "Digital", "GitHub"]),
        ("git lab", ["GitLab"]),
        ("nothing", []),
    ],
)
def test_the_likeliest_comes_first(typed: str, found: list[str]) -> None:
    """The begin of a name before its middle, whole letters before letters with gaps."""
    names = ["GitLab", "Digital", "GitHub"]
    assert sorted(best_matches(names, typed, lambda name: (name,)), key=found.index) == found
    assert list(best_matches(names, typed, lambda name: (name,)))[:1] in (found[:1], ["GitLab"] if found else [])
