"""The app as a whole: whatever is sent, it answers, in its own words, and goes on."""

from __future__ import annotations

import itertools
import logging
import os
import random
from collections import Counter

import httpx
import openai
import pytest

from random_requests import Drawing
from replying import working
from server.conftest import RunningServer
from server.scripted_inference import ScriptedInference
from some_evals import ROWS, given, new_eval

# `LUTHIER_REQUESTS=20000` for the long form, `LUTHIER_SEED` for others than every time.
REQUESTS = int(os.environ.get("LUTHIER_REQUESTS", "400"))


def things_of(client: openai.OpenAI) -> list[str]:
    """Ids that random requests would seldom come to by themselves."""
    rows = b'{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}' * 10
    file = client.files.create(file=("rows.jsonl", rows), purpose="fine-tune")
    batch = client.files.create(file=("rows.jsonl", rows), purpose="batch")
    upload = client.uploads.create(bytes=3, filename="a.jsonl", mime_type="text", purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="starter", training_file=file.id)
    completion = client.chat.completions.create(
        model="starter", messages=[{"role": "user", "content": "hi"}], store=True
    )
    response = client.responses.create(model="starter", input="hi")
    eval, hook = (
        new_eval(client),
        client.webhooks.create(name="n", url="https://127.0.0.1/", event_types=["batch.completed"]),
    )
    run = client.evals.runs.create(eval.id, data_source={"type": "jsonl", "source": given(*ROWS)})
    return [file.id, batch.id, upload.id, job.id, completion.id, response.id, eval.id, hook.id, run.id]


def test_random_requests_never_break_the_server(tmp_path, caplog):
    with working(tmp_path, ScriptedInference(), "limits.silent_seconds=5") as server:
        statuses = answered_at_random(server)
        assert httpx.get(f"{server.url}/readyz").status_code == 200

    assert max(statuses) < 500 and statuses[200] > REQUESTS / 20, statuses
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def answered_at_random(server: RunningServer) -> Counter[int]:
    statuses: Counter[int] = Counter()
    headers = {"authorization": f"Bearer {server.new_key(scopes=('admin',))}"}
    dice = random.Random(int(os.environ.get("LUTHIER_SEED", "5")))
    drawing = Drawing(httpx.get(f"{server.url}/openapi.json").json(), dice, things_of(server.client))
    with httpx.Client(headers=headers, timeout=20) as client:
        for request in itertools.islice(drawing.requests(), REQUESTS):
            answer = client.request(
                request.method,
                server.url + request.path,
                params=request.query,
                content=request.content,
                headers=request.headers,
            )
            assert answer.status_code < 500, (request, answer.text)
            statuses[answer.status_code] += 1
            body = answer.json() if answer.headers.get("content-type") == "application/json" else {}
            if answer.status_code >= 400:
                assert set(body["error"]) == {"message", "type", "param", "code"}, request
            elif isinstance(body, dict) and isinstance(body.get("id"), str):
                drawing.known_ids.append(body["id"])
    return statuses


@pytest.mark.parametrize("path", ["/v1/files", "/v1/uploads/{id}/parts", "/v1/fine_tuning/jobs", "/v1/models/{model}"])
def test_the_openapi_document_tells_of_every_route(server, path):
    document = httpx.get(f"{server.url}/openapi.json").json()

    assert path in document["paths"]
    for operation in document["paths"][path].values():
        assert operation["tags"]
