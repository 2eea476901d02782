"""Tables made new and tables migrated are the same; newer ones are refused."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, update

from jackfield.model.errors import StoreTooNew
from jackfield.store import organizations
from jackfield.store.engine import make_engine
from jackfield.store.files import make_private_file
from jackfield.store.schema import make_schema
from jackfield.store.store import Store
from jackfield.store.tables import SCHEMA_VERSION, alembic_version

KEY = bytes(range(32))


def schema_of(path: Path) -> dict[str, list[str]]:
    """Every object of a database with the parts of its definition, whatever their order, blanks and quotes."""
    engine = make_engine(path, KEY)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'alembic_version%' "
            "AND name NOT LIKE 'sqlite_autoindex_alembic%'"
        ).all()
    engine.dispose()
    return {name: sorted(re.split(r"[\s\"(),]+", sql)) for name, sql in rows}


def test_migrations_make_what_a_new_store_has(tmp_path: Path) -> None:
    new, migrated = tmp_path / "new", tmp_path / "migrated"
    for folder in (new, migrated):
        folder.mkdir(mode=0o700)
    Store.open(new, KEY).close()
    make_private_file(migrated / "store.db")
    engine = make_engine(migrated / "store.db", KEY)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE placeholder (x)")
        connection.exec_driver_sql("DROP TABLE placeholder")
    engine.dispose()

    Store.open(migrated, KEY).close()

    assert schema_of(new / "store.db") == schema_of(migrated / "store.db")
    engine = make_engine(migrated / "store.db", KEY)
    with engine.connect() as connection:
        assert connection.execute(alembic_version.select()).scalar() == SCHEMA_VERSION
    engine.dispose()


def test_a_migration_leaves_a_private_backup_of_what_was_there(folder: Path) -> None:
    make_private_file(folder / "store.db")
    engine = make_engine(folder / "store.db", KEY)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE before_it (x)")
    engine.dispose()

    Store.open(folder, KEY).close()

    (backup,) = (folder / "backups").iterdir()
    assert (folder / "backups").stat().st_mode & 0o777 == 0o700
    assert backup.stat().st_mode & 0o777 == 0o600
    assert list(schema_of(backup)) == ["before_it"]


def test_a_failed_migration_changes_nothing(folder: Path) -> None:
    make_private_file(folder / "store.db")
    engine = make_engine(folder / "store.db", KEY)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE connection (x)")
    engine.dispose()

    with pytest.raises(Exception, match="connection"):
        Store.open(folder, KEY)

    assert list(schema_of(folder / "store.db")) == ["connection"]


KILLED = """\
import os, pathlib, signal, sys
from sqlalchemy import Engine, event
from jackfield.store.store import Store

folder, left = pathlib.Path(sys.argv[1]), int(sys.argv[2])

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

Store.open(folder, bytes(range(32))).close()
"""


@pytest.mark.parametrize("statements", [3, 6, 12, 25, 45])
def test_a_migration_that_was_killed_is_done_by_the_next_start(folder: Path, statements: int) -> None:
    """Before any of its statements: the next start finds what was there before, and migrates it."""
    make_private_file(folder / "store.db")
    engine = make_engine(folder / "store.db", KEY)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE before_it (x)")
        connection.exec_driver_sql("INSERT INTO before_it VALUES (7)")
    engine.dispose()

    ended = subprocess.run([sys.executable, "-c", KILLED, folder, str(statements)], capture_output=True)
    assert ended.returncode == -9, ended.stderr

    engine = make_engine(folder / "store.db", KEY)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["before_it"]
    engine.dispose()
    store = Store.open(folder, KEY)
    assert store.damage() == ()
    with store.read() as tx:
        assert tx.connection.exec_driver_sql("SELECT x FROM before_it").scalar() == 7
        assert organizations.page(tx) == ()
    store.close()


def test_a_newer_store_is_refused_and_left_as_it_is(folder: Path) -> None:
    Store.open(folder, KEY).close()
    engine = make_engine(folder / "store.db", KEY)
    with engine.begin() as connection:
        connection.execute(update(alembic_version).values(version_num="9999"))
    engine.dispose()
    before = (folder / "store.db").read_bytes()

    with pytest.raises(StoreTooNew, match="9999"):
        Store.open(folder, KEY)

    assert (folder / "store.db").read_bytes() == before


@pytest.mark.parametrize("existing", [False, True])
def test_alembic_is_not_imported_for_a_new_or_current_store(folder: Path, *, existing: bool) -> None:
    if existing:
        Store.open(folder, KEY).close()
    program = (
        "import sys, pathlib; from jackfield.store.store import Store; "
        "Store.open(pathlib.Path(sys.argv[1]), bytes(range(32))).close(); print('alembic' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_making_the_schema_twice_is_an_error_not_a_silent_merge(folder: Path, store: Store) -> None:
    engine = make_engine(store.path, KEY)
    with pytest.raises(Exception, match="search"):
        make_schema(engine)
    engine.dispose()
    with store.read() as tx:
        assert organizations.page(tx) == ()
