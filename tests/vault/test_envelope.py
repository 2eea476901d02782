"""Sealed values open with their key at their place, and nowhere else."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from jackfield.model.errors import BlobTampered, LockedError
from jackfield.vault.envelope import Place, key_id_of, open_sealed, seal
from jackfield.vault.keys import DataKey

PLACE = Place(store_id="5" * 32, table="secret", row_id="row-1", column="sealed", scope="org-1/project-1", version=3)
GOLDEN_KEY = DataKey(bytes(range(32)), "a1" * 16)
GOLDEN_PLAINTEXT = b'{"token":"golden"}'
GOLDEN_BLOB = bytes.fromhex(
    "01a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1cca804b3129ccf3132872170844a72"
    "cc8366d1c19bf9ba80cc73a20f1118255e12357cf54134837d2cfd8434e2b416"
    "f8e7703990bd11bd41e4768ab45cd5"
)


def test_a_stranger_can_read_a_blob_from_its_description() -> None:
    """A reader that knows only the written layout opens the golden blob."""

    def field(raw: bytes) -> bytes:
        return len(raw).to_bytes(4, "big") + raw

    key_id, salt, nonce, rest = GOLDEN_BLOB[1:17], GOLDEN_BLOB[17:33], GOLDEN_BLOB[33:45], GOLDEN_BLOB[45:]
    info = field(b"jackfield blob key 1")
    key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(bytes(range(32)))
    texts = ("jackfield blob 1", key_id.hex(), "5" * 32, "secret", "row-1", "sealed", "org-1/project-1")
    associated = b"".join(field(text.encode()) for text in texts) + field((3).to_bytes(8, "big"))
    assert GOLDEN_BLOB[0] == 1
    assert AESGCM(key).decrypt(nonce, rest, associated) == GOLDEN_PLAINTEXT


def test_blobs_of_earlier_builds_open() -> None:
    """The golden blob opens; the format has not changed."""
    assert open_sealed(GOLDEN_BLOB, GOLDEN_KEY, PLACE) == GOLDEN_PLAINTEXT


@pytest.mark.parametrize("plaintext", [b"", b"x", bytes(100_000)])
def test_a_value_comes_back(plaintext: bytes) -> None:
    """Empty and long values are sealed and opened alike, with 61 bytes added."""
    blob = seal(plaintext, GOLDEN_KEY, PLACE)
    assert open_sealed(blob, GOLDEN_KEY, PLACE) == plaintext
    assert len(blob) == len(plaintext) + 61
    assert key_id_of(blob) == GOLDEN_KEY.id


def test_every_changed_byte_is_noticed() -> None:
    """Each byte flipped in turn, and each shorter blob, is BlobTampered."""
    for at in range(len(GOLDEN_BLOB)):
        changed = bytearray(GOLDEN_BLOB)
        changed[at] ^= 0x01
        with pytest.raises(BlobTampered):
            open_sealed(bytes(changed), GOLDEN_KEY, PLACE)
        with pytest.raises(BlobTampered):
            open_sealed(GOLDEN_BLOB[:at], GOLDEN_KEY, PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, store_id="6" * 32),
        replace(PLACE, table="pending"),
        replace(PLACE, row_id="row-2"),
        replace(PLACE, column="identity"),
        replace(PLACE, scope="org-1/project-2"),
        replace(PLACE, version=4),
        replace(PLACE, table="secre", row_id="trow-1"),
    ],
)
def test_a_moved_blob_does_not_open(elsewhere: Place) -> None:
    """A blob put at another store, table, row, column, scope or version, as a replayed older one is, stays shut."""
    with pytest.raises(BlobTampered):
        open_sealed(GOLDEN_BLOB, GOLDEN_KEY, elsewhere)


def test_another_key_does_not_open_it() -> None:
    """Neither other key bytes nor another key id open a blob."""
    for key in (DataKey(bytes(32), GOLDEN_KEY.id), DataKey(bytes(range(32)), "a2" * 16)):
        with pytest.raises(BlobTampered):
            open_sealed(GOLDEN_BLOB, key, PLACE)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_PLACES = st.builds(
    Place,
    store_id=_TEXT,
    table=_TEXT,
    row_id=_TEXT,
    column=_TEXT,
    scope=_TEXT,
    version=st.integers(min_value=0, max_value=2**63 - 1),
)
_KEYS = st.builds(DataKey, st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16).map(bytes.hex))


@given(st.binary(max_size=200), _KEYS, _PLACES, _PLACES)
def test_any_value_opens_at_its_own_place_and_at_no_other(
    plaintext: bytes, key: DataKey, place: Place, other: Place
) -> None:
    blob = seal(plaintext, key, place)
    assert open_sealed(blob, key, place) == plaintext
    if other != place:
        with pytest.raises(BlobTampered):
            open_sealed(blob, key, other)


@given(st.binary(max_size=200), _KEYS, st.data())
def test_any_change_of_any_blob_is_noticed(plaintext: bytes, key: DataKey, data: st.DataObject) -> None:
    """Bits flipped anywhere, parts cut out and parts put in."""
    blob = seal(plaintext, key, PLACE)
    start = data.draw(st.integers(0, len(blob)))
    end = data.draw(st.integers(start, len(blob)))
    changed = blob[:start] + data.draw(st.binary(max_size=80)) + blob[end:]
    if changed != blob:
        with pytest.raises(BlobTampered):
            open_sealed(changed, key, PLACE)


@given(st.binary(max_size=200))
def test_any_bytes_are_no_blob(junk: bytes) -> None:
    with pytest.raises(BlobTampered):
        open_sealed(junk, GOLDEN_KEY, PLACE)


def test_a_wiped_key_seals_nothing() -> None:
    """After a wipe, sealing and opening raise LockedError instead of working with zeros."""
    key = DataKey.random()
    blob = seal(b"value", key, PLACE)
    key.wipe()
    with pytest.raises(LockedError):
        seal(b"value", key, PLACE)
    with pytest.raises(LockedError):
        open_sealed(blob, key, PLACE)


def test_no_salt_or_nonce_comes_twice() -> None:
    """In a hundred thousand seals with one key every salt and every nonce is new."""
    key, count = DataKey.random(), 100_000
    blobs = [seal(b"", key, PLACE) for _ in range(count)]
    assert len({blob[17:33] for blob in blobs}) == count
    assert len({blob[33:45] for blob in blobs}) == count
