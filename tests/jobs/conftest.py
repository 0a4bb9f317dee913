"""An empty store on each database, and workers in this process that are not as patient as those of a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from luthier.jobs.workers import settling, supervisor
from luthier.store import Store, open_store


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, seconds in (
        (supervisor, "LOOK_SECONDS", 0.02),
        (supervisor, "WISH_SECONDS", 0.05),
        (settling, "FIRST_WAIT_SECONDS", 0.02),
    ):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(database_url, str(tmp_path / "blobs"), organization="acme")
    yield opened
    opened.close()
