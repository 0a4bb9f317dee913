"""The store opens on both databases, once for all that open it at the same time."""

from __future__ import annotations

import dataclasses
import inspect
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import luthier.store
from luthier.errors import StorageError
from luthier.store import DEFAULT_PROJECT, Store, migrate, open_database, open_store, projects
from luthier.store.kind import Kind
from luthier.store.schema import METADATA


def every_kind() -> list[Kind]:
    modules = [value for value in vars(luthier.store).values() if inspect.ismodule(value)]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Kind)]


def test_the_migrations_make_exactly_the_tables_that_the_code_reads(database_url: str):
    database = open_database(database_url)
    migrate(database)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    database.close()


def test_every_record_has_one_field_per_column():
    kinds = every_kind()
    assert len(kinds) > 15
    for kind in kinds:
        assert {field.name for field in dataclasses.fields(kind.record)} == set(kind.table.c.keys()), kind.table.name


def test_several_that_open_a_new_database_at_once_all_find_it_ready(database_url: str, tmp_path: Path):
    opened: list[Store] = []
    threads = [
        threading.Thread(target=lambda: opened.append(open_store(database_url, str(tmp_path / "blobs"))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    with opened[0].database.reading() as connection:
        assert [project.id for project in projects.list_all(connection)] == [DEFAULT_PROJECT]
    for store in opened:
        store.close()


def test_a_database_of_a_newer_luthier_is_refused_with_the_way_out(database_url: str):
    database = open_database(database_url)
    migrate(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer luthier"):
        migrate(database)
    database.close()
