"""A live secret never survives in a message, however it was written there."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jackfield.model.secret import Secret
from jackfield.text import REDACTED, Redactor

SECRET = 'p@ss/w+ör"d\\ 1?>'
RAW = SECRET.encode()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(RAW).decode(),
        base64.b64encode(RAW).decode().rstrip("="),
        base64.urlsafe_b64encode(RAW).decode(),
        base64.urlsafe_b64encode(RAW).decode().rstrip("="),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
    ],
)
def test_every_form_of_a_secret_is_taken_out(form: str) -> None:
    assert Redactor([Secret(SECRET)]).redact(f"sent [{form}] to the host") == f"sent [{REDACTED}] to the host"


def test_a_secret_within_a_longer_one_leaves_no_remainder() -> None:
    redactor = Redactor([Secret("hunter2"), Secret("hunter2-and-more")])
    assert redactor.redact("hunter2-and-more hunter2") == f"{REDACTED} {REDACTED}"


def test_each_line_of_a_key_is_a_secret_of_its_own() -> None:
    redactor = Redactor([Secret("-----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----\n")])
    assert redactor.redact("line 2: MIIEvQIBADAN") == f"line 2: {REDACTED}"


def test_a_tiny_secret_does_not_turn_every_word_into_marks() -> None:
    assert Redactor([Secret("abc"), Secret("")]).redact("abc alphabet") == "abc alphabet"


def test_a_text_without_secrets_stays_as_it_is() -> None:
    assert Redactor([Secret(SECRET)]).redact("nothing to see") == "nothing to see"


def test_a_redactor_does_not_show_what_it_looks_for() -> None:
    assert "hunter2" not in repr(Redactor([Secret("hunter2")]))


@given(st.text(min_size=4), st.text(), st.text())
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    assume(secret not in REDACTED and secret not in before + REDACTED + after)
    assert secret not in Redactor([Secret(secret)]).redact(before + secret + after)
