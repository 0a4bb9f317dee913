"""The whole contract through the clients of old programs and of Node: the newest Python client is in tests/server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from luthier.recipe import Base
from luthier.store import TunedModel, models, new_id
from openai_clients.install import HERE, OldClients, installed
from replying import Replies, working
from server.conftest import RunningServer


@pytest.fixture(scope="module")
def old() -> OldClients:
    return installed()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with working(tmp_path_factory.mktemp("tour"), Replies()) as running:
        running.state.bases["acme/tiny-1"] = Base("acme/tiny-1", "starter")
        yield running


def toured(command: list[str], old: OldClients, server: RunningServer, folder: Path) -> str:
    """What a tour says at its end, from a project of its own that has one tuned model."""
    own, job = server.new_project("tour").id, new_id("ftjob-")
    tuned = f"ft:acme/tiny-1:my-org:support:{job[-8:]}"
    weights = models.folder_key(job)
    with server.store.database.writing() as connection:
        now = int(time.time())
        models.create(connection, TunedModel(tuned, own, "acme/tiny-1", job, "adapter", weights, "my-org", now))
    environment = old.environment(f"{server.url}/v1", server.new_key(own))
    words = [*command, tuned, server.new_project("permitted").id]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_the_last_client_of_the_old_line_finds_everything(old: OldClients, server: RunningServer, tmp_path: Path):
    assert toured(old.python_command(HERE / "tour.py"), old, server, tmp_path) == "all answered"


@pytest.mark.parametrize("package", ["openai", "openai-6"])
def test_node_finds_everything(old: OldClients, server: RunningServer, tmp_path: Path, package: str):
    (tmp_path / "node_modules").symlink_to(old.modules)
    (tmp_path / "tour.mjs").write_text((HERE / "tour.mjs").read_text("utf-8"), "utf-8")
    assert toured([old.node, "tour.mjs", package], old, server, tmp_path) == "all answered"
