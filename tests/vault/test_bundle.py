"""The envelope of a bundle: what it gives back, and that every byte of it is under a seal."""

import hashlib

import pytest

from jackfield.model.errors import InvalidField, StoreTampered, StoreTooNew, WrongPassphrase
from jackfield.model.secret import Secret
from jackfield.vault import bundle
from jackfield.vault.bundle import open_bundle, seal_bundle
from jackfield.vault.costs import FLOOR, Costs

CHEAP = Costs(memory_kib=16, passes=1, lanes=1)
PASSPHRASE = Secret("a bundle of seven reeds")
PLAIN = b'{"connections":[]}'


def made() -> bytes:
    return seal_bundle(PLAIN, PASSPHRASE, CHEAP)


def resealed(raw: bytes, old: bytes, new: bytes) -> bytes:
    """The bundle with a change and a digest that fits it, as somebody would who means to."""
    lines = raw.replace(old, new, 1).split(b"\n", 4)
    signed, sealed = b"\n".join(lines[:3]) + b"\n", lines[4]
    return signed + b"sha256 " + hashlib.sha256(signed + sealed).hexdigest().encode() + b"\n" + sealed


def test_it_opens_with_its_passphrase_however_that_is_typed() -> None:
    """A passphrase is its NFC form."""
    assert open_bundle(made(), PASSPHRASE, floor=CHEAP) == PLAIN
    raw = seal_bundle(PLAIN, Secret("ga\u0308rten, sieben"), CHEAP)
    assert open_bundle(raw, Secret("g\u00e4rten, sieben"), floor=CHEAP) == PLAIN
    assert seal_bundle(PLAIN, PASSPHRASE, CHEAP) != made()


def test_another_passphrase_is_named_as_such() -> None:
    with pytest.raises(WrongPassphrase, match="not the passphrase of the bundle"):
        open_bundle(made(), Secret("another of seven reeds"), floor=CHEAP)


def test_a_short_passphrase_seals_nothing() -> None:
    with pytest.raises(InvalidField):
        seal_bundle(PLAIN, Secret("short"), CHEAP)


def test_every_byte_that_flips_is_noticed_before_anything_is_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = made()
    monkeypatch.setattr(bundle, "stretch", lambda *_, **__: pytest.fail("derived"))
    for position in range(len(raw)):
        changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        with pytest.raises(StoreTampered, match="damaged, or no bundle"):
            open_bundle(changed, PASSPHRASE, floor=CHEAP)


@pytest.mark.parametrize("cut", [0, 1, 19, -1])
def test_a_part_of_it_is_no_bundle(cut: int) -> None:
    with pytest.raises(StoreTampered, match="damaged, or no bundle"):
        open_bundle(made()[:cut], PASSPHRASE, floor=CHEAP)
    with pytest.raises(StoreTampered):
        open_bundle(made() + b"x", PASSPHRASE, floor=CHEAP)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"memory_kib":16', b'"memory_kib":1048577', "over the most allowed"),
        (b'"passes":1', b'"passes":17', "over the most allowed"),
        (b'"lanes":1', b'"lanes":17', "under the least allowed"),
        (b'"memory_kib":16', b'"memory_kib":8', "under the least allowed"),
        (b'"passes":1', b'"passes":true', "not in the format"),
        (b'"passes":1', b'"passes": 1', "not in the format"),
        (b'"passes":1', b'"passes":-1', "not in the format"),
        (b'"salt":"', b'"salt":"AA', "not in the format"),
        (b"hmac-sha256 ", b"hmac-sha512 ", "not in the format"),
        (b'{"costs"', b'["costs"', "not in the format"),
        (b'"size":', b'"size":1', "not in the format"),
        (b"jackfield-bundle 1", b"jackfield-bundle 0", "not in the format"),
        (b"jackfield-bundle 1", b"jackfield-bundle 01", "not in the format"),
    ],
)
def test_a_header_that_was_changed_on_purpose_is_refused_before_it_costs(
    old: bytes, new: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = resealed(made(), old, new)
    monkeypatch.setattr(bundle, "stretch", lambda *_, **__: pytest.fail("derived"))
    with pytest.raises(StoreTampered, match=why):
        open_bundle(raw, PASSPHRASE, floor=CHEAP)


def test_costs_under_the_floor_are_refused() -> None:
    with pytest.raises(StoreTampered, match=f"under the least allowed, {FLOOR.memory_kib}"):
        open_bundle(made(), PASSPHRASE)


def test_what_is_sealed_cannot_be_changed_on_purpose() -> None:
    raw = made()
    sealed = raw.split(b"\n", 4)[4]
    for position in range(len(sealed)):
        changed = sealed[:position] + bytes([sealed[position] ^ 0x80]) + sealed[position + 1 :]
        with pytest.raises(StoreTampered, match="changed on purpose"):
            open_bundle(resealed(raw, sealed, changed), PASSPHRASE, floor=CHEAP)


def test_what_is_sealed_belongs_to_its_header() -> None:
    """The sealed bytes of another bundle of the same passphrase do not open under this header."""
    mine, other = made(), made()
    with pytest.raises(StoreTampered, match="changed on purpose"):
        open_bundle(resealed(mine, mine.split(b"\n", 4)[4], other.split(b"\n", 4)[4]), PASSPHRASE, floor=CHEAP)


def test_a_newer_bundle_is_named_as_such() -> None:
    with pytest.raises(StoreTooNew):
        open_bundle(resealed(made(), b"jackfield-bundle 1", b"jackfield-bundle 2"), PASSPHRASE, floor=CHEAP)
