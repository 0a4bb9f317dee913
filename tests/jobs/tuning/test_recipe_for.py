"""A job as a recipe."""

from __future__ import annotations

from pathlib import Path

from luthier.jobs.tuning.recipe_for import Rows, Start, recipe_for
from luthier.recipe import Full
from luthier.store import Job

ROWS = Rows(Path("/r/training.jsonl"), Path("/r/validation.jsonl"), "chat", 10)


def job(**values) -> Job:
    numbers = {"n_epochs": 4, "batch_size": 2, "learning_rate_multiplier": 1.5}
    return Job("ftjob-1", "proj_1", 1, "tiny", "file-1", {"type": "supervised"}, numbers, 7, **values)


def test_hyperparameters_seed_and_files_are_the_jobs():
    recipe = recipe_for(job(), Start("/models/tiny"), ROWS)
    training = recipe.training
    assert (training.epochs, training.batch_examples, training.learning_rate_factor) == (4.0, 2, 1.5)
    assert (training.seed, recipe.data.seed, recipe.run.ends_after) == (7, 7, "training")
    assert recipe.data.validation == "/r/validation.jsonl" and recipe.data.on_too_long == "cut-and-report"
    assert recipe.model.path == "/models/tiny" and recipe.model.adapter is None


def test_an_adapter_is_gone_on_from_on_its_base_and_a_whole_model_in_its_place():
    adapter = recipe_for(job(), Start("/models/tiny", Path("/blobs/a")), ROWS)
    assert (adapter.model.path, adapter.model.adapter) == ("/models/tiny", "/blobs/a")
    whole = recipe_for(job(), Start("/models/tiny", Path("/blobs/m"), "model"), ROWS)
    assert whole.model.path == "/blobs/m" and isinstance(whole.method, Full)


def test_a_smaller_micro_batch_and_the_operators_overrides_are_heeded():
    recipe = recipe_for(job(notes={"micro_batch_tokens": 512}), Start("starter"), ROWS, ["method.rank=4"])
    assert recipe.training.micro_batch_tokens == 512
    assert recipe.method.model_dump()["rank"] == 4
