"""Hosts are looked up in ASCII, and what could be taken for another is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.text import cleaned
from jackfield.text.hosts import ascii_host, drawn_as, read_host, told_of_host

# Host as typed, and what is told beside it.
CONFUSABLE = [
    ("аpple.com", "mixes Cyrillic and Latin letters, can be taken for apple"),
    ("аррӏе.com", "can be taken for apple"),
    ("gіthub.com", "mixes Cyrillic and Latin letters, can be taken for github"),
    ("githuƅ.com", "reads githuƅ.com"),
    ("ɡithub.com", "can be taken for github"),
    ("api.nеtlify.com", "mixes Cyrillic and Latin letters, can be taken for netlify"),
    ("sесurе.example", "can be taken for secure"),
    ("ехаmple.com", "mixes Cyrillic and Latin letters, can be taken for example"),
    ("ρaypal.com", "mixes Greek and Latin letters, can be taken for paypal"),
    ("gοοgle.com", "mixes Greek and Latin letters, can be taken for google"),
    ("microsоft.com", "mixes Cyrillic and Latin letters, can be taken for microsoft"),
    ("օracle.com", "mixes Armenian and Latin letters, can be taken for oracle"),
    ("ıcloud.com", "can be taken for icloud"),
    ("amаzonaws.com", "mixes Cyrillic and Latin letters, can be taken for amazonaws"),
    ("vаult.internal", "mixes Cyrillic and Latin letters, can be taken for vault"),
]


def encoded(host: str) -> str:
    """By Python's own Punycode, which judges nothing."""
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in host.split("."))


@pytest.mark.parametrize(("host", "told"), CONFUSABLE)
def test_a_host_that_can_be_taken_for_another_says_so(host: str, told: str) -> None:
    """Typed with its letters or already encoded."""
    looked_up = ascii_host(host)
    assert looked_up == encoded(host)
    assert told in told_of_host(looked_up)
    assert told_of_host(host) == told_of_host(looked_up)


@pytest.mark.parametrize(
    "host", ["bücher.example", "straße.de", "例え.jp", "münchen-データ.example", "пример.рф", "한국.kr"]
)
def test_an_honest_host_is_read_beside_and_not_doubted(host: str) -> None:
    """ß is not ss: IDNA 2003 would look up another host."""
    assert ascii_host(host) == encoded(host)
    assert told_of_host(ascii_host(host)) == f"reads {host}"


@pytest.mark.parametrize(
    "host", ["api.github.com", "10.0.0.1", "fe80::1%eth0", "_srv.example", "xn--", "xn--a.example"]
)
def test_an_ascii_host_stays_as_it_is(host: str) -> None:
    """What claims to be encoded and means nothing, too."""
    assert (ascii_host(host), read_host(host), told_of_host(host)) == (host, host, "")


@pytest.mark.parametrize("host", ["a\u202eb.com", "ä" * 64 + ".com", "\u0301a.com", "☃.net", "ä..de"])
def test_what_no_name_server_could_be_asked_for_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="no host name"):
        ascii_host(host)


def test_other_forms_of_letters_and_dots_are_the_same_host() -> None:
    assert ascii_host("ＭETADATA.google。internal") == "metadata.google.internal"


@pytest.mark.parametrize("name", ["GіtHub", "Git Hub", "ＧitHub", "GltHub", "Gíthub", "git-hub", "GᴵtHub"])
def test_names_that_are_drawn_alike_are_found(name: str) -> None:
    assert drawn_as(name) == drawn_as("GitHub")


@pytest.mark.parametrize(("name", "other"), [("GitHub", "GitLab"), ("AWS", "Azure"), ("Oracle", "OCI"), ("", "a")])
def test_names_that_differ_are_kept_apart(name: str, other: str) -> None:
    assert drawn_as(name) != drawn_as(other)


@given(st.text(max_size=80))
def test_any_text_is_a_name_of_ascii_or_none(text: str) -> None:
    """What is looked up is looked up for itself, and nothing that is told about a host steers a terminal."""
    try:
        host = ascii_host(text)
    except ValueError:
        return
    assert host.isascii()
    assert ascii_host(host) == host
    if cleaned(text, lines=False) == text:
        assert cleaned(told_of_host(host), lines=False) == told_of_host(host)
