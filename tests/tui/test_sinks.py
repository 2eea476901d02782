"""Any text, in any place that shows text: it never raises, never acts, and is shown literally."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.model.check import EvidenceKind, Grant, GrantState, Step, StepName, StepOutcome
from jackfield.model.connection import State
from jackfield.tui.widgets.checklist import Checklist
from jackfield.tui.widgets.choice import ChoiceList, Option
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import fit, literal, strip_of, width_of
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.picker import Item, Picker
from jackfield.tui.widgets.step_list import StepList
from jackfield.tui.widgets.title_bar import TitleBar
from support.face import Face, Row, Rows, example_list

HOSTILE = (
    "[@click=app.quit]x[/]",
    "[/",
    "[red]not red[/red]",
    "\\[b]",
    "\x1b]0;title\x07\x9b2J",
    "a\u202eb\U000e0041",
    "日本" * 60,
    "\ud800",
    "",
    "\n\n\t\n",
    "{0!r} %s $background",
)
_ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]")
texts = st.one_of(st.text(max_size=80), st.sampled_from(HOSTILE))


class _Hostile(Rows):
    def __init__(self, text: str) -> None:
        super().__init__(3)
        self._text = text

    def row(self, position: int) -> Row:
        return Row(f"row-{position}", self._text, self._text, State.PASSED)


@given(texts, st.integers(0, 60))
def test_a_text_is_cut_or_padded_to_its_cells(text: str, width: int) -> None:
    """Columns stay straight whatever stands in them."""
    assert width_of(fit(literal(text), width)) == width


@given(st.lists(texts, max_size=6), st.integers(1, 100))
def test_a_line_is_as_wide_as_it_is_asked_to_be(parts: list[str], width: int) -> None:
    """Pieces that are too long are cut, and what is left over is filled."""
    from rich.style import Style

    styles = [Style(bold=True), Style(), Style(dim=True)]
    pieces = [(literal(part), styles[number % 3]) for number, part in enumerate(parts)]
    strip = strip_of(pieces, width, styles[1])
    assert strip.cell_length == width
    assert width_of(strip.text) == width


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
async def test_every_widget_shows_any_text_literally(tmp_path: Path, text: str) -> None:
    """Names, details, titles, choices, questions and notices: no markup, no control character, no fault."""
    listing, steps, grants, choice = (
        example_list(),
        StepList(),
        Checklist(),
        ChoiceList([Option("a", text, text, text)]),
    )
    face = Face(tmp_path, TitleBar(text, text, facts=(text,)), listing, steps, grants, choice, KeyBar("list.open"))
    async with face.run_test(size=(100, 40)) as pilot:
        listing.load(_Hostile(text))
        steps.show_steps((Step(StepName.REACH, StepOutcome.FAILED, 1.0, text),))
        grants.show_grants([Grant(text, text, GrantState.MISSING, EvidenceKind.STATED, text, text)], {text: text})
        tell(face, text, next_step=text)
        face.notify(text, title=text)
        await face.workers.wait_for_complete()
        await pilot.pause()
        await face.push_screen(Confirm(text, [text] * 12))
        await pilot.pause()
        await pilot.press("escape")
        await face.push_screen(Picker(text, [Item("a", text, text, text)]))
        await face.workers.wait_for_complete()
        await pilot.pause()
        picture = "\n".join(strip.text for strip in face.screen._compositor.render_strips())
        assert not _ACTS.search(picture)


@pytest.mark.parametrize("text", ["[@click=app.quit]x[/]", "[/", "[red]not red[/red]"])
async def test_brackets_are_brackets(tmp_path: Path, text: str) -> None:
    """What looks like markup is read as it was written."""
    face = Face(tmp_path, TitleBar(text))
    async with face.run_test() as pilot:
        face.notify(text)
        await pilot.pause()
        await pilot.pause()
        assert text in face.export_screenshot(simplify=True).replace("&#160;", " ").replace("&quot;", '"')


async def test_a_question_starts_on_the_answer_that_changes_nothing(tmp_path: Path) -> None:
    """Enter at once says no; escape says no; only the other answer says yes."""
    answers: list[bool | None] = []
    face = Face(tmp_path)
    async with face.run_test() as pilot:
        for keys in (("enter",), ("escape",), ("n",), ("tab", "enter"), ("y",)):
            await face.push_screen(Confirm("Delete it?"), answers.append)
            await pilot.press(*keys)
            await pilot.pause()
    assert answers == [False, False, False, True, True]
