"""Alive, ready, counted, logged."""

from __future__ import annotations

import io
import json
import logging
import threading
import time

import httpx
from prometheus_client.parser import text_string_to_metric_families

from luthier.answering import Delta
from luthier.server.door.logs import JsonLines, ShortLines
from luthier.store import jobs
from server.conftest import BASE


def test_a_server_is_alive_and_ready_without_a_key(server):
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{server.url}/readyz").json()["database"] is True
    assert "luthier" in httpx.get(f"{server.url}/").text


def test_counters_are_for_an_admin_and_never_hold_ids(server):
    file = server.client.files.create(file=("a.txt", b"x"), purpose="user_data").id
    server.client.files.retrieve(file)
    admin = {"authorization": f"Bearer {server.new_key(scopes=('admin',))}"}

    told = httpx.get(f"{server.url}/metrics", headers=admin).text

    assert 'route="/v1/files/{id}",status="200"' in told and file not in told
    assert 'luthier_jobs{status="queued"}' in told
    for headers in ({}, {"authorization": f"Bearer {server.client.api_key}"}):
        assert httpx.get(f"{server.url}/metrics", headers=headers).status_code in (401, 403)


def test_everything_that_an_operator_watches_is_counted(running, told):
    told.pieces = (Delta(text="a"), Delta(text="b"))
    running.client.chat.completions.create(model=BASE, messages=[{"role": "user", "content": "hi"}])
    file = running.client.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune").id
    job = running.client.fine_tuning.jobs.create(model="starter", training_file=file).id
    with running.store.database.writing() as connection:
        jobs.JOBS.change(connection, running.project_id, job, status="failed", started_at=1000, finished_at=1090)
    running.client.fine_tuning.jobs.create(model="starter", training_file=file)
    admin = {"authorization": f"Bearer {running.new_key(scopes=('admin',))}"}

    answer = httpx.get(f"{running.url}/metrics", headers=admin)

    counted = {
        (sample.name, sample.labels.get("status")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    waiting, taken = counted["luthier_jobs", "validating_files"], counted["luthier_job_seconds_sum", "failed"]
    assert waiting >= 1 and taken == 90 and counted["luthier_job_seconds_count", "failed"] == 1
    for name in (
        "luthier_prompt_tokens_total",
        "luthier_answer_tokens_total",
        "luthier_cached_tokens_total",
        "luthier_first_token_seconds_count",
        "luthier_token_seconds_count",
        "luthier_batch_rows",
    ):
        assert counted[name, None] >= 1, name
    assert {("luthier_answers_waiting", None), ("luthier_adapter_loads", None)} <= set(counted)


def test_metrics_can_be_opened_to_all(start):
    assert httpx.get(f"{start('metrics=open').url}/metrics").status_code == 200


def test_the_log_tells_of_every_request_and_never_of_keys_or_contents(server):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("luthier.server")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        server.client.files.create(file=("secret-name.txt", b"secret-content"), purpose="user_data")
        httpx.get(f"{server.url}/v1/files", headers={"authorization": "Bearer sk-secret"})
        time.sleep(0.05)
    finally:
        log.removeHandler(handler)
        log.setLevel(before)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["route"], line["status"]) for line in lines] == [("/v1/files", 200), ("/v1/files", 401)]
    assert lines[0]["request_id"].startswith("req_") and lines[0]["project"] == server.project_id
    assert "secret" not in stream.getvalue() and server.client.api_key not in stream.getvalue()


def test_people_read_short_lines():
    record = logging.LogRecord("luthier.server", logging.INFO, "f", 1, "request", None, None)
    record.fields = {"method": "GET", "route": "/v1/files", "status": 200, "milliseconds": 12.6}

    assert ShortLines().format(record).endswith("GET /v1/files 200 13 ms")


def test_lists_stay_quick_while_many_ask(server):
    seconds = []

    def ask() -> None:
        with httpx.Client(headers={"authorization": f"Bearer {server.client.api_key}"}) as client:
            for _ in range(5):
                begin = time.monotonic()
                assert client.get(f"{server.url}/v1/fine_tuning/jobs").status_code == 200
                seconds.append(time.monotonic() - begin)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seconds) == 50 and sorted(seconds)[25] < 1
