"""A bundle between two Jackfields: what comes along, what stays behind, and what is refused."""

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jackfield.model.check import ExpiryKnown
from jackfield.model.connection import Connection, IntendedUse, Scope, State
from jackfield.model.errors import (
    BlobTampered,
    HomeError,
    InvalidField,
    JackfieldError,
    Refused,
    StoreTampered,
    UsageError,
    WrongPassphrase,
)
from jackfield.model.secret import FieldValue, Secret
from jackfield.services import bundle
from jackfield.services.bundle import export, read_bundle
from jackfield.services.connections import Definition
from jackfield.services.home import Home
from jackfield.services.importing.finding import Candidate
from jackfield.services.importing.plan import carry_out, plan
from jackfield.services.session import Session
from jackfield.services.takeover import definition_of
from jackfield.vault.bundle import seal_bundle

from .conftest import CHEAP, GOOD, Make

BUNDLE = Secret("a bundle of seven reeds")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Session]:
    """Another Jackfield with another passphrase."""
    made, _ = Session.create(Home(tmp_path / "other"), Secret("quite another passphrase"), costs=CHEAP, floor=CHEAP)
    yield made
    made.lock()


def sealed(session: Session, target: Path, *connections: Connection) -> Path:
    export(session, connections, target, BUNDLE, costs=CHEAP)
    return target


def opened(session: Session, file: Path) -> tuple[Candidate, ...]:
    return read_bundle(session.registry, file, BUNDLE, floor=CHEAP)


def forged(target: Path, content: object) -> Path:
    """A bundle of the right passphrase with whatever in it."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    target.write_bytes(seal_bundle(raw, BUNDLE, CHEAP))
    return target


RECORD: dict[str, Any] = {
    "name": "sites",
    "description": "",
    "provider": "netlify",
    "method": "access-token",
    "organization": "acme",
    "project": None,
    "tags": [],
    "uses": [],
    "test_every_minutes": None,
    "expires_at": None,
    "fields": {"accessToken": GOOD},
}


def test_connections_come_out_as_they_went_in(
    session: Session, other: Session, scope: Scope, make: Make, tmp_path: Path
) -> None:
    """Fields, uses, tags, schedule and the typed end; no consent, no state, and a seal of the other's own."""
    ends = datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)
    web = Scope(scope.organization_id, session.projects.create(scope.organization_id, "web").id)
    fields: dict[str, FieldValue] = {
        "host": "db.example.com",
        "port": 6543,
        "database": "app",
        "username": "bob",
        "password": Secret(" \"'kept as it is'\" é"),
        "sslEnabled": False,
    }
    definition = Definition(
        *("db", "postgres", "username-and-password", "the «first»"),
        tags=("prod", "web"),
        test_every_minutes=60,
        attempts_allowed=True,
        private_address_allowed=True,
    )
    database = session.connections.create(web, definition, fields, expires_at=ends)
    site = make(uses=(IntendedUse("secret-sync/env", {"team": "acme"}),))
    file = sealed(session, tmp_path / "b", database, site)
    there = Scope(other.organizations.create("globex").id)
    done = list(carry_out(other, plan(other, opened(other, file), there), there))
    found = {one.connection.name: one.connection for one in done if one.connection is not None}
    for before, after in ((database, found["db"]), (site, found["sites"])):
        assert definition_of(after) == Definition(
            **{name: getattr(before, name) for name in ("name", "provider", "method", "description", "uses", "tags")},
            test_every_minutes=before.test_every_minutes,
        )
        assert other.connections.fields(after, reason="test") == session.connections.fields(before, reason="test")
        assert after.state is State.UNTESTED
    assert (found["db"].expires_at, found["db"].expiry_known) == (ends, ExpiryKnown.TYPED)
    assert [one.planned.candidate.origin for one in done] == ["acme/web/db", "acme/sites"]
    assert other.audit.page(about=found["db"].id)[-1].event.reason == "import bundle"


def test_it_is_private_holds_no_name_and_replaces_nothing(session: Session, make: Make, tmp_path: Path) -> None:
    file = sealed(session, tmp_path / "b", make("canary-name", token="nfp_canary"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"canary" not in file.read_bytes()
    before = file.read_bytes()
    with pytest.raises(Refused, match="There is a file"):
        sealed(session, file, make("second"))
    assert file.read_bytes() == before
    with pytest.raises(HomeError, match="cannot be written"):
        sealed(session, tmp_path / "none" / "b", make("third"))


def test_every_opening_is_in_the_trail_before_the_file_is_there(session: Session, make: Make, tmp_path: Path) -> None:
    one, two = make("one"), make("two", token="nfp_two")
    sealed(session, tmp_path / "b", one, two)
    told = [(entry.event.object_name, entry.event.action, entry.event.reason) for entry in session.audit.page(limit=2)]
    assert told == [("two", "credential.open", "export"), ("one", "credential.open", "export")]


def test_what_jackfield_manages_and_what_cannot_be_opened_stays_behind(
    session: Session, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed, broken, good = make("managed"), make("broken", token="nfp_2"), make("good", token="nfp_3")
    real = session.connections.fields

    def fields(connection: Connection, *, reason: str) -> dict[str, FieldValue]:
        if connection.id == broken.id:
            raise BlobTampered("It cannot be opened.", "Type it again.")
        return real(connection, reason=reason)

    monkeypatch.setattr(session.connections, "fields", fields)
    managed = replace(managed, platform_managed=True)
    made = export(session, [managed, broken, good], tmp_path / "b", BUNDLE, costs=CHEAP)
    assert [one.name for one in made.connections] == ["good"]
    assert [(one.connection.name, one.reason) for one in made.left_out] == [
        ("managed", "Jackfield manages its secret, and a copy would stop working."),
        ("broken", "It cannot be opened."),
    ]
    with pytest.raises(Refused, match="no connection to export"):
        export(session, [managed], tmp_path / "c", BUNDLE, costs=CHEAP)
    assert not (tmp_path / "c").exists()


def test_a_short_passphrase_opens_no_secret(session: Session, make: Make, tmp_path: Path) -> None:
    one = make()
    before = session.audit.page(limit=1)
    with pytest.raises(InvalidField):
        export(session, [one], tmp_path / "b", Secret("short"), costs=CHEAP)
    assert session.audit.page(limit=1) == before


def test_the_wrong_passphrase_and_a_flipped_byte_are_told_apart(session: Session, make: Make, tmp_path: Path) -> None:
    file = sealed(session, tmp_path / "b", make())
    with pytest.raises(WrongPassphrase):
        read_bundle(session.registry, file, Secret("not of this bundle"), floor=CHEAP)
    raw = file.read_bytes()
    file.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(StoreTampered):
        opened(session, file)


def test_a_bundle_that_is_not_there_or_is_a_link(session: Session, make: Make, tmp_path: Path) -> None:
    """Its seal says who wrote it, so others may be able to write the file."""
    with pytest.raises(UsageError, match="There is no file"):
        opened(session, tmp_path / "none")
    file = sealed(session, tmp_path / "b", make())
    file.chmod(0o666)
    assert len(opened(session, file)) == 1
    tmp_path.joinpath("link").symlink_to(file)
    with pytest.raises(UsageError, match="it is a link"):
        opened(session, tmp_path / "link")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"connections": 1}', b"[" * 100_000, b"\xff"])
def test_what_is_no_list_of_connections_is_refused(content: bytes, session: Session, tmp_path: Path) -> None:
    with pytest.raises(StoreTampered, match="not of the form"):
        opened(session, forged(tmp_path / "b", content))


def test_a_bundle_of_too_many_is_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="more than 10,000"):
        opened(session, forged(tmp_path / "b", {"connections": [1] * 10_001}))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"provider": "nowhere"}, "no provider nowhere"),
        ({"method": "nothing"}, "no method nothing"),
        ({"uses": [{"use": "none", "targets": {}}]}, "no use none"),
        ({"uses": [{"use": "secret-sync/env", "targets": {}}]}, "needs Team"),
        ({"uses": [{"use": 1, "targets": {}}]}, "not of the form"),
        ({"uses": "x"}, "not of the form"),
        ({"tags": ["Not A Slug"]}, "A name holds only"),
        ({"test_every_minutes": 0}, "minutes at the most"),
        ({"test_every_minutes": "often"}, "not of the form"),
        ({"test_every_minutes": True}, "not of the form"),
        ({"description": "x" * 300}, "256 is the limit"),
        ({"description": None}, "not of the form"),
        ({"expires_at": "soon"}, "not of the form"),
        ({"fields": {}}, "Access token is needed"),
        ({"fields": {"accessToken": GOOD, "extra": "x"}}, "no field extra"),
        ({"fields": {"accessToken": 1}}, "not of the form"),
        ({"fields": {"accessToken": "a\x1b[31m"}}, "control characters"),
        ({"fields": {"accessToken": "\udcff"}}, "not of the form"),
        ({"fields": []}, "not of the form"),
    ],
)
def test_a_connection_that_does_not_fit_says_why(
    change: dict[str, Any], why: str, session: Session, tmp_path: Path
) -> None:
    """Each alone: the others of the bundle can be imported."""
    bad, good = opened(session, forged(tmp_path / "b", {"connections": [RECORD | change, RECORD]}))
    assert why in bad.why_not
    assert good.why_not == ""


@pytest.mark.parametrize("key", RECORD)
def test_a_connection_without_a_part_is_none(key: str, session: Session, tmp_path: Path) -> None:
    record = {name: value for name, value in RECORD.items() if name != key}
    (one,) = opened(session, forged(tmp_path / "b", {"connections": [record]}))
    assert bool(one.why_not) == (key not in {"name", "organization", "project"})


@pytest.mark.parametrize("record", [1, None, [], "x"])
def test_what_is_no_connection_is_none(record: object, session: Session, tmp_path: Path) -> None:
    (one,) = opened(session, forged(tmp_path / "b", {"connections": [record]}))
    assert "not of the form" in one.why_not


def test_hostile_names_are_made_harmless(session: Session, tmp_path: Path) -> None:
    record = RECORD | {"name": "\x1b[31mEvil/../Name", "organization": "\x07acme", "project": "\u202eweb"}
    (one,) = opened(session, forged(tmp_path / "b", {"connections": [record]}))
    assert one.name == "31mevil-name"
    assert one.origin == "acme/web/[31mEvil/../Name"


def test_a_full_disk_leaves_no_half_bundle(
    session: Session, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, raw: bytes) -> None:
        path.write_bytes(raw[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "write_private", full)
    with pytest.raises(JackfieldError, match="No space left"):
        sealed(session, tmp_path / "b", make())
    assert not (tmp_path / "b").exists()
