"""Jump mode: letters on all that can be gone to, drawn over the screen as it is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from jackfield.tui.app import JackfieldApp
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.tui.screens.jump import LETTERS, JumpScreen, Target, labels
from jackfield.tui.screens.too_small import TooSmall
from jackfield.tui.widgets.choice import ChoiceList
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.picker import Picker
from jackfield.tui.widgets.text_input import TextInput
from jackfield.tui.widgets.usage_map import UsageMap
from support.face import Face, Rows, example_list, until
from support.stage import said, shows
from support.whole import USE, Filling, Whole, enter

SIZE = (80, 24)


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    made.one_of_each()
    yield made
    made.session.lock()


async def _letters(pilot: Pilot[Any]) -> dict[str, Target]:
    """Enter jump mode; every label with its target, each of which is seen where it belongs."""
    app = pilot.app
    assert isinstance(app, JackfieldApp)
    await pilot.press("ctrl+o")
    await until(pilot, lambda: isinstance(app.screen, JumpScreen))
    screen = app.screen
    assert isinstance(screen, JumpScreen)
    await pilot.pause()
    _require_drawn(app, screen._targets)
    return screen._targets


def _require_drawn(app: JackfieldApp, found: Mapping[str, Target]) -> None:
    lines = said(app).splitlines()
    for label, target in found.items():
        assert lines[target.place.y][target.place.x :].startswith(label)


async def test_a_letter_goes_to_its_row_and_the_rest_of_the_screen_stays(filling: Filling) -> None:
    """The field of the filter and six rows have letters; nothing else changes, and nothing moves."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE) as pilot:
        screen = await enter(pilot)
        await shows(pilot, "→ Make a new one")
        app.clear_notifications()
        await pilot.pause()
        before, places_before = said(app), {widget: widget.region for widget in screen.query("*")}
        found = await _letters(pilot)
        assert len(found) == 1 + 6
        shown = said(app).splitlines()
        for number, line in enumerate(before.splitlines()):
            places = {target.place.x for target in found.values() if target.place.y == number}
            kept = zip(line.ljust(SIZE[0]), shown[number].ljust(SIZE[0]), strict=True)
            assert all(one == other for x, (one, other) in enumerate(kept) if x not in places)
        assert {widget: widget.region for widget in screen.query("*")} == places_before
        await pilot.press(list(found)[4])
        await until(pilot, lambda: app.screen is screen)
        await until(pilot, lambda: screen._list.cursor == 3)
        assert app.focused is screen._list


async def test_escape_and_the_key_itself_leave_everything_as_it_was(filling: Filling) -> None:
    """So does typing what is no letter of the screen, which is passed over; a paste goes nowhere."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE) as pilot:
        screen = await enter(pilot)
        for leaving in ("escape", "ctrl+o"):
            await _letters(pilot)
            await pilot.press("1", "z", "slash", "space")
            assert isinstance(app.screen, JumpScreen)
            await pilot.press(leaving)
            await until(pilot, lambda: app.screen is screen)
            assert (screen._list.cursor, app.focused) == (0, screen._list)
            assert screen.query_one(TextInput).value == ""


async def test_fields_are_reached_from_the_list_and_left_again(filling: Filling) -> None:
    """From the list to the filter, where letters are typed, and back: the key works in a field, too."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE) as pilot:
        screen = await enter(pilot)
        field = screen.query_one(TextInput)
        found = await _letters(pilot)
        await pilot.press(next(label for label, target in found.items() if target.go.args == (field,)))
        await until(pilot, lambda: app.focused is field)
        await pilot.press(*"site")
        found = await _letters(pilot)
        await pilot.press(list(found)[2])
        await until(pilot, lambda: app.focused is screen._list and screen._list.cursor == 1)
        assert field.value == "site"


async def test_it_works_over_questions_and_pickers(filling: Filling) -> None:
    """A list that never has the focus moves its highlight; a button gets the focus and is not pressed."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE) as pilot:
        screen = await enter(pilot)
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, Picker) and app.screen._list.count)
        picker = app.screen
        assert isinstance(picker, Picker)
        found = await _letters(pilot)
        await pilot.press(list(found)[3])
        await until(pilot, lambda: app.screen is picker and picker._list.cursor == 2)
        assert isinstance(app.focused, TextInput)
        await pilot.press("escape", "down", "d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        found = await _letters(pilot)
        assert len(found) == 2
        await pilot.press(list(found)[1])
        await until(pilot, lambda: isinstance(app.focused, Button) and app.focused.id == "yes")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert screen._list.count == 6


async def test_the_form_the_map_and_the_door_have_letters(filling: Filling) -> None:
    """Options of the form's first step, lines of the map, the field of the passphrase."""
    app = Whole(filling.home)
    async with app.run_test(size=SIZE) as pilot:
        assert len(await _letters(pilot)) == 1
        await pilot.press("escape")
        await enter(pilot)
        await pilot.press("M")
        await until(pilot, lambda: app.screen.query(UsageMap) and app.screen.query_one(UsageMap).selected)
        usage = app.screen.query_one(UsageMap)
        found = await _letters(pilot)
        await pilot.press(list(found)[4])
        await until(pilot, lambda: usage._row == 4)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await pilot.press("e")
        await shows(pilot, "stored, kept as it is")
        assert len(await _letters(pilot)) > 1
        await pilot.press("escape", "ctrl+b")
        await shows(pilot, "At Netlify")
        await pilot.press("ctrl+b")
        await shows(pilot, "Access", "[x]")
        options = app.screen.query(ChoiceList).first()
        found = await _letters(pilot)
        rows = [label for label, target in found.items() if target.go.args[0] is options]
        assert len(rows) == len(options._options)
        await pilot.press(rows[-1])
        await until(pilot, lambda: app.focused is options and options.cursor == len(rows) - 1)
        assert options.chosen == {USE}


async def test_a_long_list_has_labels_of_two_letters(tmp_path: Path) -> None:
    """At 120×40, scrolled: the first letter leaves those that begin with it, the second goes there."""
    listing = example_list()
    face = Face(tmp_path, listing, ready=lambda _: listing.load(Rows(1000)))
    async with face.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listing.count == 1000)
        await pilot.press("end")
        await until(pilot, lambda: listing.cursor == 999)
        found = await _letters(pilot)
        pair = next(reversed(found))
        assert len(pair) == 2
        await pilot.press(pair[0])
        await pilot.pause()
        assert said(face).splitlines()[-1][1] == pair[1]
        assert said(face).splitlines()[1][1] == " "
        first = next(label for label in found if label[0] == pair[0])
        await pilot.press(first[1])
        await until(pilot, lambda: listing.cursor == 961 + list(found).index(first))


async def test_without_colour_the_letters_stand_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bold and reverse, with no colour of its own."""
    monkeypatch.setenv("NO_COLOR", "1")
    listing = example_list()
    face = Face(tmp_path, listing, ready=lambda _: listing.load(Rows(9)))
    async with face.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: listing.count == 9)
        await _letters(pilot)
        strip = face.screen._compositor.render_strips()[1]
        letter = next(segment for segment in strip if segment.text.strip() == "a")
        assert letter.style is not None
        assert letter.style.bold
        assert letter.style.reverse


async def test_a_window_that_changes_has_the_letters_where_things_are_then(tmp_path: Path) -> None:
    """More rows in view have letters of their own; through a window too small for anything they come back."""
    listing = example_list()
    face = Face(tmp_path, listing, ready=lambda _: listing.load(Rows(60)))
    async with face.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: listing.count == 60)
        await _letters(pilot)
        screen = face.screen
        assert isinstance(screen, JumpScreen)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: len(screen._targets) == 39)
        await pilot.pause()
        _require_drawn(face, screen._targets)
        await pilot.resize_terminal(40, 10)
        await until(pilot, lambda: isinstance(face.screen, TooSmall))
        await pilot.resize_terminal(*SIZE)
        await until(pilot, lambda: face.screen is screen and len(screen._targets) == 23)
        await pilot.pause()
        _require_drawn(face, screen._targets)
        await pilot.press("f")
        assert face.screen is not screen
        assert listing.cursor == 3


@pytest.mark.parametrize("number", [0, 1, 26, 27, 51, 52, 200, 676])
def test_no_label_begins_another(number: int) -> None:
    """As many as are wanted, all different, one letter each while letters last."""
    found = labels(number)
    assert len(found) == len(set(found)) == number
    assert not any(one != other and other.startswith(one) for one in found for other in found)
    assert all(len(label) == 1 for label in found) is (number <= len(LETTERS))
