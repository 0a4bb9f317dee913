"""An endpoint whose server and key exist for one test."""

from collections.abc import Callable, Iterator

import pytest

from luthier.remote import Endpoint
from scripted_server import ScriptedServer, scripted_server

KEY = "sk-secret-7d1f"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def endpoint(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Endpoint]:
    monkeypatch.setenv("LUTHIER_TEST_KEY", KEY)
    quick = {"timeout_seconds": 2.0, "first_wait_seconds": 0.01, "attempts": 3}
    return lambda **changes: Endpoint(server.base_url, "m-1", "LUTHIER_TEST_KEY", **(quick | changes))
