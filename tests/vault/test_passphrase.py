"""A passphrase is judged in words, by one rule and an estimate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.model.errors import InvalidField
from jackfield.model.secret import Secret
from jackfield.vault.passphrase import Strength, judge_passphrase, passphrase_bytes, require_passphrase


@pytest.mark.parametrize(
    ("text", "strength"),
    [
        ("", Strength.TOO_SHORT),
        ("abcdefg", Strength.TOO_SHORT),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", Strength.WEAK),
        ("abcdefghijklmnop", Strength.WEAK),
        ("qwertyuiop123456", Strength.WEAK),
        ("Password123!", Strength.WEAK),
        ("p@ssw0rd2024", Strength.WEAK),
        ("xk7xk7xk7xk7xk7xk7", Strength.WEAK),
        ("the the the the the the", Strength.WEAK),
        ("hvqmzkwt", Strength.WEAK),
        ("hvqm zkwt r", Strength.FAIR),
        ("correct horse battery staple", Strength.FAIR),
        ("correct horse battery staple lantern", Strength.STRONG),
        ("vK3#qz!Lw9-tB", Strength.STRONG),
        ("größer als der fünfte Mond", Strength.STRONG),
    ],
)
def test_strength(text: str, strength: Strength) -> None:
    """Runs, repetition and words tried first count little; length and different words count."""
    judgement = judge_passphrase(Secret(text))
    assert judgement.strength is strength
    assert judgement.reason


@given(st.text())
def test_any_text_is_judged_without_being_repeated(text: str) -> None:
    """No text breaks the estimate."""
    assert judge_passphrase(Secret(text)).strength in Strength


def test_eight_characters_are_the_only_rule() -> None:
    """Seven are refused with the number; eight of one kind are taken."""
    with pytest.raises(InvalidField, match="this has 7"):
        require_passphrase(Secret("sevench"))
    require_passphrase(Secret("aaaaaaaa"))


def test_keyboards_that_compose_differently_type_the_same() -> None:
    """Composed and decomposed accents give the same bytes."""
    assert passphrase_bytes(Secret("caf\u00e9 noir")) == passphrase_bytes(Secret("cafe\u0301 noir"))


def test_what_is_not_text_is_refused() -> None:
    """A lone surrogate, as undecodable input gives, is InvalidField, and the error chain does not hold it."""
    with pytest.raises(InvalidField) as caught:
        require_passphrase(Secret("long enough \udcff"))
    assert caught.value.__context__ is None
