"""The app as a whole: whatever is sent, it answers, in its own words, and goes on."""

from __future__ import annotations

import itertools
import os
import random

import httpx
import openai
import pytest

from random_requests import Drawing
from server.scripted_inference import ScriptedInference

# `LUTHIER_REQUESTS=20000` for the long form.
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
    return [file.id, batch.id, upload.id, job.id, completion.id, response.id]


def test_random_requests_never_break_the_server(start):
    server = start("limits.silent_seconds=5", inference=ScriptedInference())
    headers = {"authorization": f"Bearer {server.new_key(scopes=('admin',))}"}
    drawing = Drawing(httpx.get(f"{server.url}/openapi.json").json(), random.Random(5), things_of(server.client))
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
            body = answer.json() if answer.headers.get("content-type") == "application/json" else {}
            if answer.status_code >= 400:
                assert set(body["error"]) == {"message", "type", "param", "code"}, request
            elif isinstance(body, dict) and isinstance(body.get("id"), str):
                drawing.known_ids.append(body["id"])
        assert client.get(f"{server.url}/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/v1/files", "/v1/uploads/{id}/parts", "/v1/fine_tuning/jobs", "/v1/models/{model}"])
def test_the_openapi_document_tells_of_every_route(server, path):
    document = httpx.get(f"{server.url}/openapi.json").json()

    assert path in document["paths"]
    for operation in document["paths"][path].values():
        assert operation["tags"]
