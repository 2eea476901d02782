"""Hosts of forms: kept as they are looked up, and what they read as is told."""

import pytest

from jackfield.model.errors import InvalidField
from jackfield.providers.contract.field import Field
from jackfield.providers.contract.fields import normalise, read_value, told_of_address
from jackfield.providers.contract.kinds import FieldKind, Normalise

HOST = Field(name="host", label="Host", kind=FieldKind.HOST)
URL = Field(name="url", label="URL", kind=FieldKind.URL, normalise=(Normalise.LOWER, Normalise.HTTPS))


@pytest.mark.parametrize(
    ("field", "typed", "kept", "told"),
    [
        (HOST, "db.bücher.example", "db.xn--bcher-kva.example", "reads db.bücher.example"),
        (HOST, "gіthub.com", "xn--gthub-n2e.com", "can be taken for github"),
        (URL, "https://аpple.com:8443/x/аy", "https://xn--pple-43d.com:8443/x/аy", "can be taken for apple"),
        (URL, "аpple.com", "https://xn--pple-43d.com", "can be taken for apple"),
    ],
)
def test_a_host_is_kept_as_it_is_looked_up(field: Field, typed: str, kept: str, told: str) -> None:
    done = normalise(field, typed)
    assert read_value(field, done.text) == kept
    assert done.changes[-1].startswith(f"{kept}, which reads")
    assert told in done.changes[-1]
    assert told in told_of_address(kept)
    assert normalise(field, kept).changes == ()


def test_letters_of_a_path_are_no_host() -> None:
    assert normalise(URL, "https://a.example/ü").text == "https://a.example/ü"
    assert told_of_address("https://a.example/xn--pple-43d") == ""


@pytest.mark.parametrize(("field", "typed"), [(HOST, "a\u0301\u0301..b"), (URL, "https://☃.example"), (HOST, "☃")])
def test_a_host_that_cannot_be_looked_up_is_refused(field: Field, typed: str) -> None:
    with pytest.raises(InvalidField, match="host"):
        read_value(field, normalise(field, typed).text)


@pytest.mark.parametrize("text", ["[::1]:5432", "https://[fe80::1]/", "", "http://[", "a b"])
def test_nothing_is_told_of_what_has_no_letters_of_a_name(text: str) -> None:
    assert told_of_address(text) == ""


@pytest.mark.parametrize("text", ["0[:", "https://[", "[::1", "a]b"])
def test_half_an_address_is_refused_and_ends_nothing(text: str) -> None:
    """As it is while somebody types one, or in a file that is imported."""
    field = Field(name="url", label="URL", kind=FieldKind.URL, normalise=(Normalise.NO_PATH, Normalise.HTTPS))
    with pytest.raises(InvalidField, match="whole address"):
        read_value(field, normalise(field, text).text)
