"""Settings for all property tests: no deadline, since machines are shared; the same examples on every CI run.

And both databases, so that every test of what is stored runs on SQLite and on PostgreSQL.
"""

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

import databases

settings.register_profile("luthier", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("luthier")


@pytest.fixture(scope="session")
def postgres() -> Iterator[databases.Postgres]:
    with databases.postgres_server() as server:
        yield server


@pytest.fixture(params=databases.KINDS)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of each kind there is on this machine."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres").new_database()
        return
    with tempfile.TemporaryDirectory(prefix="luthier-", dir=databases.quick_place()) as folder:
        yield f"sqlite:///{folder}/luthier.db"
