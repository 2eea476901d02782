"""Theme files: complete, readable for the eye, and refused with the reason when they are not usable."""

from collections.abc import Sequence
from enum import Enum
from itertools import combinations
from math import dist
from pathlib import Path
from typing import Final

import pytest
from textual.color import Color

from jackfield.model.errors import NotFound, UsageError
from jackfield.tui import symbols
from jackfield.tui.symbols import Mark
from jackfield.tui.themes import (
    DEFAULT,
    PLAIN,
    chosen_theme,
    find_theme,
    read_theme,
    remember_theme,
    shipped_folder,
    theme_files,
)
from jackfield.tui.widgets.picker import Picker
from support.face import Face, until
from support.stage import shows

SHIPPED = sorted(theme_files(None))
GROUNDS = ("background", "surface", "panel")
TEXTS = ("text", "muted", "accent")
STATES = ("passed", "limited", "unproven", "failed", "untested")

# What eyes that lack one kind of cones see of linear red, green and blue: Machado, Oliveira and Fernandes, "A
# Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), at severity 1.0.
SEEN: Final = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
# Linear red, green and blue to X, Y and Z over the white of D65: the standard of sRGB, IEC 61966-2-1.
_TO_XYZ: Final = (
    (0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505),
    (0.2126, 0.7152, 0.0722),
    (0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089),
)
APART: Final = 20.0  # in CIELAB of 1976, where some 2.3 can just be told apart side by side


def _linear(color: str) -> list[float]:
    parts = [part / 255 for part in Color.parse(color).rgb]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _lab(color: str, seen_by: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """CIELAB of a colour as these eyes see it."""
    seen = [min(max(part, 0.0), 1.0) for part in _times(seen_by, _linear(color))]
    x, y, z = (
        part ** (1 / 3) if part > (6 / 29) ** 3 else part / (3 * (6 / 29) ** 2) + 4 / 29
        for part in _times(_TO_XYZ, seen)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _contrast(one: str, other: str) -> float:
    """The ratio of the web's accessibility guidelines."""

    def luminance(color: str) -> float:
        return _times(_TO_XYZ, _linear(color))[1]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_eight_themes_are_shipped() -> None:
    """Dark, light, plain, high contrast, colour-blind safe, and three more."""
    assert {"night", "day", "ansi-16", "high-contrast", "colour-blind", "harbour", "ember", "paper"} <= set(SHIPPED)
    assert DEFAULT in SHIPPED
    assert PLAIN in SHIPPED


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != PLAIN])
def test_texts_and_states_stand_out(name: str) -> None:
    """Text has a contrast of 4.5 and more on each ground, states of 3 and more; high contrast has 7."""
    colors = find_theme(name, None).colors
    wanted = 7.0 if name == "high-contrast" else 4.5
    for ground in GROUNDS:
        for text in TEXTS:
            assert _contrast(colors[text], colors[ground]) >= wanted, (text, ground)
        for state in STATES:
            assert _contrast(colors[state], colors[ground]) >= 4.5, (state, ground)
    assert _contrast(colors["cursor-text"], colors["cursor"]) >= wanted


@pytest.mark.parametrize("eyes", SEEN)
def test_states_stay_apart_for_the_colour_blind(eyes: str) -> None:
    """Any two states of the colour-blind safe theme differ by far more than what can just be told apart."""
    colors = find_theme("colour-blind", None).colors
    near = {
        (one, other): round(apart, 1)
        for one, other in combinations(STATES, 2)
        if (apart := dist(_lab(colors[one], SEEN[eyes]), _lab(colors[other], SEEN[eyes]))) < APART
    }
    assert near == {}


def test_the_distances_are_those_of_cielab() -> None:
    """Black, white and pure red as the tables of the standard have them; the red of night is no red to all eyes."""
    assert _lab("#000000", SEEN["all cones"]) == pytest.approx((0, 0, 0), abs=0.1)
    assert _lab("#ffffff", SEEN["all cones"]) == pytest.approx((100, 0, 0), abs=0.1)
    assert _lab("#ff0000", SEEN["all cones"]) == pytest.approx((53.2, 80.1, 67.2), abs=0.2)
    red, green = (_lab(color, SEEN["deuteranopia"]) for color in ("#c05040", "#a06a30"))
    assert dist(red, green) < APART


@pytest.mark.parametrize("marks", [symbols.STATES, symbols.STEPS, symbols.GRANTS], ids=["states", "steps", "grants"])
def test_no_state_is_told_by_colour_alone(marks: dict[Enum, Mark]) -> None:
    """Each has a word of its own; two of one symbol have one tone, too, and never a good and a bad state share one."""
    assert set(marks) == set(type(next(iter(marks))))
    every = [*marks.values(), symbols.RUNNING]
    assert len({mark.word for mark in every}) == len(every)
    for form in ("symbol", "ascii"):
        shown = {(getattr(mark, form), mark.tone) for mark in every}
        assert len(shown) == len({sign for sign, _ in shown})


def test_every_state_of_a_connection_has_a_symbol_of_its_own() -> None:
    """In Unicode and in ASCII; a pass with doubts is not the sign of a whole one."""
    every = [*symbols.STATES.values(), symbols.PARTLY, symbols.RUNNING]
    assert len({mark.symbol for mark in every}) == len({mark.ascii for mark in every}) == len(every)


def test_the_plain_theme_leaves_every_shade_to_the_terminal() -> None:
    """Only the terminal's own sixteen colours are named."""
    plain = find_theme(PLAIN, None)
    assert plain.ansi
    assert all(value.startswith("ansi_") for value in plain.colors.values())


@pytest.mark.parametrize("name", SHIPPED)
async def test_every_theme_draws(tmp_path: Path, name: str) -> None:
    """The style sheet finds each of its variables in each theme."""
    face = Face(tmp_path)
    async with face.run_test() as pilot:
        face.show_theme(find_theme(name, None))
        await pilot.pause()
        assert face.current_theme.name == name
        assert not face._css_has_errors


def _own(home: Path, name: str, change: tuple[str, str] = ("", "")) -> Path:
    folder = home / "themes"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text((shipped_folder() / "night.yaml").read_text().replace(*change), encoding="utf-8")
    return path


def test_a_user_theme_is_found_and_stands_in_for_a_shipped_one(tmp_path: Path) -> None:
    """Files of the home folder come after ours, by name."""
    _own(tmp_path, "mine", ("Night", "Mine"))
    own = _own(tmp_path, "day", ("Night", "My day"))
    assert find_theme("mine", tmp_path).title == "Mine"
    assert theme_files(tmp_path)["day"] == own


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('text: "#', 'text: "'), "mine.yaml, line 7 is not usable: text is written as"),
        (("  failed:", "  faild:"), "line 16 is not usable: faild is not a colour"),
        (("  failed:", "  # failed:"), "these colours are missing: failed"),
        (("dark: true", "dark: maybe"), "line 2 is not usable: dark is true or false"),
        (("title: Night", "titel: Night"), "line 1 is not usable: titel is not one of"),
        (("colors:", "colors: ["), "mine.yaml, line"),
        (("title: Night", "title: !!python/object:os.system x"), "mine.yaml, line 1"),
        (('text: "#dbe2ee"', 'text: "\\e]0;x\\a"'), "line 7"),
    ],
)
def test_a_broken_theme_is_named_with_file_line_and_reason(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """The user reads which file, where in it, and what is wrong."""
    path = _own(tmp_path, "mine", change)
    with pytest.raises(UsageError, match=told) as caught:
        read_theme(path)
    assert caught.value.message.isprintable()


def test_a_theme_that_is_too_long_or_missing_is_refused(tmp_path: Path) -> None:
    """Neither a huge file nor an unknown name stops the program from saying so."""
    path = _own(tmp_path, "mine")
    path.write_text("#" * 100_000)
    with pytest.raises(UsageError, match="64 KiB"):
        read_theme(path)
    with pytest.raises(NotFound, match="no theme sea"):
        find_theme("sea", tmp_path)


async def test_a_broken_chosen_theme_does_not_keep_the_program_from_starting(tmp_path: Path) -> None:
    """The default is shown instead, and the trouble is kept to be told."""
    _own(tmp_path, "mine", ("dark: true", "dark: maybe"))
    remember_theme(tmp_path, "mine")
    face = Face(tmp_path)
    async with face.run_test():
        assert face.current_theme.name == DEFAULT
        assert "mine.yaml" in str(face._trouble)


def test_where_colour_is_unwanted_or_scarce_the_plain_theme_starts(tmp_path: Path) -> None:
    """NO_COLOR and old consoles win over the choice; an unreadable choice is the default."""
    remember_theme(tmp_path, "harbour")
    assert chosen_theme(tmp_path, {"TERM": "xterm-256color"}) == "harbour"
    assert chosen_theme(tmp_path, {"NO_COLOR": "1"}) == PLAIN
    assert chosen_theme(tmp_path, {"TERM": "linux"}) == PLAIN
    (tmp_path / "theme").write_bytes(b"../../etc\xff")
    assert chosen_theme(tmp_path, {}) == DEFAULT


async def test_a_theme_is_shown_while_it_is_highlighted_and_escape_puts_the_old_one_back(tmp_path: Path) -> None:
    """Nothing is kept by looking, neither for this session nor for the next."""
    remember_theme(tmp_path, "harbour")
    face = Face(tmp_path)
    async with face.run_test() as pilot:
        await pilot.press("f9")
        await shows(pilot, "Harbour", "now")
        for key in ("down", "down", "up"):
            before = face.theme
            await pilot.press(key)
            await until(pilot, lambda before=before: face.theme != before, turns=3000)
        seen = find_theme(face.theme, None)
        assert face.screen.styles.background.a == 0
        assert face.get_css_variables()["panel"].lower() == seen.colors["panel"]
        await pilot.press("escape")
        await until(pilot, lambda: face.theme == "harbour")
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(face.screen, Picker) and face.screen._list.highlighted)
        assert face.screen._list.highlighted.id == "harbour"  # type: ignore[attr-defined]
    assert chosen_theme(tmp_path, {}) == "harbour"


async def test_enter_keeps_the_theme_that_is_shown(tmp_path: Path) -> None:
    """A user's own, found by its title: kept for this session and the next."""
    _own(tmp_path, "mine", ("title: Night", "title: Lagoon"))
    face = Face(tmp_path)
    async with face.run_test() as pilot:
        await pilot.press("f9", *"lagoon")
        await until(pilot, lambda: face.theme == "mine", turns=3000)
        await shows(pilot, "Lagoon", "dark, yours")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(face.screen, Picker))
        await pilot.press("f9", "escape")
        await until(pilot, lambda: not isinstance(face.screen, Picker))
        assert face.theme == "mine"
    assert chosen_theme(tmp_path, {}) == "mine"


async def test_a_broken_theme_in_the_list_is_named_with_its_reason(tmp_path: Path) -> None:
    """Highlighted, it says where and why, and the theme of now is shown; choosing it changes nothing."""
    _own(tmp_path, "mine", ("dark: true", "dark: maybe"))
    face = Face(tmp_path)
    async with face.run_test(notifications=True) as pilot:
        await pilot.press("f9", *"ember")
        await until(pilot, lambda: face.theme == "ember", turns=3000)
        await pilot.press(*["backspace"] * 5, *"mine")
        await shows(pilot, "The theme mine.yaml, line 2 is not usable: dark is true or false.", "not usable, yours")
        await until(pilot, lambda: face.theme == DEFAULT, turns=3000)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(face.screen, Picker))
        await shows(pilot, "Mend the file, or choose another theme.")
        assert face.theme == DEFAULT
    assert chosen_theme(tmp_path, {}) == DEFAULT


async def test_a_lock_while_a_theme_is_looked_at_puts_the_old_one_back(tmp_path: Path) -> None:
    """The question goes with every other screen, and what it showed with it."""
    face = Face(tmp_path)
    async with face.run_test() as pilot:
        await pilot.press("f9", *"day")
        await until(pilot, lambda: face.theme == "day", turns=3000)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: not isinstance(face.screen, Picker))
        assert face.theme == DEFAULT


async def test_a_file_that_was_changed_is_shown_anew(tmp_path: Path) -> None:
    """Choosing the theme of now again reads its file again."""
    _own(tmp_path, "mine")
    remember_theme(tmp_path, "mine")
    face = Face(tmp_path)
    async with face.run_test() as pilot:
        _own(tmp_path, "mine", ('panel: "', 'panel: "#123456" #'))
        await pilot.press("f9", *"mine", "enter")
        await until(pilot, lambda: face.get_css_variables()["panel"] == "#123456")
        await until(pilot, lambda: not isinstance(face.screen, Picker))
        assert face.theme == "mine"
