"""The page on the format is right: a reader written from it opens what the program makes."""

import ast
import asyncio
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from jackfield.model.connection import IntendedUse, Scope
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.services.anchor import head_code
from jackfield.services.backup import back_up
from jackfield.services.bundle import export
from jackfield.services.connections import Definition
from jackfield.services.home import Home
from jackfield.services.rotation import rotate_data_keys
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.store.trail import Head
from jackfield.vault.costs import FLOOR
from support import reader
from support.reader import Reader

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT.joinpath("src", "jackfield", "manual", "format.md").read_text("utf-8")
PASSPHRASE = "a gärden of seven gates"
SECRET = "nfp_a secret of seven gates"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


VECTORS = dict(line.split(" = ", 1) for block in blocks("vectors") for line in block.splitlines())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two connections, one of them tested, and a backup and the recovery key beside it."""
    home = Home(tmp_path_factory.mktemp("format") / "home")
    session, recovery = Session.create(home, Secret(PASSPHRASE), costs=FLOOR)
    assert recovery is not None
    home.folder.with_name("recovery").write_text(recovery.reveal())
    acme = session.organizations.create("acme").id
    web = session.projects.create(acme, "web").id
    sync = IntendedUse("secret-sync/env", {"team": "äcme"})
    sites = Definition("sites", "netlify", "access-token", uses=(sync,), tags=("web", "shop"))
    session.connections.create(Scope(acme, web), sites, {"accessToken": Secret(SECRET)})
    fields: dict[str, FieldValue] = {"host": "127.0.0.1", "database": "app", "username": "bob"}
    made = session.connections.create(
        Scope(acme), Definition("db", "postgres", "username-and-password"), {**fields, "password": Secret(SECRET)}
    )
    asyncio.run(session.tests.run(made.id, Network()))
    keys: dict[str, FieldValue] = {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": Secret("a" * 40)}
    session.identities.create("deployer", "aws", "access-key", keys)
    session.drafts.save("begun", {"texts": {}}, version=1)
    Settings(session.store).keep_idle_minutes(15, session.audit)
    rotate_data_keys(session)
    back_up(session, home.folder.with_name("backup"))
    session.lock()
    return home.folder


@pytest.fixture(scope="module")
def opened(home: Path) -> Iterator[Reader]:
    found = Reader(home, "passphrase", reader.passphrase_material(PASSPHRASE))
    yield found
    found.close()


def test_the_reader_owes_nothing_to_the_program() -> None:
    tree = ast.parse(Path(reader.__file__).read_text("utf-8"))
    froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    tops = {name.partition(".")[0] for name in froms + names}
    assert tops - sys.stdlib_module_names == {"cryptography", "sqlcipher3"}


def test_the_vectors_are_what_the_page_describes() -> None:
    """Every vector of the page is computed from those it names, and none is left over."""
    given = (
        *("root key", "passphrase", "recovery key", "sealed previous root", "scope", "wrapped data key"),
        *("place", "sealing data key", "sealed value", "backup line 1", "backup line 2"),
        *("bundle passphrase", "sealed bytes"),
        *("anchor line 1", "anchor line 2"),
        *("left 1", "left 2"),
    )
    root, header = bytes.fromhex(VECTORS["root key"]), blocks("header")[0].encode()
    body = json.loads(header.splitlines()[1])
    store, (first, second) = body["store"], body["slots"]
    recovery = reader.recovery_material(VECTORS["recovery key"])
    data_key = reader.open_data_key(root, bytes.fromhex(VECTORS["wrapped data key"]), store, VECTORS["scope"])
    in_store, table, row, column, scope, version = VECTORS["place"].split()
    sealing, sealed = (bytes.fromhex(VECTORS[name]) for name in ("sealing data key", "sealed value"))
    texts = ("ann", "desk", "connection.create", "c1", "sites", "done", "")
    entry = reader.covered(1, 1_769_860_800_000_000, texts, bytes(32))
    parts = [VECTORS[f"left {number}"].rsplit(" ", 1) for number in (1, 2)]
    left = [(*row.split(" ", 1), int(version)) for row, version in parts]
    leaving = reader.covered(1, 1_769_860_800_000_000, texts, bytes(32), left)
    lines = (VECTORS[f"backup line {number}"].encode() for number in (1, 2))
    salt, database = bytes(range(16)), reader.key_of(root, "database")
    bundle_passphrase = reader.passphrase_material(VECTORS["bundle passphrase"])
    bundle = blocks("bundle")[0].encode() + bytes.fromhex(VECTORS["sealed bytes"])
    bundle_keys = reader.bundle_keys(bundle.splitlines()[1], bundle_passphrase)
    computed: dict[str, bytes | str] = {
        'pack("a", 01, 2)': reader.pack("a", b"\x01", 2),
        **{f"{purpose} key": reader.key_of(root, purpose) for purpose in reader.PURPOSES},
        "passphrase slot key": reader.slot_key(first, reader.passphrase_material(VECTORS["passphrase"])),
        "recovery material": recovery,
        "recovery slot key": reader.slot_key(second, recovery),
        "opened previous root": reader.open_previous(root, bytes.fromhex(VECTORS["sealed previous root"]), store),
        f"page MAC key for the salt {salt.hex()}": reader.page_mac_key(database, salt),
        'digest of "equal"': reader.mac(reader.key_of(root, "digest"), b"equal"),
        "data key": data_key,
        "opened value": reader.open_value(
            sealing, sealed, in_store, table=table, row=row, column=column, scope=scope, version=int(version)
        ).decode(),
        "trail key": reader.trail_key(data_key),
        "covered": entry,
        "mac": reader.mac(reader.trail_key(data_key), entry),
        "covered with left": leaving,
        "mac with left": reader.mac(reader.trail_key(data_key), leaving),
        "anchor key": reader.hkdf(data_key, b"anchor"),
        "anchor mac": reader.anchor_mac(data_key, *(VECTORS[f"anchor line {one}"].encode() for one in (1, 2))),
        "head": reader.head_code(1, reader.mac(reader.trail_key(data_key), entry)),
        "backup mac": reader.backup_mac(root, *lines),
        **dict(zip(("bundle key", "bundle header MAC key", "bundle seal key"), bundle_keys, strict=True)),
        "opened bundle": reader.open_bundle(bundle, bundle_passphrase).decode(),
    }
    shown = {name: value if isinstance(value, str) else value.hex() for name, value in computed.items()}
    assert shown == {name: value for name, value in VECTORS.items() if name not in given}


def test_the_header_of_the_page_opens_both_ways() -> None:
    """It is the golden header of the vault's own tests, and gives the root key of the vectors."""
    (header,) = blocks("header")
    assert header == ROOT.joinpath("tests", "vault", "golden.jackfield").read_text()
    for kind, material in (
        ("passphrase", reader.passphrase_material(VECTORS["passphrase"])),
        ("recovery", reader.recovery_material(VECTORS["recovery key"])),
    ):
        assert reader.open_header(header.encode(), kind, material)[1].hex() == VECTORS["root key"]


def test_a_home_is_read_with_its_passphrase(opened: Reader) -> None:
    """Names, credentials of a project and of an organization, what a check found, and the digest of a secret."""
    assert opened.names() == ["db", "sites"]
    assert opened.credential("sites") == {"accessToken": SECRET}
    assert opened.credential("db")["password"] == SECRET
    assert opened.last_check("db").keys() >= {"steps"}
    digests = opened.rows("SELECT secret_digest FROM connection")
    assert digests == [(opened.digest(SECRET),)] * 2


def test_a_bundle_is_read_with_its_passphrase(home: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(home, tmp_path / "home")
    session = Session.unlock(Home(copy), Secret(PASSPHRASE))
    exported = [session.connections.find("sites"), session.connections.find("db")]
    export(session, exported, tmp_path / "bundle", Secret("another gärden"), costs=FLOOR)
    session.lock()
    raw = tmp_path.joinpath("bundle").read_bytes()
    held = json.loads(reader.open_bundle(raw, reader.passphrase_material("another gärden")))["connections"]
    assert [(one["organization"], one["project"], one["name"]) for one in held] == [
        ("acme", "web", "sites"),
        ("acme", None, "db"),
    ]
    assert held[0]["fields"] == {"accessToken": SECRET}


def test_a_home_is_read_with_its_recovery_key(home: Path) -> None:
    key = home.parent.joinpath("recovery").read_text()
    opened = Reader(home, "recovery", reader.recovery_material(key))
    assert opened.names() == ["db", "sites"]
    opened.close()


def test_another_passphrase_reads_nothing(home: Path) -> None:
    with pytest.raises(InvalidTag):
        Reader(home, "passphrase", b"another garden")


def test_the_trail_is_verified(opened: Reader) -> None:
    actions = opened.actions()
    assert actions[0] == "vault.create"
    assert actions[-3:] == ["backup.create", "backup.create", "draft.keep"]
    assert {"organization.create", "connection.create", "credential.open", "connection.test"} <= set(actions)


def test_the_note_of_the_trail_is_verified(home: Path, opened: Reader) -> None:
    """And its head is the one that the program shows."""
    note = Home(home).anchors.joinpath(reader.anchor_name(opened.store, home)).read_bytes()
    assert opened.agrees_with(note)
    assert not opened.agrees_with(note.replace(b'"count":', b'"count":1'))
    ((count, last),) = opened.rows("SELECT seq, mac FROM audit_event ORDER BY seq DESC LIMIT 1")
    assert head_code(Head(count, last)) == reader.head_code(count, last)


def test_a_changed_entry_of_the_trail_is_named(opened: Reader) -> None:
    """The reader's own check can fail."""
    opened.rows("BEGIN")
    opened.rows("UPDATE audit_event SET reason = 'another' WHERE seq = 2")
    with pytest.raises(AssertionError, match="2"):
        opened.actions()
    opened.rows("ROLLBACK")


def test_every_row_is_what_the_trail_says_was_left(opened: Reader) -> None:
    assert opened.replaced() == set()
    kinds = {name.partition("/")[0] for (name,) in opened.rows("SELECT name FROM audit_left")}
    assert kinds == set(re.findall(r"^\| .*`(\w+)/<", PAGE, re.MULTILINE)) | {"identity", "organization"}
    opened.rows("BEGIN")
    opened.rows("UPDATE intended_use SET targets = '{}'")
    opened.rows("UPDATE credential SET version = 0 WHERE connection_id = (SELECT id FROM connection WHERE name = 'db')")
    opened.rows("DELETE FROM draft")
    assert {name.partition("/")[0] for name in opened.replaced()} == {"connection", "credential", "draft"}
    assert len(opened.replaced()) == 3
    opened.rows("ROLLBACK")


def test_the_pages_are_decrypted_by_hand(home: Path, opened: Reader) -> None:
    """Every page's HMAC is right, and what comes out is an SQLite file with the names in it."""
    plain = reader.decrypt_pages(home.joinpath("store.db").read_bytes(), reader.key_of(opened.root, "database"))
    assert plain.startswith(b"SQLite format 3\0")
    assert b"acme" in plain
    assert b"CREATE TABLE audit_event" in plain
    assert SECRET.encode() not in plain


def test_a_backup_is_taken_apart_and_read(home: Path, tmp_path: Path) -> None:
    is_genuine = reader.split_backup(home.with_name("backup").read_bytes(), tmp_path)
    opened = Reader(tmp_path, "passphrase", reader.passphrase_material(PASSPHRASE))
    assert is_genuine(opened.root)
    assert opened.credential("sites") == {"accessToken": SECRET}
    assert opened.actions()[-1] == "backup.create"
    opened.close()


def test_every_folder_entry_is_described(home: Path) -> None:
    """What a home holds stands in the page's table."""
    for entry in home.iterdir():
        assert f"`{entry.name}" in PAGE, entry.name
