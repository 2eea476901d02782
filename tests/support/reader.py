"""A stranger's reader of a home: written from manual/format.md, with nothing of the program it reads."""

import base64
import hashlib
import hmac
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as cipher
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PAGE = 4096
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PURPOSES = {
    "header MAC": ("header mac",),
    "database": ("database",),
    "digest": ("digest",),
    "data key wrap": ("data key wrap",),
    "previous root": ("previous root",),
    "backup manifest": ("purpose", "backup manifest"),
}


def pack(*fields: str | bytes | int) -> bytes:
    """Each field after its length."""
    texts = [field.encode() if isinstance(field, str) else field for field in fields]
    raws = [text.to_bytes(8, "big") if isinstance(text, int) else text for text in texts]
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)


def hkdf(key: bytes, info: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def unseal(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Raises InvalidTag."""
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], associated)


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def key_of(root: bytes, purpose: str) -> bytes:
    return hkdf(root, pack("jackfield 1", *PURPOSES[purpose]))


def passphrase_material(passphrase: str) -> bytes:
    return unicodedata.normalize("NFC", passphrase).encode()


def recovery_material(key: str) -> bytes:
    """The 16 bytes of a recovery key whose checksum is right."""
    number = 0
    for character in key.replace("-", ""):
        number = number << 5 | CROCKFORD.index(character)
    raw = number.to_bytes(20, "big")
    assert raw[16:] == hashlib.sha256(b"jackfield recovery key 1" + raw[:16]).digest()[:4]
    return raw[:16]


def slot_key(slot: dict[str, Any], material: bytes) -> bytes:
    salt, costs = base64.b64decode(slot["salt"]), slot["costs"]
    if costs is None:
        return hkdf(material, pack("jackfield slot key 1", slot["kind"]), salt)
    memory, passes, lanes = costs["memory_kib"], costs["passes"], costs["lanes"]
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(material)


def open_header(raw: bytes, kind: str, material: bytes) -> tuple[str, bytes]:
    """The store's id and the root key, from the first slot of this kind; digest and MAC are checked."""
    lines = raw.splitlines(keepends=True)
    assert lines[0] == b"jackfield-vault 1\n"
    assert lines[2] == b"sha256 " + hashlib.sha256(b"".join(lines[:2])).hexdigest().encode() + b"\n"
    body = json.loads(lines[1])
    slot = next(slot for slot in body["slots"] if slot["kind"] == kind)
    costs = slot["costs"] or {"memory_kib": 0, "passes": 0, "lanes": 0}
    numbers = costs["memory_kib"], costs["passes"], costs["lanes"]
    associated = pack("jackfield slot 1", body["store"], slot["id"], kind, base64.b64decode(slot["salt"]), *numbers)
    root = unseal(slot_key(slot, material), base64.b64decode(slot["wrapped"]), associated)
    made = mac(key_of(root, "header MAC"), b"".join(lines[:3]))
    assert lines[3:] == [b"hmac-sha256 " + made.hex().encode() + b"\n"]
    return body["store"], root


def open_previous(root: bytes, sealed: bytes, store: str) -> bytes:
    return unseal(key_of(root, "previous root"), sealed, pack("jackfield previous root 1", store))


def open_data_key(root: bytes, wrapped: bytes, store: str, scope: str) -> bytes:
    assert wrapped[0] == 1
    associated = pack("jackfield data key 1", store, scope, wrapped[1:17].hex())
    return unseal(key_of(root, "data key wrap"), wrapped[17:], associated)


def open_value(
    key: bytes, blob: bytes, store: str, *, table: str, row: str, column: str, scope: str, version: int
) -> bytes:
    assert blob[0] == 1
    associated = pack("jackfield blob 1", blob[1:17].hex(), store, table, row, column, scope, version)
    return unseal(hkdf(key, pack("jackfield blob key 1"), blob[17:33]), blob[33:], associated)


def trail_key(data_key: bytes) -> bytes:
    return hkdf(data_key, b"audit")


def anchor_mac(data_key: bytes, first: bytes, second: bytes) -> bytes:
    return mac(hkdf(data_key, b"anchor"), first + b"\n" + second + b"\n")


def head_code(count: int, last: bytes) -> str:
    """How the head of a trail is shown, whose last entry has this MAC."""
    shown = last[:8]
    check = hashlib.sha256(b"jackfield trail head 1" + count.to_bytes(8, "big") + shown).digest()[:2]
    number = int.from_bytes(shown + check, "big")
    text = "".join(CROCKFORD[number >> shift & 31] for shift in range(75, -1, -5))
    return "-".join([str(count), *(text[at : at + 4] for at in range(0, 16, 4))])


def anchor_name(store: str, home: Path) -> str:
    return f"{store}-{hashlib.sha256(bytes(home.resolve())).hexdigest()[:16]}"


def covered(
    seq: int, at: int, texts: tuple[str, ...], previous: bytes, left: Sequence[tuple[str, str, int]] = ()
) -> bytes:
    """What the MAC of an entry covers; `texts` are actor, host, action, object, object_name, outcome, reason.

    `left` is name, what and version of each row that it leaves.
    """
    parts = (part for one in left for part in one)
    return pack("jackfield-trail-1", seq, at.to_bytes(8, "big", signed=True), *texts, *parts, previous)


def digest_of(rows: Iterable[Sequence[object]]) -> str:
    """How a name of `audit_left` sums up rows that hang on another."""
    texts = ["" if value is None else str(value) for row in rows for value in row]
    return hashlib.sha256(pack(*texts)).hexdigest()[:32]


def page_mac_key(database_key: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", database_key, bytes(byte ^ 0x3A for byte in salt), 2, 32)


def decrypt_pages(raw: bytes, database_key: bytes) -> bytes:
    """An SQLite file out of an encrypted one, every page's HMAC checked; without the unused ends of pages."""
    mac_key, plain = page_mac_key(database_key, raw[:16]), b""
    for number in range(1, len(raw) // PAGE + 1):
        page, start = raw[(number - 1) * PAGE : number * PAGE], 16 if number == 1 else 0
        signed = page[start:4032] + number.to_bytes(4, "little")
        assert hmac.digest(mac_key, signed, "sha512") == page[4032:], number
        decryptor = Cipher(algorithms.AES(database_key), modes.CBC(page[4016:4032])).decryptor()
        body = decryptor.update(page[start:4016]) + decryptor.finalize()
        plain += (b"SQLite format 3\0" if number == 1 else b"") + body
    return plain


def bundle_keys(header: bytes, passphrase: bytes) -> tuple[bytes, bytes, bytes]:
    """The bundle key, the header MAC key and the seal key of a bundle with this line 2."""
    body = json.loads(header)
    key = slot_key({"salt": body["salt"], "costs": body["costs"]}, passphrase)
    return key, *(hkdf(key, pack("jackfield bundle 1", purpose)) for purpose in ("header mac", "seal"))


def open_bundle(raw: bytes, passphrase: bytes) -> bytes:
    """What is sealed in a bundle, its digest and MAC checked."""
    *lines, sealed = raw.split(b"\n", 4)
    head, signed = (b"\n".join(lines[:number]) + b"\n" for number in (2, 3))
    assert lines[0] == b"jackfield-bundle 1"
    assert lines[3] == b"sha256 " + hashlib.sha256(signed + sealed).hexdigest().encode()
    assert json.loads(lines[1])["size"] == len(sealed)
    _, mac_key, seal_key = bundle_keys(lines[1], passphrase)
    assert lines[2] == b"hmac-sha256 " + mac(mac_key, head).hex().encode()
    return unseal(seal_key, sealed, head)


class Reader:
    """A home, or the parts of a backup in a folder, opened by a slot of `kind`. Close it."""

    def __init__(self, folder: Path, kind: str, material: bytes) -> None:
        self.store, self.root = open_header(folder.joinpath("vault.jackfield").read_bytes(), kind, material)
        self._database: Any = cipher.connect(str(folder / "store.db"), isolation_level=None)
        self._database.execute(f"PRAGMA key = \"x'{key_of(self.root, 'database').hex()}'\"")

    def close(self) -> None:
        self._database.close()

    def rows(self, query: str, *values: object) -> list[Any]:
        return list(self._database.execute(query, values))

    def names(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT name FROM connection ORDER BY name")]

    def credential(self, name: str) -> Any:
        """The fields of a connection's current credential."""
        return self._sealed(
            "SELECT c.id, c.sealed, c.key_id, c.version FROM credential c JOIN connection n ON n.id = c.connection_id "
            "WHERE n.name = ? AND c.status = 'current'",
            name,
            place=("credential", "sealed"),
        )

    def last_check(self, name: str) -> Any:
        """The detail of a connection's last check."""
        return self._sealed(
            "SELECT r.id, r.sealed_detail, r.key_id, r.version FROM check_run r JOIN connection n "
            "ON n.id = r.connection_id WHERE n.name = ? ORDER BY r.seq DESC LIMIT 1",
            name,
            place=("check_run", "sealed_detail"),
        )

    def digest(self, secret: str) -> str:
        return mac(key_of(self.root, "digest"), secret.encode()).hex()

    def actions(self) -> list[str]:
        """The actions in the trail, every entry of which is verified. Raises AssertionError with the bad one's seq."""
        key = trail_key(self._data_key("SELECT scope, wrapped FROM data_key WHERE scope = 'audit'"))
        previous, actions = bytes(32), []
        query = (
            "SELECT seq, at, previous, mac, actor, host, action, object, object_name, outcome, reason "
            "FROM audit_event ORDER BY seq"
        )
        for expected, (seq, at, before, made, *texts) in enumerate(self.rows(query), 1):
            assert (seq, before) == (expected, previous), expected
            left = self.rows("SELECT name, what, version FROM audit_left WHERE seq = ? ORDER BY name", seq)
            assert mac(key, covered(seq, at, tuple(texts), before, left)) == made, expected
            previous = made
            actions.append(texts[2])
        return actions

    def replaced(self) -> set[str]:
        """The names of rows that are not what the trail says was left."""
        noted = {name: (what, version) for name, what, version in self.rows(
            "SELECT name, what, version FROM audit_left ORDER BY seq"
        )}  # fmt: skip
        there = dict(self._there())
        return {
            name
            for name in noted.keys() | there.keys()
            if (said := noted.get(name, ("", 0)))[0] != (now := there.get(name, ("", 0)))[0] or now[1] < said[1]
        }

    def _there(self) -> Iterator[tuple[str, tuple[str, int]]]:
        """What stands under each name now."""
        for connection, status, *rest in self.rows("SELECT connection_id, status, id, version FROM credential"):
            yield f"credential/{connection}/{status}", (rest[0], rest[1])
        for table in ("identity", "organization", "project"):
            for row, name, version in self.rows(f"SELECT id, name, version FROM {table}"):
                yield f"{table}/{row}", (name, version)
        for row, tls, version, state, at in self.rows(
            "SELECT id, tls_unverified, version, state, tested_at FROM connection"
        ):
            uses = self.rows("SELECT position, use, targets FROM intended_use WHERE connection_id = ? ORDER BY 1", row)
            tags = self.rows("SELECT tag FROM tag WHERE connection_id = ? ORDER BY 1", row)
            yield f"connection/{row}", (f"{tls} {digest_of([*uses, *tags])}", version)
            verdicts = self.rows(
                "SELECT position, use, permission, state, evidence, detail, why, facts, seen_at FROM grant_verdict "
                "WHERE connection_id = ? ORDER BY position",
                row,
            )
            runs = self.rows("SELECT id, version FROM check_run WHERE connection_id = ? ORDER BY seq DESC", row)
            run, of_run = runs[0] if runs else ("-", 0)
            yield f"result/{row}", (f"{state} {at} {run} {len(runs)} {digest_of(verdicts)}", of_run)
        for scope in {scope for (scope,) in self.rows("SELECT scope FROM data_key WHERE scope <> 'audit'")}:
            keys = self.rows("SELECT id, retired_at IS NOT NULL FROM data_key WHERE scope = ? ORDER BY id", scope)
            yield f"data_key/{scope}", (" ".join(f"{key}-" if retired else key for key, retired in keys), 0)
        for row, version in self.rows("SELECT id, version FROM draft"):
            yield f"draft/{row}", ("kept", version)
        for name, value in self.rows(
            "SELECT key, value FROM setting WHERE key IN "
            "('automatic_tests', 'head_in_keyring', 'idle_minutes', 'trusted_providers')"
        ):
            yield f"setting/{name}", (digest_of([(value,)]), 0)

    def agrees_with(self, note: bytes) -> bool:
        """Whether a note of the trail's head is genuine, and the trail has that head."""
        first, second, third, rest = note.split(b"\n")
        key = self._data_key("SELECT scope, wrapped FROM data_key WHERE scope = 'audit'")
        heads = json.loads(second)["heads"]
        held = [self.rows("SELECT hex(mac), at FROM audit_event WHERE seq = ?", head["count"]) for head in heads]
        return (
            (first, rest) == (b"jackfield-anchor 1", b"")
            and third == b"hmac-sha256 " + anchor_mac(key, first, second).hex().encode()
            and any([(head["mac"].upper(), head["at"])] == rows for head, rows in zip(heads, held, strict=True))
        )

    def _data_key(self, query: str, *values: object) -> bytes:
        ((scope, wrapped),) = self.rows(query, *values)
        return open_data_key(self.root, wrapped, self.store, scope)

    def _sealed(self, query: str, name: str, *, place: tuple[str, str]) -> Any:
        ((row, blob, key_id, version),) = self.rows(query, name)
        ((scope, wrapped),) = self.rows("SELECT scope, wrapped FROM data_key WHERE id = ?", key_id)
        key, (table, column) = open_data_key(self.root, wrapped, self.store, scope), place
        value = open_value(key, blob, self.store, table=table, row=row, column=column, scope=scope, version=version)
        return json.loads(value)


def split_backup(raw: bytes, folder: Path) -> Callable[[bytes], bool]:
    """Write a backup's two parts into `folder`; gives the check of its MAC, which needs the root key."""
    first, second, third, rest = raw.split(b"\n", 3)
    manifest = json.loads(second)
    assert first == b"jackfield-backup 1"
    for name, file in (("header", "vault.jackfield"), ("database", "store.db")):
        part, rest = rest[: manifest[name]["size"]], rest[manifest[name]["size"] :]
        assert hashlib.sha256(part).hexdigest() == manifest[name]["sha256"]
        folder.joinpath(file).write_bytes(part)
    assert rest == b""
    return lambda root: third == b"hmac-sha256 " + backup_mac(root, first, second).hex().encode()


def backup_mac(root: bytes, first: bytes, second: bytes) -> bytes:
    return mac(key_of(root, "backup manifest"), first + b"\n" + second + b"\n")
