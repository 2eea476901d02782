"""MySQL 8 in miniature: its greeting, its logins with and without TLS, and what it says of rights.

Written from the client/server protocol's documentation: greeting, TLS request, caching_sha2_password, text results.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from typing import Final

from support.certificates import authority
from support.servers.room import HOST
from support.wire import Wire, WireServer

PROTOCOL_41, TLS, CONNECT_WITH_DB, SECURE, PLUGIN, TRANSACTIONS = 0x200, 0x800, 0x8, 0x8000, 0x80000, 0x2000
_CAPABILITIES: Final = 0x1 | PROTOCOL_41 | CONNECT_WITH_DB | SECURE | PLUGIN | TRANSACTIONS
_SALT: Final = b"abcdefghijklmnopqrst"
_OK: Final = b"\0\0\0\x02\0\0\0"
_EOF: Final = b"\xfe\0\0\x02\0"
_MESSAGES: Final = {
    1040: "Too many connections", 1045: "Access denied for user", 1129: "Host is blocked", 1130: "Host is not allowed",
    1227: "Access denied; you need the privilege", 1820: "You must reset your password", 3118: "Account is locked",
    3159: "Connections using insecure transport are prohibited",
}  # fmt: skip


@dataclass
class MySql8:
    """One account. `grants` and `with_roles` are what SHOW GRANTS tells without and with its active roles.

    `greets_with` is an error instead of a greeting, `refuses_with` one in place of a login.
    """

    user: str = "robot"
    password: str = "right"
    version: str = "8.0.36"
    grants: list[str] = field(default_factory=list)
    with_roles: list[str] = field(default_factory=list)
    active_roles: str = "NONE"
    tls: bool = True
    plugin: str = "caching_sha2_password"
    greets_with: int = 0
    refuses_with: int = 0
    banner: bytes = b""
    asked: list[str] = field(default_factory=list)

    def server(self) -> WireServer:
        return WireServer(self._converse)

    def _converse(self, wire: Wire) -> None:
        if self.banner:
            wire.write(self.banner)
            wire.read(1)
            return
        if self.greets_with:
            _send(wire, 0, _error(self.greets_with, with_state=False))
            return
        _send(wire, 0, self._greeting())
        number, answer = _receive(wire)
        secure = bool(struct.unpack("<I", answer[:4])[0] & TLS)
        if secure:
            assert self.tls, "a client asked for TLS that was not offered"
            wire.secure(authority().server_context(HOST))
            number, answer = _receive(wire)
        if self.refuses_with:
            _send(wire, number + 1, _error(self.refuses_with))
            return
        if self._login(wire, number, answer, secure=secure):
            self._serve(wire)

    def _greeting(self) -> bytes:
        offered = _CAPABILITIES | (TLS if self.tls else 0)
        return (
            b"\x0a" + self.version.encode() + b"\0" + struct.pack("<I", 7) + _SALT[:8] + b"\0"
            + struct.pack("<HBHHB", offered & 0xFFFF, 255, 2, offered >> 16, 21) + bytes(10)
            + _SALT[8:] + b"\0" + self.plugin.encode() + b"\0"
        )  # fmt: skip

    def _login(self, wire: Wire, number: int, answer: bytes, *, secure: bool) -> bool:
        user, _, rest = answer[32:].partition(b"\0")
        proof, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        known = user.decode() == self.user
        if self.plugin != "caching_sha2_password":
            _send(wire, number + 1, b"\xfe" + self.plugin.encode() + b"\0" + _SALT + b"\0")
            return False
        if not known or proof != _scramble(self.password.encode()):
            _send(wire, number + 1, b"\x01\x04")  # the cache does not know it: say the password itself
            assert secure, "this miniature has no key to encrypt a password with"
            number, plain = _receive(wire)
            if not known or plain.rstrip(b"\0") != self.password.encode():
                _send(wire, number + 1, _error(1045))
                return False
            _send(wire, number + 1, _OK)
            return True
        _send(wire, number + 1, b"\x01\x03")
        _send(wire, number + 2, _OK)
        return True

    def _serve(self, wire: Wire) -> None:
        while True:
            _, command = _receive(wire)
            if command[:1] == b"\x01":
                return
            assert command[:1] == b"\x03", "only queries are served"
            asked = " ".join(command[1:].decode().split())
            self.asked.append(asked)
            self._answer(wire, asked)

    def _answer(self, wire: Wire, asked: str) -> None:
        if asked.startswith("SELECT CURRENT_USER()"):
            columns = ["account", "login", "database", "version", "edition", "read_only"]
            values = [f"{self.user}@%", f"{self.user}@127.0.0.1", "app", self.version, "MySQL Community Server", "0"]
            _rows(wire, columns, [values])
        elif asked == "SHOW SESSION STATUS LIKE 'Ssl_cipher'":
            _rows(wire, ["Variable_name", "Value"], [["Ssl_cipher", "TLS_AES_256_GCM_SHA384" if self.tls else ""]])
        elif asked == "SHOW GRANTS FOR CURRENT_USER()":
            _rows(wire, [f"Grants for {self.user}@%"], [[line] for line in self.grants])
        elif asked == "SELECT CURRENT_ROLE() AS roles":
            _rows(wire, ["roles"], [[self.active_roles]])
        elif asked == f"SHOW GRANTS FOR CURRENT_USER() USING {self.active_roles}":
            _rows(wire, [f"Grants for {self.user}@%"], [[line] for line in self.with_roles])
        elif asked.startswith("ALTER USER USER() IDENTIFIED BY "):
            new, _, old = asked.removeprefix("ALTER USER USER() IDENTIFIED BY ").partition(" REPLACE ")
            if old.strip("'") == self.password:
                self.password = new.strip("'")
                _send(wire, 1, _OK)
            else:
                _send(wire, 1, _error(3891))
        else:
            _send(wire, 1, _error(1227))


def _scramble(password: bytes) -> bytes:
    first = hashlib.sha256(password).digest()
    second = hashlib.sha256(hashlib.sha256(first).digest() + _SALT).digest()
    return bytes(a ^ b for a, b in zip(first, second, strict=True))


def _receive(wire: Wire) -> tuple[int, bytes]:
    head = wire.read(4)
    return head[3], wire.read(int.from_bytes(head[:3], "little"))


def _send(wire: Wire, number: int, body: bytes) -> None:
    wire.write(struct.pack("<I", len(body))[:3] + bytes([number & 0xFF]) + body)


def _error(number: int, *, with_state: bool = True) -> bytes:
    state = b"#HY000" if with_state else b""
    return b"\xff" + struct.pack("<H", number) + state + _MESSAGES.get(number, "refused").encode()


def _text(value: str) -> bytes:
    data = value.encode()
    assert len(data) < 251 or len(data) < 65536
    return (bytes([len(data)]) if len(data) < 251 else b"\xfc" + struct.pack("<H", len(data))) + data


def _rows(wire: Wire, columns: list[str], rows: list[list[str]]) -> None:
    packets = [bytes([len(columns)])]
    for column in columns:
        fixed = b"\x0c" + struct.pack("<HIBHBxx", 45, 1024, 0xFD, 0, 0)
        packets.append(_text("def") + _text("") * 3 + _text(column) + _text("") + fixed)
    packets += [_EOF, *(b"".join(map(_text, row)) for row in rows), _EOF]
    for number, packet in enumerate(packets, 1):
        _send(wire, number, packet)
