"""A JWT (RFC 7519) by which somebody proves to hold an RSA key, as vendors of apps and service accounts want it."""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def rsa_key(pem: str) -> "RSAPrivateKey | None":
    """The private key in a PEM text; None where it is no RSA key, cannot be read or has a passphrase."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPrivateKey) else None


def signed_jwt(key: "RSAPrivateKey", claims: Mapping[str, object], *, alg: str = "RS256", **head: object) -> str:
    """Head and claims, signed RS256 or PS256 (RFC 7518). `head` adds to the type and the algorithm."""
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    padding = {"RS256": PKCS1v15(), "PS256": PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)}[alg]
    parts = ({"alg": alg, "typ": "JWT", **head}, claims)
    text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{base64url(key.sign(text.encode(), padding, SHA256()))}"


def base64url(data: bytes) -> str:
    """Base64 as JWTs have it: the URL alphabet, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
