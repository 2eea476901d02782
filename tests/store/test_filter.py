"""The filter line: what is understood, and that nothing typed breaks it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.model.check import FailureKind
from jackfield.model.connection import State
from jackfield.model.errors import UsageError
from jackfield.store.filter import Expires, Filter, parse

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Filter()),
        ("  prod   DB ", Filter(words=("prod", "db"))),
        ('"a b:c" d', Filter(words=("a b:c", "d"))),
        ("state:failed,untested", Filter(states=(State.FAILED, State.UNTESTED))),
        ("STATE:Rejected", Filter(failures=(FailureKind.REJECTED,))),
        ("provider:aws provider:gcp", Filter(providers=("aws", "gcp"))),
        ("project:web org:acme", Filter(projects=("web",), organizations=("acme",))),
        ('tag:"two words" method:pat', Filter(tags=("two words",), methods=("pat",))),
        ("expires:<30d", Filter(expires=(Expires(before=NOW + timedelta(days=30)),))),
        ("expires:2w", Filter(expires=(Expires(before=NOW + timedelta(days=14)),))),
        ("expires:>1y", Filter(expires=(Expires(after=NOW + timedelta(days=365)),))),
        ("expires:<2027-01-31", Filter(expires=(Expires(before=datetime(2027, 1, 31, tzinfo=UTC)),))),
        ("expires:expired,never", Filter(expires=(Expires(before=NOW), Expires(never=True)))),
        ('"unclosed quote', Filter(words=("unclosed quote",))),
    ],
)
def test_what_is_typed_is_understood(text: str, expected: Filter) -> None:
    assert parse(text, now=NOW) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("colour:red", "state, provider"),
        ("state:green", "untested"),
        ("state:", "untested"),
        ("provider:", "provider:name"),
        ("expires:soon", "<30d"),
        ("expires:<", "<30d"),
        ("expires:<2027-13-01", "<30d"),
        ("expires:>99999y", "<30d"),
    ],
)
def test_what_is_not_understood_names_what_is_possible(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, now=NOW)
    assert hint in caught.value.next_step


@given(st.text() | st.from_regex(r'([a-z]*:?["<>0-9a-z,-]* ?)*', fullmatch=True))
def test_any_text_gives_a_filter_or_a_usage_error(text: str) -> None:
    try:
        found = parse(text, now=NOW)
    except UsageError:
        return
    assert all(word and word.isprintable() for word in found.words)
