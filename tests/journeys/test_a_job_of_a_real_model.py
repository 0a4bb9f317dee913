"""A fine-tuning job from upload to a model that PEFT could load, trained by the real run in its own process."""

from __future__ import annotations

from pathlib import Path

from luthier.jobs import AskedJob, create_job
from luthier.jobs.workers.plan import CHILD
from luthier.recipe import Base
from luthier.store import DEFAULT_PROJECT, checkpoints, job_events, models, open_store
from some_jobs import plan_of, put_file, wait_for, working
from tiny import ticket_rows, write_tiny_model


def test_a_job_trains_validates_and_leaves_what_can_be_served(tmp_path: Path):
    bases = {"tiny": Base("tiny", str(write_tiny_model(tmp_path / "model")))}
    store = open_store(f"sqlite:///{tmp_path / 'luthier.db'}", str(tmp_path / "blobs"))
    asked = AskedJob(
        "tiny",
        put_file(store, ticket_rows(12)),
        put_file(store, ticket_rows(4, seed=9)),
        hyperparameters={"n_epochs": 2, "batch_size": 6},
        seed=3,
    )
    job = create_job(store, DEFAULT_PROJECT, asked, bases)
    with working(plan_of(store, tmp_path / "runs", bases=bases, command=CHILD, lease_seconds=30.0)):
        ended = wait_for(store, job.id, lambda job: job.is_over, seconds=200)
    assert ended.status == "succeeded", ended.error
    with store.database.reading() as connection:
        metrics = job_events.metrics(connection, DEFAULT_PROJECT, job.id)
        left = checkpoints.of_job(connection, DEFAULT_PROJECT, job.id)
        model = models.find(connection, DEFAULT_PROJECT, str(ended.fine_tuned_model))
    assert [data["step"] for data in metrics] == [1, 2, 3, 4] and metrics[-1]["total_steps"] == 4
    assert metrics[-1]["train_loss"] < metrics[0]["train_loss"]
    assert {"full_valid_loss", "full_valid_mean_token_accuracy", "valid_loss"} <= set(metrics[1])
    assert [checkpoint.step_number for checkpoint in left] == [2, 4]
    assert model is not None and model.kind == "adapter"
    names = {key.rpartition("/")[2] for key in store.blobs.keys(model.folder)}
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= names
    store.close()
