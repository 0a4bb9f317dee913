"""Alive, ready, counted, logged."""

from __future__ import annotations

import io
import json
import logging
import threading
import time

import httpx

from luthier.server.logs import JsonLines, ShortLines


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
