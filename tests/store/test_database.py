"""Transactions: whole or not at all, one writer at a time, and a database that is away says so."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from databases import KINDS, Postgres
from luthier.errors import StorageError
from luthier.store import DatabaseUnreachable, UnstorableText, clock, migrate, open_database, projects


def test_a_block_that_raises_leaves_nothing(database_url: str):
    database = open_database(database_url)
    migrate(database)
    with pytest.raises(RuntimeError), database.writing() as connection:
        projects.create(connection, "half")
        raise RuntimeError
    with database.reading() as connection:
        assert projects.list_all(connection) == ()
    database.close()


def test_writers_wait_for_each_other_and_lose_nothing(database_url: str):
    database = open_database(database_url)
    migrate(database)

    def write() -> None:
        for _ in range(20):
            with database.writing() as connection:
                projects.create(connection, "one")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        assert len(projects.list_all(connection)) == 80
    database.close()


def test_the_clock_is_the_time_of_day_in_seconds(database_url: str):
    database = open_database(database_url)
    with database.reading() as connection:
        assert clock(connection) == pytest.approx(time.time(), abs=5)
    database.close()


@pytest.mark.parametrize("url", ["mysql://host/name", "sqlite://", "sqlite:///:memory:", "no address"])
def test_an_address_that_cannot_be_used_says_which_can(url: str):
    with pytest.raises(StorageError, match="sqlite:///FILE or postgresql"):
        open_database(url)


def test_a_folder_that_is_no_database_is_told_as_unreachable(tmp_path: Path):
    database = open_database(f"sqlite:///{tmp_path}")
    with pytest.raises(DatabaseUnreachable), database.reading():
        pass
    database.close()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind == "postgresql"])
def test_after_a_restart_of_the_server_the_same_database_goes_on(kind: str, postgres: Postgres):
    database = open_database(postgres.new_database())
    migrate(database)
    postgres.restart()
    with database.writing() as connection:
        projects.create(connection, "after")
    with pytest.raises(DatabaseUnreachable), database.writing() as connection:
        projects.create(connection, "cut in the middle")
        postgres.restart()
        projects.create(connection, "never")
    with database.reading() as connection:
        assert [project.name for project in projects.list_all(connection)] == ["after"]
    database.close()


@pytest.mark.parametrize("text", ["half \ud800 a pair", "NUL \x00"])
def test_text_that_no_database_holds_is_told_and_not_a_crash(database_url: str, text: str):
    database = open_database(database_url)
    migrate(database)
    with pytest.raises(UnstorableText), database.writing() as connection:
        projects.create(connection, text)
        # SQLite would hold a NUL; the same text must not do on one database and fail on the other.
    database.close()
