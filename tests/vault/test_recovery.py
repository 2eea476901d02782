"""Recovery keys survive being written down, and a typo is told from a wrong key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.model.errors import InvalidField
from jackfield.model.secret import Secret
from jackfield.vault.recovery import decode_recovery_key, encode_recovery_key, new_recovery_key

GOLDEN = "000G-40R4-0M30-E209-185G-R38E-1WT9-BNNJ"


def test_the_encoding_has_not_changed() -> None:
    """A key that was written down years ago still reads as the same bytes."""
    assert encode_recovery_key(bytes(range(16))) == GOLDEN
    assert decode_recovery_key(Secret(GOLDEN)) == bytes(range(16))


@given(st.binary(min_size=16, max_size=16))
def test_every_key_comes_back(random: bytes) -> None:
    """Any 16 bytes are written and read again, in lower case and without or with other separators."""
    text = encode_recovery_key(random)
    for typed in (text, text.lower(), text.replace("-", ""), f" {text.replace('-', ' ')}\n"):
        assert decode_recovery_key(Secret(typed)) == random


def test_look_alikes_are_read_as_meant() -> None:
    """O is zero; I and L are one."""
    typed = GOLDEN.replace("0", "o").replace("1", "l")
    assert typed != GOLDEN
    assert decode_recovery_key(Secret(typed)) == bytes(range(16))


def test_every_single_typo_is_noticed() -> None:
    """Each character replaced by another, in turn, is InvalidField."""
    for at, character in enumerate(GOLDEN):
        if character != "-":
            typed = GOLDEN[:at] + ("7" if character != "7" else "8") + GOLDEN[at + 1 :]
            with pytest.raises(InvalidField, match="mistyped"):
                decode_recovery_key(Secret(typed))


@pytest.mark.parametrize("typed", ["", "ABCD", GOLDEN + "0", GOLDEN[:-1] + "U", GOLDEN[:-1] + "é", GOLDEN[:-1] + "٣"])
def test_what_is_no_recovery_key_is_named_without_being_repeated(typed: str) -> None:
    """Wrong lengths and characters are InvalidField; the message does not hold what was typed."""
    with pytest.raises(InvalidField) as caught:
        decode_recovery_key(Secret(typed))
    assert not typed or typed not in str(caught.value)


def test_new_keys_differ() -> None:
    """Two new keys are not the same, and neither shows itself."""
    one, other = new_recovery_key(), new_recovery_key()
    assert one != other
    assert one.reveal() not in repr(one)
