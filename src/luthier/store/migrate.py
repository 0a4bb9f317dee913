"""Bring the database's tables to what this version of luthier needs; of several that start at once, one does it."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from luthier.errors import StorageError
from luthier.store.database import Database, told

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number that no other program takes for a lock in the same database.
LOCK_NUMBER = 5_863_274_901


def migrate(database: Database) -> None:
    """Make or change the tables, holding a lock; nothing is lost, and nothing is done when nothing is to be done.

    Raises StorageError for a database that a newer version has changed, or that does not answer.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    with told(), _locked(database):
        with database.engine.connect() as connection:
            stands = MigrationContext.configure(connection).get_current_revision()
        if stands == scripts.get_current_head():
            return
        if stands is not None and stands not in {script.revision for script in scripts.walk_revisions()}:
            raise StorageError(
                f"the database was changed by a newer luthier (revision {stands})",
                expected=f"at most revision {scripts.get_current_head()}",
                fix="install the newer luthier again, or restore the backup from before",
            )
        with database.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@contextlib.contextmanager
def _locked(database: Database) -> Iterator[None]:
    """SQLite: a file beside the database. PostgreSQL: an advisory lock, which ends with its connection."""
    if database.is_sqlite:
        file = Path(f"{database.engine.url.database}.migration-lock")
        with file.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    with database.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": LOCK_NUMBER})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": LOCK_NUMBER})
