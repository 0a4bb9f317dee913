"""What nobody needs any more goes, and not before."""

from __future__ import annotations

from pathlib import Path

from luthier.jobs.workers.reaper import forget_runs, sweep
from luthier.store import DEFAULT_PROJECT, JOBS, Store, TunedModel, files, models
from some_jobs import ask, chat_rows, plan_of, put_file


def test_a_deleted_files_bytes_stay_while_a_job_needs_them(store: Store):
    file = put_file(store, chat_rows(12))
    job = ask(store, training_file=file)
    with store.database.writing() as connection:
        assert files.delete(connection, DEFAULT_PROJECT, file)
        assert files.find(connection, DEFAULT_PROJECT, file) is None
    sweep(store)
    assert store.blobs.exists(files.blob_key(file))
    with store.database.writing() as connection:
        JOBS.change(connection, DEFAULT_PROJECT, job.id, status="succeeded")
    sweep(store)
    assert not store.blobs.exists(files.blob_key(file))


def test_a_deleted_models_weights_go(store: Store, tmp_path: Path):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "weights.txt").write_text("w")
    store.blobs.put_folder("models/j/final", tmp_path / "adapter")
    model = TunedModel("ft:x", DEFAULT_PROJECT, "tiny", "ftjob-1", "adapter", "models/j/final", "acme", 1)
    with store.database.writing() as connection:
        models.create(connection, model)
    sweep(store)
    assert store.blobs.has_folder("models/j/final")
    with store.database.writing() as connection:
        assert models.delete(connection, DEFAULT_PROJECT, "ft:x")
        assert models.find(connection, DEFAULT_PROJECT, "ft:x") is None
    sweep(store)
    assert store.blobs.keys("models") == []


def test_run_folders_of_jobs_that_are_over_go(store: Store, tmp_path: Path):
    over, waiting = ask(store), ask(store)
    with store.database.writing() as connection:
        JOBS.change(connection, DEFAULT_PROJECT, over.id, status="cancelled")
    for job in (over, waiting):
        (tmp_path / "runs" / job.id).mkdir(parents=True)
    forget_runs(plan_of(store, tmp_path / "runs"))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [waiting.id]
