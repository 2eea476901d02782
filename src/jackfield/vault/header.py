"""The header: the small file that says how a vault is opened.

Four lines of ASCII, each ended by one line feed, 64 KiB at most:

    jackfield-vault 1
    {"previous":null,"slots":[…],"store":"…"}
    sha256 <64 hex digits>          SHA-256 of lines 1 and 2, line feeds included
    hmac-sha256 <64 hex digits>     HMAC-SHA-256 of lines 1 to 3, keyed by HKDF of the root key

Line 2 is canonical JSON: keys sorted, no spaces, ASCII, exactly these keys, bytes in padded standard base 64.

    store     32 hex digits, the id of the store
    previous  null, or 60 bytes: the previous root key under this one, while a change of root is not finished
    slots     1 to 16 objects:
        costs    {"lanes":…,"memory_kib":…,"passes":…} for a passphrase, null for every other kind
        created  the day, as 2025-01-31
        id       16 hex digits
        kind     "passphrase", "recovery", "keyring" or "key-file"
        salt     16 bytes
        wrapped  60 bytes: the root key under the slot's key

Lines 1 and 3 mean the same in every later format, so that damage is told apart from a newer one. The digest finds
damage before anything is derived; the MAC, checked with the unwrapped root key before the key is used for anything
else, finds what was changed on purpose, and a slot that was made to open to some other root key. Costs outside
floor and ceiling are refused before they are spent.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from jackfield.model.errors import HeaderTampered, StoreTooNew
from jackfield.vault.costs import Costs
from jackfield.vault.keys import RootKey
from jackfield.vault.primitives import SALT_SIZE
from jackfield.vault.slots import SLOT_ID_SIZE, WRAPPED_SIZE, Slot, SlotKind

SIZE_LIMIT: Final = 64 * 1024  # bytes
SLOT_LIMIT: Final = 16
STORE_ID_SIZE: Final = 16
_VERSION: Final = 1
_LINES: Final = re.compile(
    rb"(?P<sealed>(?P<magic>jackfield-vault (?P<version>[0-9]{1,4})\n)(?P<body>[^\n]*)\n)"
    rb"sha256 (?P<digest>[0-9a-f]{64})\n(?P<rest>.*)",
    re.DOTALL,
)
_MAC_LINE: Final = re.compile(rb"hmac-sha256 ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class Header:
    store_id: str
    slots: tuple[Slot, ...]
    previous: bytes | None = None


@dataclass(frozen=True, slots=True)
class UnverifiedHeader:
    """A header whose form and digest are right, and whose MAC still needs the root key."""

    header: Header
    signed: bytes
    mac: bytes

    def verify(self, root: RootKey) -> Header:
        """The header, when `root` made its MAC. Raises HeaderTampered."""
        if not hmac.compare_digest(root.header_mac(self.signed), self.mac):
            raise tampered("its seal does not match")
        return self.header


def encode(header: Header, root: RootKey) -> bytes:
    """The file's bytes."""
    sealed = b"jackfield-vault %d\n%b\n" % (_VERSION, _encode_body(header))
    signed = sealed + b"sha256 " + hashlib.sha256(sealed).hexdigest().encode() + b"\n"
    return signed + b"hmac-sha256 " + root.header_mac(signed).hex().encode() + b"\n"


def parse(raw: bytes, *, floor: Costs) -> UnverifiedHeader:
    """Read a header strictly, deriving nothing.

    Raises HeaderTampered for anything that is not exactly what `encode` writes or whose costs are under `floor` or
    over the ceiling, StoreTooNew for an undamaged header of a later format.
    """
    lines = _LINES.fullmatch(raw) if len(raw) <= SIZE_LIMIT else None
    if lines is None or hashlib.sha256(lines["sealed"]).hexdigest().encode() != lines["digest"]:
        raise tampered("it is damaged")
    if int(lines["version"]) > _VERSION:
        raise StoreTooNew("This vault was made by a newer Jackfield.", "Update Jackfield, then open it again.")
    mac_line = _MAC_LINE.fullmatch(lines["rest"])
    if mac_line is None or lines["magic"] != b"jackfield-vault %d\n" % _VERSION:
        raise tampered("it is not in the format it names")
    header = _parse_body(lines["body"], floor)
    return UnverifiedHeader(header, raw[: lines.start("rest")], bytes.fromhex(mac_line[1].decode()))


def tampered(reason: str) -> HeaderTampered:
    return HeaderTampered(
        f"The vault header was changed or damaged: {reason}.", "Restore vault.jackfield from a backup."
    )


def _encode_body(header: Header) -> bytes:
    body = {
        "previous": None if header.previous is None else _encode_bytes(header.previous),
        "slots": [
            {
                "costs": slot.costs
                and {"lanes": slot.costs.lanes, "memory_kib": slot.costs.memory_kib, "passes": slot.costs.passes},
                "created": slot.created.isoformat(),
                "id": slot.id,
                "kind": slot.kind.value,
                "salt": _encode_bytes(slot.salt),
                "wrapped": _encode_bytes(slot.wrapped),
            }
            for slot in header.slots
        ],
        "store": header.store_id,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _parse_body(body: bytes, floor: Costs) -> Header:
    try:
        fields = _fields(json.loads(body), "previous", "slots", "store")
    except (ValueError, RecursionError):
        raise tampered("its body is not JSON") from None
    slots = fields["slots"]
    if not isinstance(slots, list) or not 1 <= len(slots) <= SLOT_LIMIT:
        raise tampered("it has no slots, or too many")
    header = Header(
        store_id=_hex(fields["store"], STORE_ID_SIZE),
        slots=tuple(_parse_slot(slot, floor) for slot in slots),
        previous=None if fields["previous"] is None else _bytes(fields["previous"], WRAPPED_SIZE),
    )
    if len({slot.id for slot in header.slots}) != len(header.slots) or _encode_body(header) != body:
        raise tampered("its body is not written in the one way it can be")
    return header


def _parse_slot(value: object, floor: Costs) -> Slot:
    fields = _fields(value, "costs", "created", "id", "kind", "salt", "wrapped")
    try:
        kind = SlotKind(_text(fields["kind"]))
        created = date.fromisoformat(_text(fields["created"]))
    except ValueError:
        raise tampered("a slot has an unknown kind or day") from None
    if (fields["costs"] is not None) != (kind is SlotKind.PASSPHRASE):
        raise tampered("costs belong to a passphrase, and to nothing else")
    return Slot(
        id=_hex(fields["id"], SLOT_ID_SIZE),
        kind=kind,
        created=created,
        salt=_bytes(fields["salt"], SALT_SIZE),
        costs=None if fields["costs"] is None else _parse_costs(fields["costs"], floor),
        wrapped=_bytes(fields["wrapped"], WRAPPED_SIZE),
    )


def _parse_costs(value: object, floor: Costs) -> Costs:
    fields = _fields(value, "lanes", "memory_kib", "passes")
    costs = Costs(_integer(fields["memory_kib"]), _integer(fields["passes"]), _integer(fields["lanes"]))
    if fault := costs.fault(floor):
        raise tampered(fault)
    return costs


def _fields(value: object, *names: str) -> dict[str, object]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise tampered("a field is missing, or is not known")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise tampered("a field is not text")
    return value


def _integer(value: object) -> int:
    if type(value) is not int:  # bool is an int, too
        raise tampered("a cost is not a whole number")
    return value


def _hex(value: object, size: int) -> str:
    text = _text(value)
    if not re.fullmatch(rf"[0-9a-f]{{{2 * size}}}", text):
        raise tampered("an id has the wrong form")
    return text


def _bytes(value: object, size: int) -> bytes:
    try:
        raw = base64.b64decode(_text(value), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != size:
        raise tampered("a value has the wrong size")
    return raw


def _encode_bytes(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
