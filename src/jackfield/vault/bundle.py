"""The envelope of what one Jackfield gives another: bytes sealed under a passphrase of their own.

    jackfield-bundle 1
    {"costs":{"lanes":…,"memory_kib":…,"passes":…},"salt":"…","size":…}
    hmac-sha256 <64 hex digits>     HMAC-SHA-256 of lines 1 and 2
    sha256 <64 hex digits>          SHA-256 of lines 1 to 3 and of the sealed bytes
    the sealed bytes, `size` of them

Line 2 is JSON with its keys sorted, no spaces, ASCII. The bundle's key is Argon2id of the passphrase (UTF-8, NFC) with
the salt and costs, 32 bytes. The HMAC's key is HKDF of it with info = pack("jackfield bundle 1", "header mac"). The
sealed bytes are AES-256-GCM under HKDF of it with info = pack("jackfield bundle 1", "seal"), as nonce (12), ciphertext,
tag (16); their associated data is lines 1 and 2.

The digest finds damage before anything is derived, costs outside floor and ceiling are refused before they are spent,
and the HMAC tells a wrong passphrase from bytes that were changed on purpose.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from dataclasses import dataclass
from typing import Final

from jackfield.model.errors import StoreTampered, StoreTooNew, WrongPassphrase
from jackfield.model.secret import Secret
from jackfield.vault.costs import FLOOR, Costs
from jackfield.vault.passphrase import passphrase_bytes, require_passphrase
from jackfield.vault.primitives import OVERHEAD, SALT_SIZE, decrypt, derive, encrypt, pack, stretch

SIZE_LIMIT: Final = 64 << 20  # bytes of a whole bundle
_VERSION: Final = 1
_FORM: Final = re.compile(
    rb"(?P<signed>(?P<head>(?P<magic>jackfield-bundle (?P<version>[0-9]{1,4})\n)(?P<body>[^\n]{1,1024})\n)"
    rb"(?P<mac>[^\n]{1,100})\n)sha256 (?P<digest>[0-9a-f]{64})\n(?P<sealed>.*)",
    re.DOTALL,
)
_MAC_LINE: Final = re.compile(rb"hmac-sha256 ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Header:
    """What stands in line 2. `size` is that of the sealed bytes."""

    costs: Costs
    salt: bytes
    size: int

    def encode(self) -> bytes:
        """Lines 1 and 2."""
        costs = {"lanes": self.costs.lanes, "memory_kib": self.costs.memory_kib, "passes": self.costs.passes}
        body = {"costs": costs, "salt": base64.b64encode(self.salt).decode(), "size": self.size}
        return b"jackfield-bundle %d\n%b\n" % (
            _VERSION,
            json.dumps(body, sort_keys=True, separators=(",", ":")).encode(),
        )


def seal_bundle(plaintext: bytes, passphrase: Secret, costs: Costs) -> bytes:
    """The bundle's bytes. Takes as long as its costs say. Raises InvalidField for a passphrase that is too short."""
    require_passphrase(passphrase)
    header = Header(costs, os.urandom(SALT_SIZE), len(plaintext) + OVERHEAD)
    key, head = _key(passphrase, header), header.encode()
    sealed = encrypt(derive(key, _info("seal")), plaintext, head)
    signed = head + b"hmac-sha256 " + _mac(key, head).hex().encode() + b"\n"
    return signed + b"sha256 " + hashlib.sha256(signed + sealed).hexdigest().encode() + b"\n" + sealed


def open_bundle(raw: bytes, passphrase: Secret, *, floor: Costs = FLOOR) -> bytes:
    """What was sealed.

    Raises StoreTampered for what is no bundle, was damaged or has costs that are not allowed, StoreTooNew, or
    WrongPassphrase.
    """
    form = _FORM.fullmatch(raw)
    if form is None or hashlib.sha256(form["signed"] + form["sealed"]).hexdigest().encode() != form["digest"]:
        raise _tampered("it is damaged, or no bundle")
    if int(form["version"]) > _VERSION:
        raise StoreTooNew("This bundle was made by a newer Jackfield.", "Update Jackfield, then import it.")
    mac = _MAC_LINE.fullmatch(form["mac"])
    header = _parse(form["body"])
    if mac is None or header is None or header.encode() != form["head"] or header.size != len(form["sealed"]):
        raise _tampered("it is not in the format it names")
    if fault := header.costs.fault(floor):
        raise _tampered(fault)
    key = _key(passphrase, header)
    if not hmac.compare_digest(_mac(key, form["head"]), bytes.fromhex(mac[1].decode())):
        raise WrongPassphrase("This is not the passphrase of the bundle.", "It is the one given when it was exported.")
    plaintext = decrypt(derive(key, _info("seal")), form["sealed"], form["head"])
    if plaintext is None:
        raise _tampered("what is sealed in it was changed on purpose")
    return plaintext


def _key(passphrase: Secret, header: Header) -> bytes:
    costs = header.costs
    return stretch(
        passphrase_bytes(passphrase), header.salt, memory_kib=costs.memory_kib, passes=costs.passes, lanes=costs.lanes
    )


def _mac(key: bytes, head: bytes) -> bytes:
    return hmac.digest(derive(key, _info("header mac")), head, "sha256")


def _info(purpose: str) -> bytes:
    return pack("jackfield bundle 1", purpose)


def _parse(body: bytes) -> Header | None:
    """The header, None when a part is missing or of another form; its canonical form is for the caller to compare."""
    try:
        fields = json.loads(body)
        costs = fields["costs"]
        numbers = (costs["memory_kib"], costs["passes"], costs["lanes"], fields["size"])
        salt = base64.b64decode(fields["salt"], validate=True)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        return None
    if any(type(number) is not int or number < 0 for number in numbers) or len(salt) != SALT_SIZE:
        return None
    return Header(Costs(*numbers[:3]), salt, numbers[3])


def _tampered(reason: str) -> StoreTampered:
    return StoreTampered(f"The bundle cannot be used: {reason}.", "Export it again. Nothing was imported.")
