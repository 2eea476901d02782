"""Texts from outside can neither steer the terminal nor hide anything."""

import asyncio
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.text import TooDeep, clean, clean_json, cleaned, tallied

NASTY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("\x00\x07\x08\x1b\r\n\t\x7f\x85\x90\x9b\x9c\x9d\u200d\u2028\u202e\u2066\ufeff\U000e0041\ud800"),
    )
)
STEERING = {"\x1b", "\x9b", "\x9d", "\x90", "\x98", "\x9e", "\x9f", "\x07", "\x08", "\r", "\x7f"}


@pytest.mark.parametrize(
    ("text", "expected", "removed"),
    [
        ("plain words", "plain words", 0),
        ("Zoë – ✔ 日本 🙂", "Zoë – ✔ 日本 🙂", 0),
        ("\x1b]0;title\x07done", "]0;titledone", 2),
        ("\x9b31mred\x9c", "31mred", 2),
        ("user\u202etxt.exe", "usertxt.exe", 1),
        ("\u2066a\u2069\u061cb\u200ec\u200f", "abc", 5),
        ("hid\U000e0068\U000e0069den", "hidden", 2),
        ("zero\u200bwidth\u2060\ufeff", "zerowidth", 3),
        ("👩\u200d🚀", "👩🚀", 1),
        ("one\r\ntwo\u2028three\u2029four", "one\ntwo\nthree\nfour", 0),
        ("over\rwritten\x08", "overwritten", 2),
        ("lone \ud83d surrogate", "lone  surrogate", 1),
        ("tab\tkept\nline kept", "tab\tkept\nline kept", 0),
    ],
)
def test_removes_what_steers_or_hides_and_counts_it(text: str, expected: str, removed: int) -> None:
    result = clean(text)
    assert (result.text, result.removed, result.cut) == (expected, removed, False)


def test_one_line_texts_keep_words_apart() -> None:
    assert cleaned("first\nsecond\tthird\u2028fourth\r\nfifth", lines=False) == "first second third fourth fifth"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert clean("x" * 11, limit=10).cut
    assert not clean("x" * 10, limit=10).cut
    assert len(cleaned("é" * 11, limit=10)) == 10


def test_what_is_removed_meanwhile_is_counted_once_in_threads_too() -> None:
    """A text that was cleaned already adds nothing, and what is cleaned outside is not counted."""

    async def read() -> None:
        await asyncio.gather(
            asyncio.to_thread(clean_json, {"a\x1b": ["b\x9b\u202e", 1]}), asyncio.to_thread(cleaned, "\x07")
        )

    clean("\x1b")
    with tallied() as tally:
        asyncio.run(read())
        cleaned(cleaned("x\u200by"))
    clean("\x1b")
    assert tally.removed == 5


@given(NASTY, st.integers(min_value=0, max_value=40), st.booleans())
def test_cleaning_is_final_bounded_and_harmless(text: str, limit: int, lines: bool) -> None:
    """What was cleaned once stays as it is, fits the limit, and holds no character of a hidden kind."""
    result = cleaned(text, limit=limit, lines=lines)
    assert len(result) <= limit
    assert cleaned(result, limit=limit, lines=lines) == result
    assert not STEERING & set(result)
    assert {c for c in result if unicodedata.category(c) in ("Cc", "Cs")} <= ({"\n", "\t"} if lines else set())
    result.encode("utf-8")


@given(NASTY)
def test_no_letter_or_mark_a_reader_sees_is_lost(text: str) -> None:
    def visible(value: str) -> list[str]:
        return [c for c in value if unicodedata.category(c)[0] in "NPSZ" and c not in "\u2028\u2029"]

    assert visible(cleaned(text, limit=len(text) + 1)) == visible(text)


def test_json_is_cleaned_in_keys_and_values_at_every_level() -> None:
    assert clean_json({"a\x1b": ["b\u202e", {"c": "\x9bd", "n": 1.5, "t": True, "z": None}]}) == {
        "a": ["b", {"c": "d", "n": 1.5, "t": True, "z": None}]
    }


def test_json_deeper_than_allowed_is_refused() -> None:
    assert clean_json([[1]], depth=2) == [[1]]
    with pytest.raises(TooDeep):
        clean_json([[[1]]], depth=2)


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        clean_json({"key": b"bytes"})
