"""Remote procedure calls over a named pipe (MS-RPCE), and the few of SAMR and LSARPC that only open and read.

Every right is asked for by opening a handle with just that access and closing it; nothing is ever set.
"""

import struct
from collections.abc import Callable
from typing import Final
from uuid import UUID

# The NT status that a call ended with is an RpcRefused, a broken answer a ValueError.
Transact = Callable[[bytes], bytes]

SAMR: Final = (UUID("12345778-1234-abcd-ef00-0123456789ac"), 1)
LSARPC: Final = (UUID("12345778-1234-abcd-ef00-0123456789ab"), 0)
_NDR: Final = (UUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2)

FORCE_PASSWORD_CHANGE: Final = 0x80
CHANGE_PASSWORD: Final = 0x40
READ_ACCOUNT: Final = 0x1B  # general, preferences, logon, account
LOOK_UP: Final = 0x200
LIST_ACCOUNTS: Final = 0x304

_HEADER: Final = struct.Struct("<BBBB4sHHI")
_LITTLE_ENDIAN: Final = b"\x10\0\0\0"
_REQUEST, _RESPONSE, _FAULT, _BIND, _BIND_ACK = 0, 2, 3, 11, 12
_FIRST, _LAST = 1, 2
_FRAGMENT: Final = 4280
_NO_MORE: Final = {0, 0x105}  # success, more entries
_NAME: Final = 0x20000  # any pointer that is not null
_PAGES: Final = 10


class RpcRefused(Exception):
    """The server refused a call; `status` is its NT status or RPC fault."""

    def __init__(self, status: int) -> None:
        super().__init__(f"0x{status:08X}")
        self.status = status


class Interface:
    """One bound interface. Raises RpcRefused when the server refuses a call, ValueError when it talks nonsense."""

    def __init__(self, transact: Transact, interface: tuple[UUID, int]) -> None:
        self._transact = transact
        self._number = 0
        syntax = b"".join(uuid.bytes_le + struct.pack("<I", version) for uuid, version in (interface, _NDR))
        kind, body = self._exchange(_BIND, struct.pack("<HHIBxxxHBx", _FRAGMENT, _FRAGMENT, 0, 1, 0, 1) + syntax)
        port = struct.unpack_from("<H", body, 8)[0] if kind == _BIND_ACK else 0
        result = 10 + port + (-(10 + port)) % 4 + 4
        if kind != _BIND_ACK or struct.unpack_from("<H", body, result)[0] != 0:
            raise RpcRefused(0xC0000022)

    def call(self, number: int, stub: bytes) -> bytes:
        """What one call answers, its status checked and cut off."""
        kind, body = self._exchange(_REQUEST, struct.pack("<IHH", len(stub), 0, number) + stub)
        if kind == _FAULT:
            raise RpcRefused(struct.unpack_from("<I", body, 8)[0])
        answer, status = body[8:-4], struct.unpack("<I", body[-4:])[0]
        if status not in _NO_MORE:
            raise RpcRefused(status)
        return answer

    def _exchange(self, kind: int, body: bytes) -> tuple[int, bytes]:
        self._number += 1
        size = _HEADER.size + len(body)
        data = self._transact(_HEADER.pack(5, 0, kind, _FIRST | _LAST, _LITTLE_ENDIAN, size, 0, self._number) + body)
        whole = b""
        while True:
            try:
                _, _, answered, flags, _, length, _, _ = _HEADER.unpack_from(data)
            except struct.error:
                msg = "not an answer to a remote procedure call"
                raise ValueError(msg) from None
            while len(data) < length:
                data += self._transact(b"")
            part, data = data[_HEADER.size : length], data[length:]
            whole += part[8:] if whole and answered == _RESPONSE else part
            if flags & _LAST:
                return answered, whole
            if not data:
                data = self._transact(b"")


class Reader:
    """Reads NDR: numbers are aligned to their size, what pointers point to follows later."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def number(self, form: str = "I") -> int:
        size = struct.calcsize(form)
        self._place += -self._place % size
        try:
            (value,) = struct.unpack_from("<" + form, self._data, self._place)
        except struct.error:
            msg = "an answer is cut short"
            raise ValueError(msg) from None
        self._place += size
        return int(value)

    def raw(self, size: int) -> bytes:
        self._place += size
        return self._data[self._place - size : self._place]

    def text(self) -> str:
        """What a string's pointer points to."""
        self.number()
        self.number()
        return self.raw(2 * self.number()).decode("utf-16-le", "replace")


def _name(text: str) -> bytes:
    """The fixed part of a counted string."""
    size = len(text.encode("utf-16-le"))
    return struct.pack("<HHI", size, size, _NAME)


def _letters(text: str) -> bytes:
    """What a counted string points to, filled up to four bytes."""
    data = text.encode("utf-16-le")
    return struct.pack("<III", len(data) // 2, 0, len(data) // 2) + data + bytes(-len(data) % 4)


class Accounts:
    """The accounts of the machine, or of its domain on a domain controller. Each method is a read."""

    def __init__(self, interface: Interface, host: str) -> None:
        self._samr = interface
        pointer = struct.pack("<I", _NAME) + _letters(f"\\\\{host}\0")
        self._server = interface.call(57, pointer + struct.pack("<I", 0x30))[:20]  # SamrConnect2: list and look up
        self.domain = self._own_domain()
        answer = Reader(interface.call(5, self._server + _name(self.domain) + _letters(self.domain)))
        answer.number()
        parts = answer.number()
        self._sid = struct.pack("<I", parts) + answer.raw(8 + 4 * parts)

    def _own_domain(self) -> str:
        """The one domain that is not Builtin."""
        names = self._listed(6, self._server, struct.pack("<I", 0xFFFF))
        own = [name for _, name in names if name.casefold() != "builtin"]
        if not own:
            raise RpcRefused(0xC0000022)
        return own[0]

    def open_domain(self, access: int) -> bytes:
        """A handle to the domain with this access."""
        return self._samr.call(7, self._server + struct.pack("<I", access) + self._sid)[:20]

    def find(self, domain: bytes, name: str) -> int:
        """The number of an account. Raises RpcRefused with 0xC0000073 when there is none of this name."""
        names = struct.pack("<IIII", 1, 1000, 0, 1) + _name(name) + _letters(name)
        answer = Reader(self._samr.call(17, domain + names))
        answer.number()
        answer.number()
        answer.number()
        return answer.number()

    def open_user(self, domain: bytes, number: int, access: int) -> bytes:
        """A handle to an account with this access; asking for it is the way to learn whether one has it."""
        return self._samr.call(34, domain + struct.pack("<II", access, number))[:20]

    def read_ends(self, user: bytes) -> tuple[int, int]:
        """When the account and its password end, as FILETIMEs."""
        answer = Reader(self._samr.call(36, user + struct.pack("<H", 21)))
        answer.number()
        answer.number("H")
        answer.number()  # the first half of the first time, which also aligns
        times = [answer.number() for _ in range(11)]
        ends = [low + (high << 32) for low, high in zip(times[5::2], times[6::2], strict=True)]
        return ends[0], ends[2]

    def close(self, handle: bytes) -> None:
        self._samr.call(1, handle)

    def names(self, domain: bytes) -> list[str]:
        """Names of the accounts of people."""
        return [name for _, name in self._listed(13, domain, struct.pack("<II", 0x10, 0xFFFF))]

    def _listed(self, number: int, handle: bytes, options: bytes) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        turn = 0
        for _ in range(_PAGES):
            answer = Reader(self._samr.call(number, handle + struct.pack("<I", turn) + options))
            turn = answer.number()
            part = _entries(answer)
            found += part
            if not turn or not part:
                break
        return found


def _entries(answer: Reader) -> list[tuple[int, str]]:
    if not answer.number() or not answer.number() or not answer.number():
        return []
    fixed = [(answer.number(), answer.number("H"), answer.number("H"), answer.number()) for _ in range(answer.number())]
    return [(number, answer.text() if pointer else "") for number, _, _, pointer in fixed]


def own_name(interface: Interface) -> tuple[str, str]:
    """Who this session is, by LSARPC: domain and user."""
    answer = Reader(interface.call(45, struct.pack("<IIII", 0, 0, _NAME, 0)))
    user = _counted(answer)
    domain = _counted(answer) if answer.number() else ""
    return domain, user


def _counted(answer: Reader) -> str:
    if not answer.number():
        return ""
    answer.number("H")
    answer.number("H")
    return answer.text() if answer.number() else ""
