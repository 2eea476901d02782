"""Theme files: complete, readable for the eye, and refused with the reason when they are not usable."""

from pathlib import Path

import pytest
from textual.color import Color

from jackfield.model.errors import NotFound, UsageError
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


def _contrast(one: str, other: str) -> float:
    """The ratio of the web's accessibility guidelines."""

    def luminance(color: str) -> float:
        parts = [part / 255 for part in Color.parse(color).rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

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
