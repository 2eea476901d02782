"""Typing a secret: what is seen, what is kept, and what never leaves."""

from pathlib import Path

import pytest
from textual import events

from jackfield.model.secret import Secret, Stored
from jackfield.tui.widgets.secret_input import SecretInput
from jackfield.tui.widgets.text_input import TextInput
from support.face import Face

CANARY = "canary-5d1c"
PEM = "-----BEGIN KEY-----\r\nAAAA\r\nBBBB\r\n-----END KEY-----\r\n"


def _shown(field: SecretInput) -> str:
    return "\n".join(field.render_line(y).text for y in range(max(1, field.size.height)))


async def test_what_is_typed_is_masked_and_counted(tmp_path: Path) -> None:
    """Bullets and a count; the value is a Secret."""
    field = SecretInput()
    face = Face(tmp_path, field)
    async with face.run_test() as pilot:
        await pilot.press(*CANARY)
        assert field.value == Secret(CANARY)
        assert "•" * len(CANARY) in _shown(field)
        assert "11 characters" in _shown(field)
        assert CANARY not in face.export_screenshot()


@pytest.mark.parametrize("multiline", [False, True])
async def test_a_paste_keeps_every_line(tmp_path: Path, multiline: bool) -> None:
    """Inner lines are never lost; only a field of one line drops the line end after the last."""
    field = SecretInput(multiline=multiline)
    face = Face(tmp_path, field)
    async with face.run_test() as pilot:
        field.post_message(events.Paste(PEM))
        await pilot.pause()
    wanted = PEM.replace("\r\n", "\n")
    assert field.value == Secret(wanted if multiline else wanted.rstrip("\n"))


async def test_copy_and_cut_keys_copy_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the terminal nor the program's own clipboard gets a part of it, revealed or not."""
    copied: list[str] = []
    field = SecretInput()
    face = Face(tmp_path, field)
    monkeypatch.setattr(face, "copy_to_clipboard", copied.append)
    async with face.run_test() as pilot:
        await pilot.press(*CANARY, "ctrl+c", "ctrl+x", "ctrl+r", "ctrl+c", "ctrl+x", "ctrl+insert")
        assert copied == []
        assert face.clipboard == ""
        assert field.value == Secret(CANARY)


async def test_revealing_ends_with_the_focus_and_with_another_size(tmp_path: Path) -> None:
    """The reveal key shows the value; leaving the field, resizing or the key again hides it."""
    field = SecretInput()
    face = Face(tmp_path, field, TextInput)
    async with face.run_test(size=(80, 24)) as pilot:
        await pilot.press(*CANARY, "ctrl+r")
        assert CANARY in _shown(field)
        await pilot.press("tab")
        assert not field.revealed
        await pilot.press("shift+tab", "ctrl+r")
        assert field.revealed
        await pilot.resize_terminal(90, 24)
        await pilot.pause()
        assert not field.revealed
        await pilot.press("ctrl+r", "ctrl+r")
        assert CANARY not in _shown(field)


async def test_revealing_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time for revealing the value is masked again."""
    monkeypatch.setattr("jackfield.tui.widgets.secret_input.REVEAL_SECONDS", 0.02)
    field = SecretInput()
    face = Face(tmp_path, field)
    async with face.run_test() as pilot:
        await pilot.press(*CANARY, "ctrl+r")
        while field.revealed:
            await pilot.pause()
        assert CANARY not in _shown(field)


async def test_many_lines_are_revealed_as_they_are(tmp_path: Path) -> None:
    """A revealed key file shows its lines, the last in view; masked, it is one line with counts."""
    field = SecretInput(multiline=True)
    face = Face(tmp_path, field)
    async with face.run_test() as pilot:
        field.replace(Secret("\n".join(f"line {number}" for number in range(20))))
        await pilot.pause()
        assert "20 lines, 149 characters" in _shown(field)
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert field.size.height == 8
        assert "line 19" in _shown(field)


async def test_a_stored_secret_is_kept_replaced_or_cleared(tmp_path: Path) -> None:
    """The three states are shown in words, and the clear key goes round them."""
    field = SecretInput(stored=True)
    face = Face(tmp_path, field)
    async with face.run_test() as pilot:
        assert field.value is Stored.UNCHANGED
        assert "kept as it is" in _shown(field)
        await pilot.press("x")
        assert field.value == Secret("x")
        await pilot.press("ctrl+u")
        assert field.value is Stored.UNCHANGED
        await pilot.press("ctrl+u")
        assert field.value is Stored.CLEARED
        assert "will be cleared" in _shown(field)
        await pilot.press("ctrl+u")
        assert field.value is Stored.UNCHANGED


async def test_editing_keys_work_on_what_is_masked(tmp_path: Path) -> None:
    """Moving, deleting and inserting act where the cursor is."""
    field = SecretInput()
    face = Face(tmp_path, field)
    async with face.run_test() as pilot:
        await pilot.press(*"abcd", "left", "left", "backspace", "X", "home", "delete", "end", "Y", "delete")
        assert field.value == Secret("XcdY")


async def test_nothing_of_the_value_is_in_what_is_posted_or_printed(tmp_path: Path) -> None:
    """Messages and representations hold the field, not the value."""
    posted: list[object] = []

    class Listening(Face):
        def on_secret_input_changed(self, message: SecretInput.Changed) -> None:
            posted.append(message)

    field = SecretInput()
    face = Listening(tmp_path, field)
    async with face.run_test() as pilot:
        await pilot.press(*CANARY)
        await pilot.pause()
        assert posted
        assert all(CANARY not in repr(message) for message in posted)
        assert CANARY not in repr(field)
