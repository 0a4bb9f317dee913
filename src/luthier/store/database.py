"""The database: SQLite in one file by default, PostgreSQL by its URL; the same tables, queries and promises on both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, literal_column, make_url, select
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import OperationalError as DatabaseTrouble

from luthier.errors import StorageError

BUSY_SECONDS = 30
WRITES = "luthier_writes"


class UnstorableText(StorageError):
    """A text with characters that databases cannot hold (NUL, half a surrogate pair), or a number out of range."""


class DatabaseUnreachable(StorageError):
    """The database does not answer now; what was asked may be asked again."""


@dataclass(frozen=True)
class Database:
    """Transactions on one database. Threads share it; a process that forks opens its own."""

    engine: Engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state and changes nothing."""
        with told(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is kept whole, or left out whole when the block raises.

        On SQLite it takes the writer's place at once, so it never meets another writer in the middle.
        """
        with (
            told(),
            self.engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def open_database(url: str) -> Database:
    """``sqlite:///path/to/file.db`` or ``postgresql://user@host/name``. Tables are made by `migrate`.

    Raises StorageError for an address that is neither, or whose driver is missing.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        raise _unusable("database_url cannot be read", "write it like sqlite:////data/luthier.db") from None
    if address.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return Database(_open_postgresql(address.set(drivername="postgresql+psycopg")))
    if address.drivername not in ("sqlite", "sqlite+pysqlite") or not address.database or ":memory:" in url:
        kind = address.drivername if address.database else f"{address.drivername} in memory"
        raise _unusable(f"a database of the kind {kind!r}", "name a file: sqlite:////data/luthier.db")
    Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "before_cursor_execute", _refuse_nul)
    return Database(engine)


def clock(connection: Connection) -> float:
    """The database's own time in Unix seconds: the one clock that all hosts share."""
    if connection.dialect.name == "sqlite":
        days: float = connection.execute(select(func.julianday("now"))).scalar_one()
        return (days - 2440587.5) * 86400.0
    return float(connection.execute(select(literal_column("extract(epoch from clock_timestamp())"))).scalar_one())


def _open_postgresql(address: Any) -> Engine:
    try:
        return create_engine(address, pool_pre_ping=True, pool_size=10, max_overflow=20, pool_timeout=BUSY_SECONDS)
    except (ImportError, NoSuchModuleError):
        raise _unusable("PostgreSQL's driver is not installed", "pip install 'luthier[postgres]'") from None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: `_begin_sqlite` says which kind.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_SECONDS}000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _refuse_nul(_connection: Any, _cursor: Any, _statement: str, values: Any, *_rest: Any) -> None:
    """As PostgreSQL does, so that what is accepted on one database is accepted on the other."""
    for row in values if isinstance(values, list) else [values]:
        if any(isinstance(value, str) and "\0" in value for value in row):
            raise OverflowError


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """A database that does not answer is a LuthierError; of its words one line is kept, without statement or values."""
    try:
        yield
    except (UnicodeEncodeError, DataError, OverflowError):
        raise UnstorableText(
            "a text holds characters that cannot be stored, or a number is out of range",
            expected="text without NUL characters and lone surrogates; numbers below 2^63",
            fix="remove them",
        ) from None
    except DBAPIError as error:
        if not isinstance(error, DatabaseTrouble) and not error.connection_invalidated:
            raise
        reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
        raise DatabaseUnreachable(
            f"the database does not answer: {reason}",
            expected="a database that is running, with room on its disk",
            fix="start it again; whatever waits is tried again by itself",
        ) from error


def _unusable(found: str, fix: str) -> StorageError:
    return StorageError(found, expected="sqlite:///FILE or postgresql://USER@HOST/NAME", fix=fix)
