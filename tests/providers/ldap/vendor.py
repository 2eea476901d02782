"""Active Directory as it is: a real domain controller, and a scripted server for what it will not say on demand."""

import re
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, ClassVar, Self
from uuid import UUID

from jackfield.model.connection import IntendedUse
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from jackfield.providers.ldap.descriptor import CHANGE_PASSWORD, RESET_PASSWORD, USER_ACCOUNT_CONTROL, USER_CLASS
from providers.contract import REGISTRY, World
from support.servers.directories import ActiveDirectory
from support.servers.room import HOST, unique
from support.serving import Place, serves

METHOD = "simple-bind"
ROTATION, LEASES, CERTIFICATES = "secret-rotation/user-password", "dynamic-secret/ldif-users", "pki/host-certificates"
RESET = "Reset Password extended right 00299570-246d-11d0-a768-00aa006e0529 on the target"
MEMBER = UUID("bf9679c0-0de6-11d0-a285-00aa003049e2")
DACL_ONLY = ("1.2.840.113556.1.4.801", True, b"\x30\x03\x02\x01\x04")
# What dsacls spells: where a line is inherited, rights, and the things they are about.
SPREAD = {None: 0, "T": 0x2, "S": 0x2 | 0x8}  # this entry only; also what is below it; only what is below it
BITS = {"CC": 0x1, "DC": 0x2, "WP": 0x20, "CA": 0x100}
OBJECTS = {
    "user": USER_CLASS, "Reset Password": RESET_PASSWORD, "userAccountControl": USER_ACCOUNT_CONTROL, "member": MEMBER,
}  # fmt: skip
WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"


@dataclass(frozen=True, slots=True)
class Right:
    """One entry of an access list, for the account under test."""

    dn: str
    mask: int
    object_type: UUID
    flags: int = 0
    deny: bool = False
    inherited_type: UUID | None = None

    def encoded(self, sid: bytes) -> bytes:
        body = struct.pack("<II", self.mask, 3 if self.inherited_type else 1) + self.object_type.bytes_le
        body += (self.inherited_type.bytes_le if self.inherited_type else b"") + sid
        return struct.pack("<BBH", 6 if self.deny else 5, self.flags, len(body) + 4) + body


class DirectoryWorld(World):
    """An account with just the rights that the shown dsacls lines give it, on two units and a group of its own."""

    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {ROTATION: {}, LEASES: {}, CERTIFICATES: {}}
    shared = True

    def __init__(self, server: ActiveDirectory) -> None:
        self.server = server
        self._open = ExitStack()
        self._before: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        self.login = self._open.enter_context(self.server.person())
        self.target_login = self._open.enter_context(self.server.person())
        self.connection = self._open.enter_context(self.server.connected())
        self.apps, self.unit = (f"OU={unique('ou-')},{self.server.base}" for _ in range(2))
        for unit in (self.apps, self.unit):
            self.connection.add(unit, ["organizationalUnit"])
            self._open.callback(self.connection.delete, unit)
        self.target = self._moved(self.server.dn(self.target_login), self.apps)
        self._open.callback(self._moved, self.target, f"CN=Users,{self.server.base}")
        group = unique("group-")
        self.group = f"CN={group},CN=Users,{self.server.base}"
        self.connection.add(self.group, ["group"], {"sAMAccountName": group})
        self._open.callback(self.connection.delete, self.group)
        account = {"netbios": "ADTEST", "account": self.login.user.partition("@")[0]}
        self.uses = {
            ROTATION: {"user": self.target, "unit": self.apps, **account},
            LEASES: {"unit": self.unit, "group": self.group, **account},
            CERTIFICATES: account,
        }
        self.offers = {  # type: ignore[misc]  # the names are fresh in each world
            "users": ({}, sorted([self.target, self.server.dn(self.login)], key=str.casefold)),
            "units": ({}, sorted([self.apps, self.unit], key=str.casefold)),
        }
        rows = {
            (self.apps, "CA", "Reset Password"): RESET,
            (self.unit, "CC", "user"): "Create Child user in the OU",
            (self.unit, "DC", "user"): "Delete Child or Delete on it",
            (self.unit, "CA", "Reset Password"): "Reset Password",
            (self.unit, "WP", "userAccountControl"): "write userAccountControl",
            (self.group, "WP", "member"): "write member on the group",
        }
        self.rights = {rows[said]: right for said, right in self._shown()}
        self.grant()
        return self

    def _shown(self) -> Iterator[tuple[tuple[str, str, str], Right]]:
        """What the dsacls lines of the snippet grant, read as dsacls reads them: entry, right and object of each."""
        uses = [IntendedUse(use, targets) for use, targets in self.uses.items()]
        text = merged_snippet(REGISTRY.get("ldap"), uses, self.fields(METHOD))
        for line in re.finditer(r'^dsacls "([^"]+)"(?: /I:([ST]))? /G (.+)$', text, re.MULTILINE):
            for grant in re.findall(r'"([^"]+)"', line[3]):
                trustee, _, said = grant.partition(":")
                assert trustee == f"ADTEST\\{self.login.user.partition('@')[0]}"
                bits, thing, *inherited = said.split(";")
                below = OBJECTS[inherited[0]] if inherited else None
                for bit in re.findall("..", bits):
                    right = Right(line[1], BITS[bit], OBJECTS[thing], SPREAD[line[2]], inherited_type=below)
                    yield (line[1], bit, thing), right

    def _moved(self, dn: str, unit: str) -> str:
        """The name of an entry after it was moved below `unit`."""
        name = dn.partition(",")[0]
        self.connection.modify_dn(dn, name, new_superior=unit)
        return f"{name},{unit}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def grant(self) -> None:
        """Write the access lists: what stood there, and before it the account's rights."""
        sid = self._raw(self.server.dn(self.login), "objectSid")
        for dn in {right.dn for right in self.rights.values()} | set(self._before):
            before = self._before.setdefault(dn, self._raw(dn, "nTSecurityDescriptor"))
            control, offset = struct.unpack_from("<2xH12xI", before)
            size, count = struct.unpack_from("<HH", before, offset + 2)
            entries = [right.encoded(sid) for right in self.rights.values() if right.dn == dn]
            body = b"".join(entries) + before[offset + 8 : offset + size]
            header = struct.pack("<BBHHH", 4, 0, len(body) + 8, count + len(entries), 0)
            descriptor = struct.pack("<BBHIIII", 1, 0, control, 0, 0, 0, 20) + header + body
            self.connection.modify(dn, {"nTSecurityDescriptor": [("MODIFY_REPLACE", [descriptor])]}, [DACL_ONLY])

    def forbid_own_change(self) -> None:
        """Tick `User cannot change password` on the target: the entry for SELF is a denial."""
        self.rights["denied"] = Right(self.target, 0x100, CHANGE_PASSWORD, deny=True)
        self.grant()

    def _raw(self, dn: str, attribute: str) -> bytes:
        self.connection.search(dn, "(objectClass=*)", "BASE", attributes=[attribute], controls=[DACL_ONLY])
        return self.connection.response[0]["raw_attributes"][attribute][0]

    def network(self) -> Network:
        ports = (self.server.port, self.server.tls_port)
        return Network(redirect={("localhost", port): (self.server.host, port) for port in ports})

    private_allowed = True

    def fields(self, method: str) -> dict[str, Any]:
        return {
            "url": "ldaps://localhost", "dn": self.login.user, "password": self.login.password,
            "sslCertificate": self.server.ca_pem,
        }  # fmt: skip

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "Str0ng-pw!OfNobody"}

    def remove(self, method: str, use: str, permission: str) -> None:
        del self.rights[permission]
        self.grant()

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith(("Change Password", "read on", "write on userPassword"))

    def revoke(self, method: str) -> None:
        self.connection.delete(self.server.dn(self.login))

    def add_excess(self, method: str) -> str:
        members = {"member": [("MODIFY_ADD", [self.server.dn(self.login)])]}
        self.connection.modify(f"CN=Account Operators,CN=Builtin,{self.server.base}", members)
        return "Account Operators"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        fields = self.fields(method)
        match failure:
            case "bad-password":
                return self.wrong_fields(method)
            case "disabled" | "must-change":
                options = {"disabled": failure == "disabled", "must_change": failure == "must-change"}
                login = self._open.enter_context(self.server.person(**options))
                return {**fields, "dn": login.user, "password": login.password}
            case "tls-demanded":
                return {**fields, "url": "ldap://localhost"}
        place = self._open.enter_context(scripted(*SCRIPTS[failure]))
        return {**fields, "url": f"ldap://{HOST}:{place.port}"}


def data(code: str) -> str:
    """The text with which Active Directory explains a refused bind."""
    return f"80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data {code}, v4f7c"


# Failure → result code and text of the bind, and whether the server can be asked who one is.
SCRIPTS: dict[str, tuple[int, str, bool]] = {
    "no-such-user": (49, data("525"), False),
    "not-now-or-not-here": (49, data("530"), False),
    "password-expired": (49, data("532"), False),
    "account-expired": (49, data("701"), False),
    "locked": (49, data("775"), False),
    "refused": (49, "", False),
    "unwilling": (53, "unauthenticated bind (DN with no password) disallowed", False),
    "unknown-name": (32, "", False),
    "malformed-name": (34, "invalid DN", False),
    "referral": (10, "", False),
    "anonymous": (0, "", True),
    "nobody": (0, "", False),
}


def scripted(code: int, text: str, tells_who: bool) -> AbstractContextManager[Place]:
    """An LDAP server that ends every bind with `code`; to Who-am-I it answers with nobody, and it has no entries."""

    def talk(client: Any, place: Place) -> None:
        with client.makefile("rb") as stream:
            while request := read_element(stream):
                number, rest = request[: 2 + request[1]], request[2 + request[1] :]
                client.sendall(b"".join(element(0x30, number + answer) for answer in answers(rest)))

    def answers(request: bytes) -> list[bytes]:
        match request[0]:
            case 0x60:
                referral = element(0xA3, octets("ldap://127.0.0.1:1/dc=elsewhere")) if code == 10 else b""
                return [result(0x61, code, text, referral)]
            case 0x63:
                start = 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)
                about_root = request[start : start + 2] == octets("")
                known = attribute("supportedExtension", WHO_AM_I) if tells_who else attribute("vendorName", "Scripted")
                entry = element(0x64, octets("") + element(0x30, known))
                return [entry, result(0x65, 0)] if about_root else [result(0x65, 32)]
            case 0x77:
                return [result(0x78, 0, "", element(0x8B, b""))]
        return []

    return serves(talk)


def read_element(stream: BinaryIO) -> bytes:
    """The content of the next message; empty at the end."""
    head = stream.read(2)
    if len(head) < 2:
        return b""
    length = head[1] if head[1] < 0x80 else int.from_bytes(stream.read(head[1] & 0x7F), "big")
    return stream.read(length)


def element(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def octets(text: str) -> bytes:
    return element(0x04, text.encode())


def attribute(name: str, value: str) -> bytes:
    return element(0x30, octets(name) + element(0x31, octets(value)))


def result(tag: int, code: int, text: str = "", more: bytes = b"") -> bytes:
    return element(tag, bytes([0x0A, 1, code]) + octets("") + octets(text) + more)
