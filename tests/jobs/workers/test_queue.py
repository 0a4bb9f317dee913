"""Of any number that claim, each job goes to exactly one; whoever lost it can no longer move it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from luthier.jobs.workers.queue import Claimed, claim_queued, finish, hand_back, return_lost, tell
from luthier.store import DEFAULT_PROJECT, JOBS, Asked, Fact, Job, LeaseLost, Store, job_events, jobs, new_id, webhooks
from some_jobs import ask, chat_rows, put_file

CLAIMER = """
import sys
from luthier.jobs.workers.queue import claim_queued
from luthier.store import open_database
database = open_database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while True:
    with database.writing() as connection:
        claimed = claim_queued(connection, sys.argv[2], 600)
    if claimed is None:
        break
    print(claimed.job.id, flush=True)
"""


def queued(store: Store, count: int = 1) -> list[Job]:
    made = [
        Job(new_id("ftjob-"), DEFAULT_PROJECT, 1000, "tiny", "file-1", {"type": "supervised"}, {}, 7, status="queued")
        for _ in range(count)
    ]
    with store.database.writing() as connection:
        for job in made:
            jobs.create(connection, job)
    return made


def claim(store: Store, owner: str = "one", seconds: float = 60) -> Claimed:
    with store.database.writing() as connection:
        claimed = claim_queued(connection, owner, seconds)
    assert claimed is not None
    return claimed


def test_four_hundred_jobs_are_claimed_once_each_by_four_competing_processes(store: Store, database_url: str):
    made = queued(store, 400)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, database_url, f"worker-{number}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    outputs: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda p=process: outputs.append(p.communicate("go\n", timeout=120)[0].split()))
        for process in processes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [id for output in outputs for id in output]
    assert sorted(taken) == sorted(job.id for job in made)
    assert sum(bool(output) for output in outputs) > 1


def test_the_oldest_job_comes_first_and_is_running(store: Store):
    made = queued(store, 3)
    claimed = claim(store)
    assert claimed.job.id == made[0].id and claimed.job.status == "running" and claimed.job.started_at is not None


def test_a_job_that_is_to_wait_is_not_claimed(store: Store):
    (job,) = queued(store)
    with store.database.writing() as connection:
        JOBS.change(connection, DEFAULT_PROJECT, job.id, not_before=4e9)
        assert claim_queued(connection, "one", 60) is None


def test_a_lost_job_goes_back_to_the_queue_and_its_worker_is_fenced_off(store: Store):
    queued(store)
    lost = claim(store, "one", seconds=-1)
    with store.database.writing() as connection:
        (returned,) = return_lost(connection)
    assert returned.status == "queued" and returned.owner is None
    second = claim(store, "two")
    assert second.lease.attempt == 2
    for write in (
        lambda connection: tell(connection, lost, [Fact("stale")]),
        lambda connection: hand_back(connection, lost, "queued", [Fact("stale")]),
        lambda connection: finish(connection, lost, "succeeded", [Fact("stale")]),
    ):
        with pytest.raises(LeaseLost), store.database.writing() as connection:
            write(connection)
    with store.database.reading() as connection:
        told = job_events.page(connection, DEFAULT_PROJECT, second.job.id, Asked()).items
    assert "stale" not in [event.message for event in told]


@pytest.mark.parametrize(("want", "status"), [("cancel", "cancelled"), ("pause", "paused"), (None, "queued")])
def test_a_wish_addressed_to_a_dead_worker_is_settled(store: Store, want, status: str):
    queued(store)
    lost = claim(store, "one", seconds=-1)
    with store.database.writing() as connection:
        JOBS.change(connection, DEFAULT_PROJECT, lost.job.id, want=want)
        (returned,) = return_lost(connection)
    assert returned.status == status and returned.want is None


def test_the_end_comes_once_with_its_webhook(store: Store):
    queued(store)
    endpoint = webhooks.WebhookEndpoint(
        new_id("we_"), DEFAULT_PROJECT, 1, 1, "ci", "https://example.com", ["fine_tuning.job.succeeded"], []
    )
    claimed = claim(store)
    with store.database.writing() as connection:
        webhooks.create(connection, endpoint)
        ended = finish(connection, claimed, "succeeded", [Fact("done")], fine_tuned_model="ft:x")
    assert ended.status == "succeeded" and ended.owner is None and ended.finished_at is not None
    with pytest.raises(LeaseLost), store.database.writing() as connection:
        finish(connection, claimed, "succeeded")
    with store.database.reading() as connection:
        deliveries = webhooks.DELIVERIES.all(connection, DEFAULT_PROJECT)
    assert [(d.event_type, d.body["data"]) for d in deliveries] == [
        ("fine_tuning.job.succeeded", {"id": claimed.job.id})
    ]


def test_a_job_whose_files_are_unchecked_is_not_run(store: Store, tmp_path: Path):
    ask(store, training_file=put_file(store, chat_rows(12)))
    with store.database.writing() as connection:
        assert claim_queued(connection, "one", 60) is None
