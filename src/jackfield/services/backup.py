"""Backups: one file that holds the vault's header and the whole database, and says what must be in it.

    jackfield-backup 1
    {"connections":…,"created":"…","database":{"sha256":"…","size":…},"entries":…,"header":{…},"store":"…"}
    hmac-sha256 <64 hex digits>     HMAC-SHA-256 of lines 1 and 2, line feeds included
    the header's bytes, then the database's

Line 2 is JSON with its keys sorted, no spaces, ASCII. `entries` is the length of the audit trail. The key of the HMAC
is the vault's `derive("backup manifest")`. The database is SQLCipher's, as it lies in the home: whoever finds the file
learns its size and no more. It opens with whatever opened the vault when it was made.
"""

import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from jackfield.model.errors import HomeError, JackfieldError, Refused, StoreTampered, StoreTooNew
from jackfield.services.session import Session
from jackfield.services.settings import LastBackup, Settings
from jackfield.store import listing, trail
from jackfield.store.files import flush_folder, make_private_file
from jackfield.store.store import FILE, Store
from jackfield.vault.folder import HEADER_NAME, HeaderFolder
from jackfield.vault.vault import Vault

_VERSION: Final = 1
_LINE_LIMIT: Final = 64 * 1024  # bytes
_FIRST_LINE: Final = re.compile(rb"jackfield-backup ([0-9]{1,4})\n")
_MAC_LINE: Final = re.compile(rb"hmac-sha256 ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the two files inside a backup."""

    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path) -> "Part":
        with path.open("rb") as file:
            return cls(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `entries` counts the audit trail."""

    store: str
    created: str  # ISO 8601, UTC
    header: Part
    database: Part
    connections: int
    entries: int

    def encode(self) -> bytes:
        """Lines 1 and 2 of the file."""
        body = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return b"jackfield-backup %d\n%b\n" % (_VERSION, body.encode())

    def mac(self, vault: Vault) -> str:
        return hmac.digest(vault.derive("backup manifest"), self.encode(), "sha256").hex()


def back_up(session: Session, target: Path) -> Manifest:
    """Copy everything as it is now into the new file `target`, mode 0600; others may go on working meanwhile.

    The trail keeps where it is.

    Raises Refused when `target` exists, HomeError when it cannot be written.
    """
    if os.path.lexists(target):
        raise Refused(f"There is a file {target} already.", "Choose another name: a backup replaces nothing.")
    name = os.fsencode(target).decode("utf-8", "backslashreplace")
    with session.audit.around("backup.create", object_id=session.vault.store_id, name=name):
        return _copy(session, target)


def _copy(session: Session, target: Path) -> Manifest:
    try:
        with tempfile.TemporaryDirectory(prefix="backup-", dir=session.home.folder) as folder:
            header, database = Path(folder, HEADER_NAME), Path(folder, FILE)
            header.write_bytes(HeaderFolder(session.home.folder).read(HEADER_NAME) or b"")
            session.store.back_up(database)
            connections, entries = _counts(Path(folder), session.vault)
            made = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = Manifest(session.vault.store_id, made, Part.of(header), Part.of(database), connections, entries)
            _write(target, manifest, manifest.mac(session.vault), header, database)
    except OSError as error:
        raise HomeError(
            f"The backup cannot be written: {error.strerror}.", "Choose another place, or make room."
        ) from None
    with contextlib.suppress(JackfieldError):  # the file is whole, whether or not its time is kept
        Settings(session.store).keep_last_backup(LastBackup(datetime.fromisoformat(manifest.created), str(target)))
    return manifest


def _counts(folder: Path, vault: Vault) -> tuple[int, int]:
    """How many connections and trail entries the copied store really has."""
    copy = Store.open(folder, vault.database_key(), must_exist=True)
    try:
        with copy.read() as tx:
            return sum(listing.counts_by_state(tx).values()), trail.head(tx).count
    finally:
        copy.close()


def _write(target: Path, manifest: Manifest, mac: str, *parts: Path) -> None:
    """Write the whole file or leave none."""
    make_private_file(target)
    try:
        with target.open("r+b") as file:
            file.write(manifest.encode() + f"hmac-sha256 {mac}\n".encode())
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        target.unlink()
        raise
    flush_folder(target.parent)


@contextmanager
def opened_backup(path: Path) -> Iterator[tuple[Manifest, str, BinaryIO]]:
    """A backup's manifest, the MAC it bears, and the file where its parts begin.

    The MAC is checked by whoever has the key. Raises HomeError, StoreTooNew, or StoreTampered for another form.
    """
    try:
        with path.open("rb") as file:
            first = _FIRST_LINE.fullmatch(file.readline(_LINE_LIMIT))
            if first is None:
                raise _damaged("it is no backup")
            if int(first[1]) > _VERSION:
                raise StoreTooNew("This backup was made by a newer Jackfield.", "Update Jackfield, then restore it.")
            manifest = _read_manifest(file.readline(_LINE_LIMIT))
            mac = _MAC_LINE.fullmatch(file.readline(_LINE_LIMIT))
            if mac is None:
                raise _damaged("its seal is missing")
            yield manifest, mac[1].decode(), file
    except OSError as error:
        raise HomeError(f"The backup {path} cannot be read: {error.strerror}.", "Give the file's name.") from None


def copy_part(file: BinaryIO, part: Part, target: Path) -> None:
    """Write the next part of a backup to a new private file. Raises StoreTampered when it is not what was written."""
    make_private_file(target)
    digest, left = hashlib.sha256(), part.size
    with target.open("r+b") as copy:
        while left and (chunk := file.read(min(left, 1 << 20))):
            digest.update(chunk)
            copy.write(chunk)
            left -= len(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    if left or digest.hexdigest() != part.sha256:
        raise _damaged("a part of it is missing or is not what was written")


def require_genuine(manifest: Manifest, mac: str, vault: Vault) -> None:
    """Raises StoreTampered when the manifest is not one that this vault sealed."""
    if manifest.store != vault.store_id or not hmac.compare_digest(manifest.mac(vault), mac):
        raise _damaged("its seal does not match")


def _read_manifest(line: bytes) -> Manifest:
    try:
        body = json.loads(line)
        manifest = Manifest(**{**body, "header": Part(**body["header"]), "database": Part(**body["database"])})
        sizes = (manifest.header.size, manifest.database.size)
        if manifest.encode().partition(b"\n")[2] == line and all(type(size) is int and size >= 0 for size in sizes):
            return manifest
    except (ValueError, TypeError, KeyError, RecursionError):
        pass  # told below, whatever it was
    raise _damaged("its manifest cannot be read")


def _damaged(reason: str) -> StoreTampered:
    return StoreTampered(f"The backup was changed or damaged: {reason}.", "Use another backup. Nothing was replaced.")
