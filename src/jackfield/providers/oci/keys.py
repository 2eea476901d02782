"""API signing keys: RSA as PEM, known by the fingerprint that OCI shows."""

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SMALLEST_KEY: Final = 2048  # bits
_NEW_KEY: Final = 3072  # bits
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)


def signing_key(text: str) -> "RSAPrivateKey | None":
    """The first key in a text, which may go on with a label line. Raises TypeError for one with a passphrase."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found = _PEM.search(text)
    try:
        key = load_pem_private_key(found[0].encode(), password=None) if found else None
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPrivateKey) else None


def fingerprint_of(key: "RSAPrivateKey") -> str:
    """As OCI shows it: the MD5 of the public key, in pairs."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.md5(public, usedforsecurity=False).digest().hex(":")


def public_pem(key: "RSAPrivateKey") -> str:
    """The public half, as OCI wants to be told of it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_key() -> tuple[str, str]:
    """A fresh key as PEM without a passphrase, and its fingerprint. It takes up to a second."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=_NEW_KEY)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), fingerprint_of(key)
