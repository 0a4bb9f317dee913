"""An empty store on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from luthier.store import Store, open_store


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(database_url, str(tmp_path / "blobs"), organization="acme")
    yield opened
    opened.close()
