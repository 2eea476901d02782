"""The only module that knows the store is SQLite with SQLCipher: connections, pragmas, errors, backup, text search."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlcipher3.dbapi2 as cipher
from sqlalchemy import Engine, QueuePool, Select, column, create_engine, event, exc, select, table

from jackfield.model.errors import HomeError, JackfieldError, StoreTampered
from jackfield.store.files import flush_folder, make_private_file

KEY_BYTES: Final = 32
BUSY_MS: Final = 5000
SEARCHABLE: Final = 3  # characters a word needs before the index of trigrams can find it
_PAGE_BYTES: Final = 4096
_DAMAGED: Final = "Restore a backup with: jackfield restore FILE."

# `search` holds the texts a filter looks through, by connection.seq; triggers keep it true.
SEARCH_DDL: Final = (
    "CREATE VIRTUAL TABLE search USING fts5"
    "(name, provider, project, tokenize='trigram', content='', contentless_delete=1)",
    "CREATE TRIGGER search_insert AFTER INSERT ON connection BEGIN "
    "INSERT INTO search(rowid, name, provider, project) VALUES "
    "(new.seq, new.name, new.provider, coalesce((SELECT name FROM project WHERE id = new.project_id), '')); END",
    "CREATE TRIGGER search_update AFTER UPDATE OF name, provider, project_id ON connection BEGIN "
    "INSERT OR REPLACE INTO search(rowid, name, provider, project) VALUES "
    "(new.seq, new.name, new.provider, coalesce((SELECT name FROM project WHERE id = new.project_id), '')); END",
    "CREATE TRIGGER search_delete AFTER DELETE ON connection BEGIN DELETE FROM search WHERE rowid = old.seq; END",
    "CREATE TRIGGER search_project AFTER UPDATE OF name ON project BEGIN "
    "INSERT OR REPLACE INTO search(rowid, name, provider, project) "
    "SELECT seq, name, provider, new.name FROM connection WHERE project_id = new.id; END",
)
_SEARCH: Final = table("search", column("rowid"), column("search"))


def connect(path: Path, key: bytes) -> Any:  # sqlcipher3 has no types
    """A raw connection to the existing file `path`. Raises sqlcipher3's errors; `translated` makes them ours."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"the database key has {len(key)} bytes, not {KEY_BYTES}")
    connection = cipher.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA cipher_log = off")  # it would print to the terminal
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        for pragma in (
            f"busy_timeout = {BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "fullfsync = on",
            "foreign_keys = on",
            "secure_delete = on",
            "trusted_schema = off",
            "cache_size = -16000",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def make_engine(path: Path, key: bytes) -> Engine:
    """An engine over `path`: each thread borrows a connection of its own; `immediate` transactions lock out writers."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(path, key),
        module=cipher,
        poolclass=QueuePool,
        pool_size=4,
        pool_use_lifo=True,  # the one used last has what was read last in its cache
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn a failure of the database at `path` into the error a user can act on; anything else passes through."""
    try:
        yield
    except exc.DBAPIError as error:
        ours = _told(error.orig, path)
        if ours is None:
            raise
        raise ours from error
    except cipher.Error as error:
        ours = _told(error, path)
        if ours is None:
            raise
        raise ours from error


def why_unreadable(path: Path, key: bytes) -> StoreTampered:
    """Tell a damaged first page from a key that is not this file's, after the file did not open."""
    pages = max(1, path.stat().st_size // _PAGE_BYTES)
    connection = cipher.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA cipher_log = off")
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        broken = len(connection.execute("PRAGMA cipher_integrity_check").fetchall())
    except cipher.Error:
        broken = pages
    finally:
        connection.close()
    if broken < pages:
        return StoreTampered("The first page of the database is not what was written.", _DAMAGED)
    return StoreTampered(
        "The database does not open with the key of this vault: it belongs to another one, or its start was changed.",
        f"Put back the database that belongs to this folder. {_DAMAGED}",
    )


def back_up(path: Path, key: bytes, target: Path) -> None:
    """Copy the live database at `path` into the new private file `target`, under the same key, and make it durable."""
    make_private_file(target)
    with translated(target):
        source, copy = connect(path, key), cipher.connect(str(target), isolation_level=None)
        try:
            copy.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
            source.backup(copy)
        finally:
            copy.close()
            source.close()
    flush_folder(target.parent)


def damage(connection: Any) -> tuple[str, ...]:
    """Everything wrong with the whole database, one line each; reads every page."""
    raw = connection.exec_driver_sql
    found = [str(row[0]) for row in raw("PRAGMA cipher_integrity_check")]
    if not found:
        found = [str(row[0]) for row in raw("PRAGMA quick_check") if row[0] != "ok"]
        found += [f"{row[0]} refers to a missing {row[2]}" for row in raw("PRAGMA foreign_key_check")]
    return tuple(found)


def empty_log(path: Path, key: bytes) -> bool:
    """Move the write-ahead log into the database and cut it to nothing; False while someone else still reads it."""
    with translated(path):
        connection = connect(path, key)
        try:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            connection.close()
    return not busy


def compact(path: Path, key: bytes) -> tuple[int, int]:
    """Write the database anew without its free pages; its size before and after, in bytes."""
    before = path.stat().st_size
    with translated(path):
        connection = connect(path, key)
        try:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    return before, path.stat().st_size


def rekey(path: Path, old: bytes, new: bytes) -> None:
    """Encrypt the whole database under another key: all of it or, after a crash, none.

    Raises HomeError while any other connection is open: the log must be empty and nobody may read under the old key.
    """
    if len(new) != KEY_BYTES:
        raise ValueError(f"the database key has {len(new)} bytes, not {KEY_BYTES}")
    with translated(path):
        connection = connect(path, old)
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute(f"PRAGMA rekey = \"x'{new.hex()}'\"")
        finally:
            connection.close()


def holding(words: Iterable[str]) -> Select[Any]:
    """The `seq` of every connection that holds each of `words`, of 3 characters or more, in one of its texts."""
    phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in words)
    return select(_SEARCH.c.rowid).where(_SEARCH.c.search.match(phrases))


def _told(error: BaseException | None, path: Path) -> JackfieldError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreTampered("A page of the database is missing or is not what was written.", _DAMAGED)
    home = {
        sqlite3.SQLITE_FULL: (
            "The disk is full: nothing was changed.",
            f"Free some space near {path.parent}, then try again.",
        ),
        sqlite3.SQLITE_READONLY: (f"{path} cannot be written.", "Make its disk and folder writable, then try again."),
        sqlite3.SQLITE_CANTOPEN: (
            f"{path} cannot be opened.",
            f"Check the rights and the free space of {path.parent}.",
        ),
        sqlite3.SQLITE_BUSY: ("Another Jackfield is writing for longer than usual: nothing was changed.", "Try again."),
        sqlite3.SQLITE_IOERR: (
            f"The disk failed while {path} was used: nothing was changed.",
            "Check it before you go on.",
        ),
    }
    return HomeError(*home[code]) if code in home else None
