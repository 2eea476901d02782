"""The store: opened with a key, used in transactions, closed when the vault locks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Engine, exc

from jackfield.model.errors import HomeError, LockedError, StoreTampered
from jackfield.store.engine import back_up, compact, damage, empty_log, make_engine, rekey, translated, why_unreadable
from jackfield.store.files import (
    flush_folder,
    make_private_file,
    make_private_folder,
    only_one,
    require_private_file,
    require_private_folder,
)
from jackfield.store.schema import make_schema, migrate
from jackfield.store.transaction import Reading, Writing

FILE: Final = "store.db"
BACKUPS: Final = "backups"
BACKUPS_KEPT: Final = 5
_COMPANIONS: Final = ("", "-wal", "-shm")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Store:
    """An open store. Safe for use by several threads, and by several processes on one folder.

    `write` and `read` are the only ways in. Inside them a failure of the database or the disk becomes a HomeError.
    """

    def __init__(self, path: Path, key: bytes, engine: Engine, clock: Clock) -> None:
        self.path = path
        self._key = key
        self._engine: Engine | None = engine
        self._clock = clock

    @classmethod
    def open(cls, folder: Path, key: bytes, *, must_exist: bool = False, clock: Clock = utc_now) -> Self:
        """Open the store in `folder` with its 32-byte key; make it when there is none, unless it `must_exist`.

        Raises StoreTampered, StoreTooNew or HomeError.
        """
        require_private_folder(folder)
        path = folder / FILE
        with only_one(folder):
            if not path.exists() and not path.is_symlink():
                _require_no_remains(path, must_exist=must_exist)
                _make(path, key)
            _require_whole(path)
            engine = make_engine(path, key)
            try:
                _bring_up_to_date(engine, path, key)
            except BaseException:
                engine.dispose()
                raise
        return cls(path, key, engine, clock)

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """A transaction that sees one state of the store throughout. Raises LockedError after `close`."""
        with translated(self.path), self._open_engine().connect() as connection, connection.begin():
            yield Reading(connection, self._clock())

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """One user action: all of it is durable on return, or none of it happened. Raises LockedError after `close`."""
        with translated(self.path), self._open_engine().connect() as connection:
            connection.execution_options(immediate=True)
            with connection.begin():
                tx = Writing(connection, self._clock())
                yield tx
        for action in tx.after.values():
            action()

    def close(self) -> None:
        """Close every idle connection; the last process to close removes the write-ahead log."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()
            self._key = b""

    def empty_log(self) -> bool:
        """After a delete or a change of keys: overwrite what the log still holds. False while another reads it."""
        self._open_engine()
        return empty_log(self.path, self._key)

    def compact(self) -> tuple[int, int]:
        """Write the file anew without what was deleted; its size before and after, in bytes. Raises HomeError."""
        self._open_engine()
        return compact(self.path, self._key)

    def damage(self) -> tuple[str, ...]:
        """Read every page and say what is wrong, one line each; nothing when all is well."""
        with translated(self.path), self._open_engine().connect() as connection:
            return damage(connection)

    def back_up(self, target: Path) -> None:
        """Copy the store as it is now into the new file `target`, mode 0600, under the same key."""
        self._open_engine()
        back_up(self.path, self._key, target)

    def rekey(self, key: bytes) -> None:
        """Go on under another 32-byte key. Raises HomeError, with nothing changed, while anyone else uses the store."""
        self._open_engine().dispose()
        rekey(self.path, self._key, key)
        self._key = key
        self._engine = make_engine(self.path, key)

    def _open_engine(self) -> Engine:
        if self._engine is None:
            raise LockedError("The vault is locked.", "Unlock it to go on.")
        return self._engine


def _require_no_remains(path: Path, *, must_exist: bool) -> None:
    if must_exist or path.with_name(f"{FILE}-wal").exists():
        raise StoreTampered(
            f"The database {path} is gone.", "Put it back, or restore a backup with: jackfield restore FILE."
        )


def _make(path: Path, key: bytes) -> None:
    """Make the store under another name first: what bears the name `store.db` is always whole."""
    unfinished = path.with_name(f"{FILE}.new")
    for suffix in _COMPANIONS:
        unfinished.with_name(f"{unfinished.name}{suffix}").unlink(missing_ok=True)
    try:
        make_private_file(unfinished)
    except OSError as error:
        raise HomeError(f"{unfinished} cannot be made: {error.strerror}.", "Check the disk and the folder.") from error
    engine = make_engine(unfinished, key)
    with translated(unfinished):
        try:
            make_schema(engine)
        finally:
            engine.dispose()
    unfinished.rename(path)
    flush_folder(path.parent)


def _require_whole(path: Path) -> None:
    for suffix in _COMPANIONS:
        file = path.with_name(f"{FILE}{suffix}")
        if not suffix or file.exists() or file.is_symlink():
            require_private_file(file)
    if not path.stat().st_size:
        raise StoreTampered(f"The database {path} is empty.", "Restore a backup with: jackfield restore FILE.")


def _bring_up_to_date(engine: Engine, path: Path, key: bytes) -> None:
    """Migrate after a backup. The first thing that reads the file, so a wrong key or a damaged start shows here."""

    def keep(version: str) -> None:
        folder = path.parent / BACKUPS
        make_private_folder(folder)
        back_up(path, key, folder / f"store-{version or 'none'}-{utc_now():%Y%m%dT%H%M%S%f}.db")
        for old in sorted(folder.glob("store-*.db"), key=lambda file: file.stat().st_mtime_ns)[:-BACKUPS_KEPT]:
            old.unlink()

    try:
        with translated(path):
            migrate(engine, first=keep)
    except StoreTampered as error:
        if not isinstance(error.__cause__, exc.DBAPIError) or "not a database" not in str(error.__cause__.orig):
            raise
        raise why_unreadable(path, key) from error
