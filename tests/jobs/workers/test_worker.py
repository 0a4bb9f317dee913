"""A worker with runs that behave in every way a run can."""

from __future__ import annotations

import errno
import importlib
import json
from pathlib import Path

import pytest

from luthier.jobs import cancel, pause, resume
from luthier.store import DEFAULT_PROJECT, Asked, Job, Store, checkpoints, files, job_events, models
from some_jobs import ask, chat_rows, plan_of, put_file, wait_for, working


def messages(store: Store, job: Job) -> list[str]:
    with store.database.reading() as connection:
        page = job_events.page(connection, DEFAULT_PROJECT, job.id, Asked(1000, None, "asc"))
    return [event.message for event in page.items]


def steps(store: Store, job: Job) -> list[int]:
    with store.database.reading() as connection:
        return [data["step"] for data in job_events.metrics(connection, DEFAULT_PROJECT, job.id)]


def weights(store: Store, name: str | None) -> str:
    with store.database.reading() as connection:
        model = models.find(connection, DEFAULT_PROJECT, str(name))
    assert model is not None
    return store.blobs.content(f"{model.folder}/weights.txt").decode()


def behave(monkeypatch: pytest.MonkeyPatch, **how) -> None:
    monkeypatch.setenv("FAKE_RUN", json.dumps(how))


def test_a_job_goes_from_its_files_to_a_model_with_the_platforms_words(store: Store, tmp_path: Path):
    job = ask(store, suffix="support")
    with working(plan_of(store, tmp_path / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    told = messages(store, job)
    assert ended.status == "succeeded" and ended.error is None and ended.trained_tokens == 1234
    assert ended.hyperparameters == {"n_epochs": 5, "batch_size": 1, "learning_rate_multiplier": 1.0}
    assert ended.finished_at is not None and ended.estimated_finish is None
    assert told[:4] == [
        f"Created fine-tuning job: {job.id}",
        f"Validating training file: {job.training_file}",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
    ]
    assert told[4].startswith("Step 1/30: training loss=0.")
    assert told[-2:] == [
        f"New fine-tuned model created: {ended.fine_tuned_model}",
        "The job has successfully completed",
    ]
    assert str(ended.fine_tuned_model).startswith("ft:tiny:acme:support:")
    assert not list((tmp_path / "runs").glob("ftjob-*"))


def test_checkpoints_answer_and_results_are_there_before_the_job_says_so(store: Store, tmp_path: Path):
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    with store.database.reading() as connection:
        left = checkpoints.of_job(connection, DEFAULT_PROJECT, job.id)
        result = files.find(connection, DEFAULT_PROJECT, (ended.result_files or [""])[0])
    assert [checkpoint.step_number for checkpoint in left] == [10, 20, 30]
    assert all(len(weights(store, checkpoint.model)) == 64 for checkpoint in left)
    assert left[0].metrics is not None and left[0].metrics["train_mean_token_accuracy"] == 0.5
    assert result is not None and result.purpose == "fine-tune-results" and result.filename.endswith(".csv")
    rows = store.blobs.content(result.blob).decode().splitlines()
    assert rows[0].startswith("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy")
    assert len(rows) == 31


def test_a_paused_job_goes_on_from_its_state_and_repeats_no_step(store: Store, tmp_path: Path, monkeypatch):
    behave(monkeypatch, steps=40, step_seconds=0.04)
    job = ask(store)
    undisturbed = ask(store)
    with working(plan_of(store, tmp_path / "runs", slots=2)):
        wait_for(store, job.id, lambda _: len(steps(store, job)) >= 3)
        with store.database.writing() as connection:
            asked = pause(connection, DEFAULT_PROJECT, job.id)
        assert asked is not None and asked.want == "pause"
        paused = wait_for(store, job.id, lambda job: job.status == "paused", seconds=5)
        with store.database.reading() as connection:
            (snapshot,) = checkpoints.of_job(connection, DEFAULT_PROJECT, job.id)
        assert paused.owner is None and snapshot.step_number == steps(store, job)[-1] < 40
        with store.database.writing() as connection:
            resumed = resume(connection, DEFAULT_PROJECT, job.id)
        assert resumed is not None and resumed.status == "queued"
        ended = wait_for(store, job.id, lambda job: job.is_over)
        other = wait_for(store, undisturbed.id, lambda job: job.is_over)
    assert steps(store, job) == list(range(1, 41))
    assert weights(store, ended.fine_tuned_model) == weights(store, other.fine_tuned_model)


def test_a_running_job_is_cancelled_within_seconds(store: Store, tmp_path: Path, monkeypatch):
    behave(monkeypatch, steps=1000)
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs")):
        wait_for(store, job.id, lambda _: len(steps(store, job)) >= 1)
        with store.database.writing() as connection:
            cancel(connection, DEFAULT_PROJECT, job.id)
        ended = wait_for(store, job.id, lambda job: job.is_over, seconds=5)
    assert ended.status == "cancelled" and ended.fine_tuned_model is None and ended.finished_at is not None


def test_a_run_that_dies_goes_on_from_its_last_checkpoint(store: Store, tmp_path: Path, monkeypatch):
    behave(monkeypatch, die_at=14)
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    assert ended.status == "succeeded" and steps(store, job) == list(range(1, 31))
    assert any("goes on from its last checkpoint" in message for message in messages(store, job))


def test_a_run_that_dies_again_and_again_at_the_same_place_fails_its_job(store: Store, tmp_path: Path, monkeypatch):
    behave(monkeypatch, die_at=4, once=False)
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs", max_crashes=2)):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    assert ended.status == "failed" and ended.error is not None and ended.error["code"] == "run_crashed"


def test_death_by_memory_is_told_and_tried_once_more_with_smaller_micro_batches(
    store: Store, tmp_path: Path, monkeypatch
):
    behave(monkeypatch, die_at=5, result={"outcome": "memory", "found": "no memory left"})
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    assert ended.status == "succeeded" and (ended.notes or {})["micro_batch_tokens"] == 512
    (told,) = [message for message in messages(store, job) if "out of memory" in message]
    assert told.endswith("it is tried once more with micro-batches of 512 tokens")


def test_the_second_death_by_memory_fails_the_job(store: Store, tmp_path: Path, monkeypatch):
    behave(monkeypatch, die_at=5, once=False, result={"outcome": "memory", "found": "no memory left"})
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    assert ended.status == "failed" and ended.error is not None and ended.error["code"] == "out_of_memory"


def test_a_full_disk_is_waited_for(store: Store, tmp_path: Path, monkeypatch):
    behave(monkeypatch, die_at=5, result={"outcome": "storage", "found": "no space left on device"})
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    assert ended.status == "succeeded" and steps(store, job) == list(range(1, 31))


@pytest.mark.parametrize(
    "stage", ["tuning.checking.fetch_files", "workers.worker.prepare_run", "workers.supervisor.start_run"]
)
def test_a_disk_that_is_full_before_the_run_can_begin_is_waited_for(store: Store, tmp_path: Path, monkeypatch, stage):
    place, _, name = stage.rpartition(".")
    module = importlib.import_module(f"luthier.jobs.{place}")
    work, tries = getattr(module, name), []

    def full_at_first(*given):
        tries.append(given)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return work(*given)

    monkeypatch.setattr(module, name, full_at_first)
    behave(monkeypatch, steps=3)
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    assert ended.status == "succeeded" and steps(store, job) == [1, 2, 3]
    assert any("waits for room" in message for message in messages(store, job))


def test_a_worker_that_is_stopped_leaves_the_job_to_the_next(store: Store, tmp_path: Path, monkeypatch):
    behave(monkeypatch, step_seconds=0.05)
    job = ask(store)
    with working(plan_of(store, tmp_path / "runs")):
        wait_for(store, job.id, lambda _: len(steps(store, job)) >= 2)
    left = wait_for(store, job.id, lambda job: job.owner is None, seconds=1)
    assert left.status == "queued"
    with working(plan_of(store, tmp_path / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    assert ended.status == "succeeded" and steps(store, job) == list(range(1, 31))


def test_a_worker_on_another_host_goes_on_from_the_state_in_the_blob_store(store: Store, tmp_path: Path, monkeypatch):
    behave(monkeypatch, step_seconds=0.05)
    job = ask(store)
    with working(plan_of(store, tmp_path / "host-a" / "runs")):
        wait_for(store, job.id, lambda job: bool((job.notes or {}).get("mirrored")))
    with working(plan_of(store, tmp_path / "host-b" / "runs")):
        ended = wait_for(store, job.id, lambda job: job.is_over)
    assert ended.status == "succeeded" and steps(store, job) == list(range(1, 31))
    first = next((tmp_path / "host-b").rglob("events.jsonl"), None)
    assert first is None and store.blobs.keys("runs") == []


def test_a_bad_file_fails_the_job_with_code_and_param(store: Store, tmp_path: Path):
    few = ask(store, training_file=put_file(store, chat_rows(7)))
    bad = ask(store, validation_file=put_file(store, ["{not json"]))
    with working(plan_of(store, tmp_path / "runs")):
        few, bad = (wait_for(store, job.id, lambda job: job.is_over) for job in (few, bad))
    assert few.status == bad.status == "failed"
    assert few.error == {
        "code": "invalid_n_examples",
        "message": "Training file has 7 example(s), but must have at least 10 examples",
        "param": "training_file",
    }
    assert bad.error is not None and (bad.error["code"], bad.error["param"]) == (
        "invalid_file_format",
        "validation_file",
    )
