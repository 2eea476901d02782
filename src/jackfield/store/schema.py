"""Which tables a store has: made new, brought up to date, or refused when newer than this program."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, insert, inspect, select

from jackfield.model.errors import StoreTooNew
from jackfield.store.engine import SEARCH_DDL
from jackfield.store.tables import METADATA, SCHEMA_VERSION, alembic_version

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def make_schema(engine: Engine) -> None:
    """Make every table in an empty database and stamp it with the current version."""
    with engine.begin() as connection:
        METADATA.create_all(connection)
        for statement in SEARCH_DDL:
            connection.exec_driver_sql(statement)
        connection.execute(insert(alembic_version).values(version_num=SCHEMA_VERSION))


def schema_version(connection: Connection) -> str:
    """The version a database is stamped with; empty when it is not."""
    if not inspect(connection).has_table(alembic_version.name):
        return ""
    return connection.execute(select(alembic_version.c.version_num)).scalar() or ""


def migrate(engine: Engine, *, first: Callable[[str], None]) -> None:
    """Bring the schema up to date; call `first` with the old version before anything is changed.

    Raises StoreTooNew. Alembic, slow to import, is imported only when there is something to do.
    """
    with engine.connect() as connection:
        version = schema_version(connection)
    if version == SCHEMA_VERSION:
        return
    if version > SCHEMA_VERSION:
        raise StoreTooNew(
            f"This store was made by a newer Jackfield (schema {version}; this one knows {SCHEMA_VERSION}).",
            "Use the newer Jackfield, or restore an older backup.",
        )
    first(version)
    _run_migrations(engine)


def _run_migrations(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
