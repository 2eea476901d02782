"""The primitives are the ones the published vectors describe."""

import json

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from jackfield.vault.primitives import decrypt, derive, encrypt, pack


def test_argon2id_answers_as_rfc_9106_says() -> None:
    """Section 5.3 of the RFC."""
    tag = Argon2id(
        salt=b"\x02" * 16, length=32, iterations=3, lanes=4, memory_cost=32, secret=b"\x03" * 8, ad=b"\x04" * 12
    ).derive(b"\x01" * 32)
    assert tag.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


def test_gcm_answers_as_its_specification_says() -> None:
    """Test case 16 of the GCM specification: 256-bit key, associated data."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    sealed = bytes.fromhex(
        "cafebabefacedbaddecaf888"
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    assert decrypt(key, sealed, associated) == plaintext
    assert decrypt(key, sealed, associated + b"\0") is None


def test_derive_answers_as_rfc_5869_says() -> None:
    """The first 32 of the 42 bytes of test case 1."""
    key = derive(b"\x0b" * 22, bytes(range(0xF0, 0xFA)), bytes(range(13)))
    assert key.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_encrypt_puts_the_nonce_first() -> None:
    """Nonce, ciphertext and tag can be taken apart by any other implementation."""
    sealed = encrypt(bytes(32), b"plain", b"place")
    assert AESGCM(bytes(32)).decrypt(sealed[:12], sealed[12:], b"place") == b"plain"


def test_too_short_a_seal_is_refused() -> None:
    """Nothing shorter than nonce and tag reaches the cipher."""
    assert decrypt(bytes(32), bytes(27), b"") is None


_FIELDS = st.lists(st.one_of(st.text(st.characters(codec="utf-8")), st.integers(0, 2**64 - 1)), max_size=4)


@given(_FIELDS, _FIELDS)
def test_packing_never_confuses_two_lists(one: list[str | int], other: list[str | int]) -> None:
    """Different fields of the same kinds give different bytes, wherever the borders lie."""
    if [type(field) for field in one] == [type(field) for field in other]:
        assert (pack(*one) == pack(*other)) == (json.dumps(one) == json.dumps(other))


def test_packing_keeps_borders() -> None:
    """Moving a letter across a border changes the bytes."""
    assert pack("ab", "c") != pack("a", "bc")
    assert pack("a", b"\x01", 2) == b"\0\0\0\x01a\0\0\0\x01\x01\0\0\0\x08\0\0\0\0\0\0\0\x02"
