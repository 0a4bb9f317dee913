"""Weights that would run code are never opened; whoever asks for them is told, and everybody else is answered."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import openai
import pytest

from luthier.store import TunedModel, models
from runs.serving.conftest import ASK, TUNED, text_of
from server.conftest import BASE, RunningServer
from server.scripted_inference import wait_until


class Bomb:
    """Opening its pickle makes a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("name", ["adapter_model.bin", "adapter_model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("kind", ["adapter", "model"])
def test_a_pickle_among_tuned_weights_is_refused_and_never_opened(
    running: RunningServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, kind: str
):
    caplog.set_level(logging.INFO, "luthier.server")
    mark, folder, id = tmp_path / "opened", tmp_path / "weights", f"ft:starter:my-org:{kind}:{name}"
    # What else lies in such a folder is as it should be.
    good = running.store.blobs.folder_on_disk(models.folder_key("ftjob-1"), tmp_path / "cache")
    folder.mkdir()
    for file in good.iterdir():
        if file.suffix != ".safetensors" and file.name != "contents.json":
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
    key = models.folder_key(f"ftjob-{kind}-{name}")
    running.store.blobs.put_folder(key, folder)
    with running.store.database.writing() as connection:
        models.create(connection, TunedModel(id, running.project_id, BASE, "ftjob-1", kind, key, "my-org", 1))

    with pytest.raises(openai.APIStatusError) as refused:
        running.client.with_options(max_retries=0).chat.completions.create(model=id, messages=ASK)

    def logged() -> list[str]:
        return [record.fields["request_id"] for record in caplog.records if record.getMessage() == "request"]

    assert not mark.exists() and refused.value.status_code < 500, refused.value
    # The line is written once the answer is on its way.
    assert wait_until(lambda: refused.value.request_id in logged())
    assert text_of(running) and text_of(running, model=TUNED)
