"""The one list of routes: every object of another project is as unknown as one that never was."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from luthier.server import ROUTES, Route
from luthier.store import (
    Batch,
    Checkpoint,
    Eval,
    EvalRun,
    Job,
    OutputItem,
    Permission,
    Store,
    StoredCompletion,
    StoredFile,
    StoredResponse,
    TunedModel,
    Upload,
    WebhookEndpoint,
    batches,
    checkpoints,
    completions,
    evals,
    files,
    jobs,
    models,
    new_id,
    responses,
    uploads,
    webhooks,
)
from luthier.store.permissions import PERMISSIONS

FORM = {"content-type": "multipart/form-data; boundary=x"}
FILE = b'--x\r\ncontent-disposition: form-data; name="data"; filename="a"\r\n\r\nabc\r\n--x--\r\n'
GIVEN_ROWS = {"type": "jsonl", "source": {"type": "file_content", "content": [{"item": {"a": "b"}}]}}
MATCH: Any = {"type": "string_check", "name": "m", "input": "a", "reference": "b", "operation": "eq"}
BODIES: Mapping[str, Any] = {
    "/v1/uploads/{id}/complete": {"part_ids": ["part_x"]},
    "/v1/fine_tuning/checkpoints/{model:path}/permissions": {"project_ids": ["proj_default"]},
    "/v1/chat/completions/{id}": {"metadata": {"a": "b"}},
    "/v1/evals/{id}": {"name": "mine"},
    "/v1/evals/{eval_id}/runs": {"name": "run", "data_source": GIVEN_ROWS},
    "/v1/webhook_endpoints/{id}": {"name": "mine"},
    "/v1/webhook_endpoints/{id}/test": {"event_type": "fine_tuning.job.succeeded"},
}
WITH_IDS = [route for route in ROUTES if "{" in route.path]


def one_of_each(store: Store, project: str) -> dict[str, str]:
    """An object of every kind in ``project``: the path before its id, and the id."""
    now, model = int(time.time()), f"ft:starter:org::{new_id('part_')[-8:]}"
    made = {
        kind: new_id(prefix)
        for kind, prefix in {
            "files": "file-",
            "uploads": "upload_",
            "fine_tuning/jobs": "ftjob-",
            "batches": "batch_",
            "evals": "eval_",
            "runs": "evalrun_",
            "output_items": "outputitem_",
            "chat/completions": "chatcmpl-",
            "responses": "resp_",
            "webhook_endpoints": "we_",
            "permissions": "cp_",
        }.items()
    }
    file, job, run = made["files"], made["fine_tuning/jobs"], made["runs"]
    store.blobs.put(files.blob_key(file), [b"secret"])
    with store.database.writing() as c:
        files.create(c, StoredFile(file, project, "a.jsonl", "fine-tune", 6, "0" * 64, files.blob_key(file), now))
        uploads.create(c, Upload(made["uploads"], project, "a.jsonl", "fine-tune", "text", 3, now, now + 3600))
        jobs.create(c, Job(job, project, now, "starter", file, {"type": "supervised"}, {}, 1, "starter"))
        checkpoints.create(c, Checkpoint(new_id("ftckpt_"), project, job, 1, f"{model}:ckpt-step-1", now))
        models.create(c, TunedModel(model, project, "starter", job, "adapter", models.folder_key(job), "org", now))
        PERMISSIONS.insert(c, Permission(made["permissions"], project, model, "proj_default", now))
        batches.create(c, Batch(made["batches"], project, now, "/v1/chat/completions", file, "24h", now + 86400))
        evals.create(c, Eval(made["evals"], project, now, now, "e", {"type": "logs"}, []))
        evals.create_run(c, EvalRun(run, project, made["evals"], now, "r", "starter", GIVEN_ROWS))
        evals.add_item(c, OutputItem(made["output_items"], project, made["evals"], run, now, 0, "pass", {}, [], {}))
        completions.create(c, StoredCompletion(made["chat/completions"], project, now, "starter", {}, {}))
        responses.create(c, StoredResponse(made["responses"], project, now, "starter", {}, {}, []))
        webhooks.create(
            c, WebhookEndpoint(made["webhook_endpoints"], project, now, now, "w", "https://example.com", [], [])
        )
    return {**made, "model": model}


def filled(path: str, made: Mapping[str, str]) -> str:
    """``path`` with the ids of ``made``."""

    def id_of(match: re.Match[str]) -> str:
        name = match[1].removesuffix(":path")
        by_name = {"model": "model", "eval_id": "evals", "run_id": "runs", "item_id": "output_items"}
        before = path[: match.start()].rstrip("/")
        kind = by_name.get(name) or next(kind for kind in made if before.endswith(f"/{kind}"))
        return made[kind].replace("/", "%2F")

    return re.sub(r"\{([a-z_:]+)\}", id_of, path)


@pytest.fixture(scope="module")
def foreign(shared) -> dict[str, str]:
    return one_of_each(shared.store, shared.new_project("foreign").id)


@pytest.mark.parametrize("route", WITH_IDS, ids=lambda route: f"{route.method} {route.path}")
def test_another_projects_object_is_answered_like_one_that_never_was(server, foreign, route: Route):
    never = {kind: id[:-4] + "none" for kind, id in foreign.items()}
    headers = {"authorization": f"Bearer {server.new_key(scopes=('admin',))}"}
    sent: dict[str, Any] = {"json": BODIES.get(route.path, {})} if route.method == "POST" else {}
    if route.path.endswith("/parts"):
        sent, headers = {"content": FILE}, {**headers, **FORM}

    answers = [
        httpx.request(route.method, server.url + filled(route.path, made), headers=headers, **sent)
        for made in (foreign, never)
    ]

    told = [
        (answer.status_code, re.sub(r"[a-zA-Z_:-]*[a-z0-9]{4}(?=[` ]|$|\")", "ID", answer.text)) for answer in answers
    ]
    assert [status for status, _ in told] == [404, 404], answers[0].text
    for kind, id in foreign.items():
        assert id not in answers[1].text, kind
    assert set(answers[0].json()["error"]) == {"message", "type", "param", "code"}
    assert len({len(text) for _, text in told}) == 1


def test_another_projects_file_and_model_cannot_be_used(server, foreign):
    own = server.client.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune").id
    headers = {"authorization": f"Bearer {server.client.api_key}"}
    for body in (
        {"model": "starter", "training_file": foreign["files"]},
        {"model": foreign["model"], "training_file": own},
    ):
        answer = httpx.post(f"{server.url}/v1/fine_tuning/jobs", json=body, headers=headers)
        assert answer.status_code == 400
    own_eval = server.client.evals.create(
        name="own", data_source_config={"type": "custom", "item_schema": {}}, testing_criteria=[MATCH]
    )
    source = {"type": "jsonl", "source": {"type": "file_id", "id": foreign["files"]}}
    window = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
    for path, body in (
        ("/v1/batches", {"input_file_id": foreign["files"], **window}),
        (f"/v1/evals/{own_eval.id}/runs", {"data_source": source}),
    ):
        answer = httpx.post(server.url + path, json=body, headers=headers)
        assert answer.status_code == 400 and "secret" not in answer.text
    asked = {"model": foreign["model"], "messages": [{"role": "user", "content": "hi"}]}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=asked, headers=headers)
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("route", [r for r in ROUTES if r.scope != "public"], ids=lambda r: f"{r.method} {r.path}")
def test_no_route_is_open_without_a_key(server, route: Route):
    path = re.sub(r"\{[a-z_:]+\}", "x", route.path)

    for headers in ({}, {"authorization": "Bearer sk-wrong"}, {"authorization": "Basic abc"}):
        answer = httpx.request(route.method, server.url + path, headers=headers)
        assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key"
        assert "sk-wrong" not in answer.text


def test_no_route_is_listed_twice():
    named = [(route.method, route.path) for route in ROUTES]
    assert len(named) == len(set(named))
