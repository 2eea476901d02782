"""Access lists of Active Directory: what a self-relative security descriptor says of a set of security identifiers."""

import struct
from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

DELETE_CHILD: Final = 0x2
WRITE_PROPERTY: Final = 0x20
CONTROL_ACCESS: Final = 0x100
DELETE: Final = 0x10000
FULL_CONTROL: Final = 0xF01FF
GENERIC_ALL: Final = 0x10000000
GENERIC_WRITE: Final = 0x40000000

RESET_PASSWORD: Final = UUID("00299570-246d-11d0-a768-00aa006e0529")
CHANGE_PASSWORD: Final = UUID("ab721a53-1e2f-11d0-9819-00aa0040529b")
USER_CLASS: Final = UUID("bf967aba-0de6-11d0-a285-00aa003049e2")
USER_ACCOUNT_CONTROL: Final = UUID("bf967a68-0de6-11d0-a285-00aa003049e2")
ACCOUNT_RESTRICTIONS: Final = UUID("4c164200-20c0-11d0-a768-00aa006e0529")  # the property set userAccountControl is in

EVERYONE: Final = "S-1-1-0"
AUTHENTICATED_USERS: Final = "S-1-5-11"
SELF: Final = "S-1-5-10"

_DACL_PRESENT: Final = 0x4
_INHERITED_BY_CONTAINERS: Final = 0x2
_INHERIT_ONLY: Final = 0x8
_ALLOW, _DENY, _ALLOW_OBJECT, _DENY_OBJECT = 0, 1, 5, 6
_CONDITIONAL: Final = range(9, 13)


class Held(StrEnum):
    """How a right is held; UNDECIDED where a conditional entry would have to be evaluated by the server."""

    EXACT = "exact"
    WIDE = "wide"
    NO = "no"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Entry:
    """One access control entry."""

    kind: int
    flags: int
    mask: int
    object_type: UUID | None
    inherited_type: UUID | None
    sid: str


def read_sid(data: bytes) -> str:
    """A binary security identifier as S-1-…. Raises ValueError when it is cut short."""
    if len(data) < 8 or len(data) < 8 + 4 * data[1]:
        msg = "a security identifier is cut short"
        raise ValueError(msg)
    parts = struct.unpack_from(f"<{data[1]}I", data, 8)
    return "-".join(map(str, ("S", data[0], int.from_bytes(data[2:8], "big"), *parts)))


def read_entries(descriptor: bytes) -> tuple[Entry, ...] | None:
    """The entries of the discretionary list in order; None where there is no list, so that everyone may do anything.

    Raises ValueError for bytes that are no security descriptor.
    """
    try:
        control, offset = struct.unpack_from("<2xH12xI", descriptor)
        if not control & _DACL_PRESENT or offset == 0:
            return None
        (count,) = struct.unpack_from("<H", descriptor, offset + 4)
        return tuple(_read_list(descriptor, offset + 8, count))
    except (struct.error, IndexError):
        msg = "not a security descriptor"
        raise ValueError(msg) from None


def _read_list(data: bytes, offset: int, count: int) -> Iterator[Entry]:
    for _ in range(count):
        kind, flags, size, mask = struct.unpack_from("<BBHI", data, offset)
        place = offset + 8
        object_type = inherited_type = None
        if kind in {_ALLOW_OBJECT, _DENY_OBJECT, 11, 12}:
            (present,) = struct.unpack_from("<I", data, place)
            place += 4
            if present & 1:
                object_type, place = UUID(bytes_le=data[place : place + 16]), place + 16
            if present & 2:
                inherited_type, place = UUID(bytes_le=data[place : place + 16]), place + 16
        yield Entry(kind, flags, mask, object_type, inherited_type, read_sid(data[place : offset + size]))
        offset += size


def how_held(  # the rules of one walk belong together
    entries: tuple[Entry, ...] | None, sids: Set[str], right: int, *types: UUID, by_new_users: bool = False
) -> Held:
    """How these identifiers hold `right`, for one of the object `types` where given: the first entry about it decides.

    With `by_new_users`, what counts is what a user object below would inherit, not the object itself.
    """
    if entries is None:
        return Held.WIDE
    generic = GENERIC_ALL | (GENERIC_WRITE if right == WRITE_PROPERTY else 0)
    for entry in entries:
        if entry.sid not in sids or not entry.mask & (right | generic):
            continue
        if entry.object_type is not None and entry.object_type not in types:
            continue
        if not (_reaches_new_users(entry) if by_new_users else not entry.flags & _INHERIT_ONLY):
            continue
        if entry.kind in _CONDITIONAL:
            return Held.UNDECIDED
        if entry.kind in {_DENY, _DENY_OBJECT}:
            return Held.NO
        if entry.kind in {_ALLOW, _ALLOW_OBJECT}:
            full = bool(entry.mask & GENERIC_ALL) or entry.mask & FULL_CONTROL == FULL_CONTROL
            return Held.WIDE if full or (types and entry.object_type is None) else Held.EXACT
    return Held.NO


def _reaches_new_users(entry: Entry) -> bool:
    return bool(entry.flags & _INHERITED_BY_CONTAINERS) and entry.inherited_type in {None, USER_CLASS}
