"""A run that only trains: all rows as they are, weights after each epoch, and on from the weights of another run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from luthier.events import StepFinished, Validated, ValidationSampled, WeightsSaved
from luthier.recipe import Recipe
from luthier.runs import RunFolder, finetune
from tiny import ticket_rows, write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"))


def run(tmp_path: Path, model: Path, name: str, **model_settings) -> tuple[RunFolder, list]:
    rows = [*ticket_rows(8), *ticket_rows(2)]  # two rows twice: nothing is taken out
    for part, some in (("train", rows), ("validation", ticket_rows(5, seed=3))):
        (tmp_path / f"{part}.jsonl").write_text("\n".join(map(json.dumps, some)))
    document = {
        "model": {"path": str(model), **model_settings},
        "data": {
            "train": str(tmp_path / "train.jsonl"), "validation": str(tmp_path / "validation.jsonl"),
            "on_too_long": "cut-and-report",
        },
        "training": {
            "epochs": 3, "batch_examples": 5, "keep_epochs": 2, "count_right_tokens": True,
            "sample_validation_every": 2, "threads": 1,
        },
        "run": {"ends_after": "training"},
    }  # fmt: skip
    folder = RunFolder.create(tmp_path / "runs", name, Recipe.model_validate_json(json.dumps(document)))
    return folder, list(finetune(folder))


def test_it_trains_on_every_row_and_leaves_the_last_epochs(tmp_path: Path, model: Path):
    folder, events = run(tmp_path, model, "first")
    steps = [event for event in events if isinstance(event, StepFinished)]
    assert [event.step for event in steps] == [1, 2, 3, 4, 5, 6]
    assert all(event.right_tokens is not None and 0 <= event.right_tokens <= event.trained_tokens for event in steps)
    assert [event.step for event in events if isinstance(event, ValidationSampled)] == [2, 4, 6]
    assert [event.step for event in events if isinstance(event, Validated)] == [0, 2, 4, 6]
    saved = [(event.step, event.is_epoch) for event in events if isinstance(event, WeightsSaved)]
    assert saved == [(2, True), (4, True), (6, True)]
    assert [path.name for path in sorted((folder.path / "epochs").iterdir())] == ["step-000004", "step-000006"]
    final, epoch = (
        (folder.path / place / "adapter_model.safetensors").read_bytes() for place in ("adapter", "epochs/step-000006")
    )
    assert final == epoch and not (folder.path / "report.json").exists()


def test_it_goes_on_from_the_weights_of_another_run(tmp_path: Path, model: Path):
    folder, first = run(tmp_path, model, "first")
    _, second = run(tmp_path, model, "second", adapter=str(folder.path / "adapter"))
    begins, goes_on = (next(e.loss for e in events if isinstance(e, StepFinished)) for events in (first, second))
    assert goes_on < 0.7 * begins
