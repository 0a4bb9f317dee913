"""Events and checkpoints through the official client."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from luthier.store import Checkpoint, Fact, checkpoints, job_events, jobs, new_id

ROWS = b'{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}\n' * 10


@pytest.fixture
def job(server) -> str:
    file = server.client.files.create(file=("train.jsonl", ROWS), purpose="fine-tune").id
    return server.client.fine_tuning.jobs.create(model="starter", training_file=file).id


def test_events_come_newest_first_each_once(server, job):
    facts = [
        Fact(f"Step {n}/4: training loss=0.50", type="metrics", data={"step": n, "total_steps": 4, "train_loss": 0.5})
        for n in range(1, 5)
    ]
    with server.store.database.writing() as connection:
        job_events.tell(connection, server.project_id, job, *facts)

    events = list(server.client.fine_tuning.jobs.list_events(job, limit=2))

    assert [event.data["step"] for event in events if event.type == "metrics"] == [4, 3, 2, 1]
    assert events[-1].message == f"Created fine-tuning job: {job}" and events[-1].data == {}
    assert len({event.id for event in events}) == len(events) and events[0].id.startswith("ftevent-")
    assert {event.level for event in events} == {"info"} and events[0].object == "fine_tuning.job.event"


def test_events_can_be_followed_until_the_job_is_over(server, job):
    server.client.fine_tuning.jobs.cancel(job)
    headers = {"authorization": f"Bearer {server.client.api_key}"}
    address = f"{server.url}/v1/fine_tuning/jobs/{job}/events"

    by_query = httpx.get(address, params={"stream": "true"}, headers=headers)
    by_header = httpx.get(address, headers={**headers, "accept": "text/event-stream"})

    lines = [line.removeprefix("data: ") for line in by_query.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]" and json.loads(lines[0])["message"] == f"Created fine-tuning job: {job}"
    assert by_header.text == by_query.text and by_query.headers["content-type"].startswith("text/event-stream")


def test_checkpoints_come_highest_step_first(server, job):
    with server.store.database.writing() as connection:
        for step in (10, 20, 30):
            metrics = {"train_loss": 1 / step, "full_valid_loss": 0.5}
            name = f"ft:starter:my-org::{job[-8:]}:ckpt-step-{step}"
            id = new_id("ftckpt_")
            checkpoints.create(
                connection, Checkpoint(id, server.project_id, job, step, name, int(time.time()), metrics)
            )

    listed = list(server.client.fine_tuning.jobs.checkpoints.list(job, limit=2))

    assert [checkpoint.step_number for checkpoint in listed] == [30, 20, 10]
    assert listed[0].metrics.step == 30 and listed[0].metrics.train_loss == 1 / 30
    assert listed[0].fine_tuning_job_id == job and listed[0].id.startswith("ftckpt")
    assert listed[0].fine_tuned_model_checkpoint.endswith(":ckpt-step-30")


def test_estimated_finish_is_told_only_while_running(server, job):
    with server.store.database.writing() as connection:
        jobs.JOBS.change(connection, server.project_id, job, status="running", estimated_finish=2000000000)
    assert server.client.fine_tuning.jobs.retrieve(job).estimated_finish == 2000000000
    with server.store.database.writing() as connection:
        jobs.JOBS.change(connection, server.project_id, job, status="succeeded")
    assert server.client.fine_tuning.jobs.retrieve(job).estimated_finish is None
