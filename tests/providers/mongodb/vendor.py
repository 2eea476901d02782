"""MongoDB in miniature: its wire protocol, SCRAM-SHA-256, and what connectionStatus tells of roles and privileges."""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self

import bson

from jackfield.net.network import Network
from providers.contract import World
from support.certificates import authority
from support.faults import answers
from support.serving import HOST, Place, serves

METHOD = "username-and-password"
ROTATION, LEASES = "secret-rotation/database-users", "dynamic-secret/database-users"
USER, PASSWORD, DATABASE = "kms", "pw-Of-Kms-1", "app"
LEASE_ACTIONS = ("createUser", "dropUser", "viewUser", "grantRole", "revokeRole")
ADMIN_ACTIONS = (
    "changeCustomData", "changePassword", "createRole", "createUser", "dropRole", "dropUser", "grantRole", "revokeRole",
    "setAuthenticationRestriction", "viewRole", "viewUser",
)  # fmt: skip
ROUNDS = 4096
HELLO = {"isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 21, "maxBsonObjectSize": 16777216, "ok": 1.0}

Document = dict[str, Any]


@dataclass
class Mongod:
    """One server: its user, what that holds, and how it refuses."""

    roles: list[tuple[str, str]] = field(default_factory=list)
    privileges: list[Document] = field(default_factory=list)
    mechanisms: tuple[str, ...] = ("SCRAM-SHA-256",)
    hello: Document = field(default_factory=lambda: dict(HELLO))
    refusal: int = 18
    refuses: bool = False
    open_to_all: bool = False
    logins: int = 0
    asked: int = 0  # commands of whoever is logged in, but for a farewell

    def talk(self, client: socket.socket, place: Place) -> None:
        """Answer OP_QUERY and OP_MSG until the client leaves."""
        talk = Conversation(self)
        with client.makefile("rb") as stream:
            while head := stream.read(16):
                size, number, _, kind = struct.unpack("<iiii", head)
                client.sendall(reply(kind, number, talk.answer(*command(kind, stream.read(size - 16)))))


def command(kind: int, body: bytes) -> tuple[str, Document]:
    """The database and the command of a message: OP_QUERY (2004), or OP_MSG with a section of kind 0."""
    if kind == 2004:
        name, _, rest = body[4:].partition(b"\0")
        return name.decode().partition(".")[0], bson.decode(rest[8:])
    document = bson.decode(body[5:])
    return str(document["$db"]), document


def reply(kind: int, number: int, document: Document) -> bytes:
    data = bson.encode(document)
    if kind == 2004:
        body, answered = struct.pack("<iqii", 8, 0, 0, 1) + data, 1
    else:
        body, answered = struct.pack("<IB", 0, 0) + data, 2013
    return struct.pack("<iiii", 16 + len(body), 1, number, answered) + body


class Conversation:
    """What one connection has been told so far."""

    def __init__(self, server: Mongod) -> None:
        self.server = server
        self.source = ""
        self.first = self.challenge = ""

    def answer(self, database: str, asked: Document) -> Document:
        name = next(iter(asked))
        self.server.asked += bool(self.source) and name.lower() not in {"hello", "endsessions"}
        match name.lower():
            case "hello" | "ismaster":
                known = {"saslSupportedMechs": list(self.server.mechanisms)} if "saslSupportedMechs" in asked else {}
                return {**self.server.hello, "ismaster": self.server.hello["isWritablePrimary"], **known}
            case "saslstart":
                return self.start(database, bytes(asked["payload"]).decode())
            case "saslcontinue":
                return self.proceed(database, bytes(asked["payload"]).decode())
            case "endsessions" | "ping":
                return {"ok": 1.0}
            case "connectionstatus":
                return {"authInfo": self.status(), "ok": 1.0}
        if not self.source and not self.server.open_to_all:
            return error(13, "Unauthorized", f"Command {name} requires authentication")
        return {"databases": [{"name": DATABASE}], "users": [{"user": USER}], "ok": 1.0}

    def status(self) -> Document:
        if not self.source:
            return {"authenticatedUsers": [], "authenticatedUserRoles": [], "authenticatedUserPrivileges": []}
        return {
            "authenticatedUsers": [{"user": USER, "db": self.source}],
            "authenticatedUserRoles": [{"role": role, "db": database} for role, database in self.server.roles],
            "authenticatedUserPrivileges": self.server.privileges,
        }

    def start(self, database: str, message: str) -> Document:
        self.server.logins += 1
        given = dict(part.split("=", 1) for part in message.split(",")[2:])
        if self.server.refuses or given["n"] != USER or database != DATABASE:
            return error(self.server.refusal, "AuthenticationFailed", "Authentication failed.")
        self.first = message.partition(",,")[2]
        salt = base64.b64encode(b"a salt of sixteen").decode()
        self.challenge = f"r={given['r']}{secrets.token_hex(8)},s={salt},i={ROUNDS}"
        return {"conversationId": 1, "done": False, "payload": self.challenge.encode(), "ok": 1.0}

    def proceed(self, database: str, message: str) -> Document:
        if not message:
            return {"conversationId": 1, "done": True, "payload": b"", "ok": 1.0}
        without, _, proof = message.rpartition(",p=")
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"a salt of sixteen", ROUNDS)
        said = f"{self.first},{self.challenge},{without}".encode()
        client_key = digest(salted, b"Client Key")
        mask = digest(hashlib.sha256(client_key).digest(), said)
        if bytes(a ^ b for a, b in zip(client_key, mask, strict=True)) != base64.b64decode(proof):
            return error(self.server.refusal, "AuthenticationFailed", "Authentication failed.")
        self.source = database
        signature = base64.b64encode(digest(digest(salted, b"Server Key"), said)).decode()
        return {"conversationId": 1, "done": True, "payload": f"v={signature}".encode(), "ok": 1.0}


def digest(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def error(code: int, name: str, text: str) -> Document:
    return {"ok": 0.0, "errmsg": text, "code": code, "codeName": name}


def privilege(database: str, *actions: str, collection: str = "") -> Document:
    return {"resource": {"db": database, "collection": collection}, "actions": list(actions)}


class MongoWorld(World):
    """A user with userAdmin on its database, and the role that leases need there and in the database of their roles."""

    one_request = "all that is judged stands in one answer, that of connectionStatus"
    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {ROTATION: {}, LEASES: {"roles": "readWrite@shop"}}
    offers: ClassVar = {"databases": ({}, [DATABASE]), "users": ({}, [USER])}
    hosts: ClassVar = ("mongo.example.com",)

    def __init__(self) -> None:
        self.server = Mongod()
        self.open = ExitStack()
        self.hold(*self.uses)

    def hold(self, *uses: str) -> None:
        """Give the user just what these uses need."""
        self.uses = {use: MongoWorld.uses[use] for use in uses}
        self.actions = {DATABASE: list(LEASE_ACTIONS), "shop": ["grantRole"]}
        self.grant()

    def grant(self) -> None:
        self.server.roles, self.server.privileges = [], []
        if ROTATION in self.uses:
            self.server.roles.append(("userAdmin", DATABASE))
            self.server.privileges.append(privilege(DATABASE, *ADMIN_ACTIONS))
        if LEASES in self.uses:
            self.server.roles.append(("leaseManager", DATABASE))
            self.server.privileges += [privilege(database, *actions) for database, actions in self.actions.items()]

    def __enter__(self) -> Self:
        self.place = self.open.enter_context(serves(self.server.talk, tls=authority().any_name_context()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.close()

    def network(self) -> Network:
        return Network(roots=authority().ca_pem, redirect={(self.hosts[0], 27017): (HOST, self.place.port)})

    def fields(self, method: str) -> dict[str, Any]:
        return {"host": self.hosts[0], "username": USER, "password": PASSWORD, "database": DATABASE}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "pw-of-nobody"}

    def asked(self) -> int:
        return self.server.asked

    def remove(self, method: str, use: str, permission: str) -> None:
        match permission:
            case "userAdmin on {database}":
                self.server.roles, self.server.privileges = [], []
            case "grantRole on the database of each role":
                del self.actions["shop"]
                self.grant()
            case _:
                self.actions[DATABASE].remove(permission.partition(" ")[0])
                self.grant()

    def add_excess(self, method: str) -> str:
        self.server.roles.append(("readAnyDatabase", "admin"))
        return "readAnyDatabase@admin"

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "bad-login":
                return self.wrong_fields(method)
            case "atlas":
                self.server.refusal, self.server.refuses = 8000, True
            case "no-mechanism":
                self.server.mechanisms = ("MONGODB-X509",)
                self.server.refuses, self.server.refusal = True, 334
            case "no-answer":
                self.place = self.open.enter_context(
                    answers(b"HTTP/1.1 400\r\n\r\n", tls=authority().any_name_context())
                )
                self.place.received += b"\r\n\r\n"  # it answers at once
        return None
