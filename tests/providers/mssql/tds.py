"""TDS 7.4 as a server speaks it: pre-login, TLS inside it, LOGIN7, SQL batches and tables of text and integers.

Written from the protocol's public description (MS-TDS).
"""

import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from support.wire import Wire

BATCH, LOGIN, PRELOGIN, REPLY = 1, 16, 18, 4
OFF, ON, NOT_SUPPORTED, REQUIRED = 0, 1, 2, 3
_COLLATION: Final = bytes.fromhex("0904d00034")
_INFO_SEVERITY, _LOGIN_SEVERITY = 10, 14

Row = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str
    database: str


class Refused(Exception):
    """Error numbers, in the order the server sends them; after the `last` it hangs up."""

    def __init__(self, numbers: tuple[int, ...], *, last: bool = False) -> None:
        super().__init__(numbers)
        self.numbers = numbers
        self.last = last


class Conversation:
    """One client, from its pre-login to its end."""

    def __init__(self, wire: Wire, context: ssl.SSLContext | None, *, encryption: int = ON) -> None:
        self._wire = wire
        self._context = context
        self._encryption = encryption
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def pre_login(self) -> bool:
        """Agree on encryption; False where the client wants something else and leaves."""
        wanted = _option(self._message(PRELOGIN), 1)[0]
        encrypted = self._context is not None and (wanted in {ON, REQUIRED} or self._encryption == REQUIRED)
        if self._context is None:
            answer = NOT_SUPPORTED
        elif self._encryption == REQUIRED:
            answer = ON if wanted == ON else REQUIRED
        else:
            answer = ON if wanted == ON else NOT_SUPPORTED
        self._send(_prelogin_answer(answer))
        if encrypted and wanted == NOT_SUPPORTED:
            return False
        if encrypted:
            self._shake_hands()
        return True

    def login(self) -> Login:
        body = self._message(LOGIN)
        texts = []
        for place in (40, 44, 68):  # user name, password, database: offset and length in characters
            offset, length = struct.unpack_from("<HH", body, place)
            texts.append(body[offset : offset + 2 * length])
        password = bytes(((byte ^ 0xA5) << 4 | (byte ^ 0xA5) >> 4) & 0xFF for byte in texts[1])
        return Login(*(text.decode("utf-16-le") for text in (texts[0], password, texts[2])))

    def accept(self, database: str) -> None:
        name = "Microsoft SQL Server"
        ack = b"\x01" + bytes.fromhex("74000004") + _b_text(name) + bytes([16, 0, 4, 85])
        self._send(_env_change(1, database) + _token(0xAD, ack) + _done())

    def route_elsewhere(self, host: str, port: int) -> None:
        """Tell the client to log in at another address."""
        place = struct.pack("<BHH", 0, port, len(host)) + host.encode("utf-16-le")
        name = "Microsoft SQL Server"
        ack = b"\x01" + bytes.fromhex("74000004") + _b_text(name) + bytes([16, 0, 4, 85])
        route = _token(0xE3, b"\x14" + struct.pack("<H", len(place)) + place + b"\0\0")
        self._send(_token(0xAD, ack) + route + _done())

    def refuse(self, refused: Refused) -> None:
        self._send(b"".join(_error(number) for number in refused.numbers) + _done(error=True))

    def serve(self, answer: Callable[[str], Sequence[Row]]) -> None:
        """Answer batches until the client leaves; `answer` raises Refused."""
        while True:
            body = self._message(BATCH)
            statement = body[int.from_bytes(body[:4], "little") :].decode("utf-16-le")
            try:
                rows = answer(" ".join(statement.split()))
            except Refused as refused:
                self.refuse(refused)
                if refused.last:
                    return
                continue
            self._send(_table(rows) + _done(len(rows)) if rows else _done())

    def _message(self, kind: int) -> bytes:
        body = b""
        while True:
            got, status, size = struct.unpack(">BBHxxxx", self._read(8))
            assert got == kind, f"packet {got} where {kind} belongs"
            body += self._read(size - 8)
            if status & 1:
                return body

    def _send(self, body: bytes, kind: int = REPLY) -> None:
        for start in range(0, len(body), 4088):
            part = body[start : start + 4088]
            last = start + 4088 >= len(body)
            self._write(struct.pack(">BBHHBB", kind, int(last), len(part) + 8, 51, 1, 0) + part)

    def _read(self, size: int) -> bytes:
        if self._tls is None:
            return self._wire.read(size)
        data = b""
        while len(data) < size:
            try:
                part = self._tls.read(size - len(data))
            except ssl.SSLWantReadError:
                head = self._wire.read(5)
                self._incoming.write(head + self._wire.read(int.from_bytes(head[3:], "big")))
                continue
            if not part:
                raise EOFError
            data += part
        return data

    def _write(self, data: bytes) -> None:
        if self._tls is None:
            self._wire.write(data)
            return
        self._tls.write(data)
        self._wire.write(self._outgoing.read())

    def _shake_hands(self) -> None:
        assert self._context is not None
        tls = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send(self._outgoing.read(), PRELOGIN)
                self._incoming.write(self._message(PRELOGIN))
            except ssl.SSLError:
                raise EOFError from None
            else:
                break
        self._send(self._outgoing.read(), PRELOGIN)
        self._tls = tls


def server_context(context: ssl.SSLContext) -> ssl.SSLContext:
    """TLS inside TDS 7 ends at 1.2."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _option(body: bytes, wanted: int) -> bytes:
    place = 0
    while body[place] != 0xFF:
        option, offset, size = struct.unpack_from(">BHH", body, place)
        if option == wanted:
            return body[offset : offset + size]
        place += 5
    raise AssertionError(f"the client says nothing of option {wanted}")


def _prelogin_answer(encryption: int) -> bytes:
    values = {0: bytes([16, 0, 0, 85, 0, 0]), 1: bytes([encryption]), 2: b"\0", 3: b"", 4: b"\0"}
    place, table = 5 * len(values) + 1, b""
    for option, value in values.items():
        table += struct.pack(">BHH", option, place, len(value))
        place += len(value)
    return table + b"\xff" + b"".join(values.values())


def _token(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + struct.pack("<H", len(body)) + body


def _b_text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _us_text(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _env_change(kind: int, new: str) -> bytes:
    return _token(0xE3, bytes([kind]) + _b_text(new) + _b_text("master"))


def _error(number: int) -> bytes:
    body = struct.pack("<iBB", number, 1, _LOGIN_SEVERITY) + _us_text("refused") + _b_text("sql") + _b_text("")
    return _token(0xAA, body + struct.pack("<i", 1))


def _done(count: int = 0, *, error: bool = False) -> bytes:
    return b"\xfd" + struct.pack("<HHQ", (2 if error else 0) | (0x10 if count else 0), 0xC1, count)


def _table(rows: Sequence[Row]) -> bytes:
    names = list(rows[0])
    numbers = {name for name in names if any(isinstance(row[name], int) for row in rows)}
    out = b"\x81" + struct.pack("<H", len(names))
    for name in names:
        kind = b"\x26\x04" if name in numbers else b"\xe7" + struct.pack("<H", 8000) + _COLLATION
        out += struct.pack("<IH", 0, 1) + kind + _b_text(name)
    for row in rows:
        out += b"\xd1"
        for name in names:
            out += _number(row[name]) if name in numbers else _nvarchar(row[name])
    return out


def _number(value: str | int | None) -> bytes:
    return b"\0" if value is None else b"\x04" + struct.pack("<i", int(value))


def _nvarchar(value: str | int | None) -> bytes:
    if value is None:
        return b"\xff\xff"
    data = str(value).encode("utf-16-le")
    return struct.pack("<H", len(data)) + data
