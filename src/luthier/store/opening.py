"""The store as one thing: the database with its tables made, the blobs, and the default project."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.store import projects
from luthier.store.blobs import Blobs, open_blobs
from luthier.store.database import Database, open_database
from luthier.store.migrate import migrate


@dataclass(frozen=True)
class Store:
    database: Database
    blobs: Blobs

    def close(self) -> None:
        self.database.close()


def open_store(database_url: str, blob_url: str, organization: str = "") -> Store:
    """Open both, bring the tables up to date, and make the default project if there is none."""
    database = open_database(database_url)
    migrate(database)
    with database.reading() as connection:
        is_there = projects.find(connection, projects.DEFAULT_PROJECT) is not None
    if not is_there:
        with database.writing() as connection:
            projects.ensure_default(connection, organization)
    return Store(database, open_blobs(blob_url))
