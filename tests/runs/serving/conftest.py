"""A server with the engine of this process, a real small model and an adapter on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from luthier.adapters import put_on
from luthier.models import load_model, open_model_folder
from luthier.recipe import EngineSettings, Lora
from luthier.runs.serving import EmbeddedInference
from luthier.store import TunedModel, models
from server.conftest import BASE, RunningServer, serving

ASK: list[Any] = [{"role": "user", "content": "Name three fruits and a colour."}]
TUNED = "ft:starter:my-org:pirate:abc12345"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 8}, "days": {"type": "integer", "maximum": 9}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}
CLOCK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_time",
        "strict": True,
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    },
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("embedded")
    found: dict[str, RunningServer] = {}
    inference = EmbeddedInference(
        EngineSettings(cache_megabytes=64, precision="float32"),
        ["starter"],
        lambda key: found["server"].store.blobs.folder_on_disk(key, folder / "cache"),
    )
    with serving(folder, inference=inference) as server:
        found["server"] = server
        _add_tuned(server, folder / "adapter")
        yield server
        for host in inference.hosts():
            host.engine.close()


def _add_tuned(server: RunningServer, folder: Path) -> None:
    """An adapter whose answers cannot be the base's."""
    base = open_model_folder("starter")
    model = load_model(base, torch.float32)
    adapter = put_on(Lora(), model, str(base.path), seed=1)
    with torch.no_grad():
        for parameter in adapter.parameters().values():
            parameter.normal_(0, 0.2)
    adapter.save(folder)
    key = models.folder_key("ftjob-1")
    server.store.blobs.put_folder(key, folder)
    with server.store.database.writing() as connection:
        models.create(
            connection,
            TunedModel(TUNED, server.project_id, BASE, "ftjob-1", "adapter", key, "my-org", created_at=1),
        )


def text_of(running: RunningServer, **asked: Any) -> str:
    whole = {"model": BASE, "messages": ASK, "max_tokens": 12, "temperature": 0} | asked
    return running.client.chat.completions.create(**whole).choices[0].message.content or ""
