"""Every list of the contract: how many come unasked, in which order, page after page, with stable ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from luthier.store import (
    Batch,
    Checkpoint,
    Eval,
    EvalRun,
    Fact,
    Job,
    OutputItem,
    Permission,
    StoredCompletion,
    StoredFile,
    TunedModel,
    WebhookEndpoint,
    batches,
    checkpoints,
    completions,
    evals,
    files,
    job_events,
    jobs,
    models,
    new_id,
    webhooks,
)
from luthier.store.permissions import PERMISSIONS
from server.conftest import RunningServer, serving

COUNT = 23
SECRETS = [{"secret": "whsec_YWJj", "until": None}]
NOW = int(time.time())
JOB, EVAL, RUN, MODEL = new_id("ftjob-"), new_id("eval_"), new_id("evalrun_"), "ft:starter:o::abcdefgh"
Insert = Callable[[Connection, str, str, int], Any]


def job(id: str, project: str) -> Job:
    return Job(id, project, NOW, "starter", "file-x", {"type": "supervised"}, {}, 1, "starter")


# Where it is, the prefix of its ids, how many come unasked, whether the newest come first, and how one is made. All
# have one time, so that only a second key can order them.
LISTS: dict[str, tuple[str, int, bool, Insert]] = {
    "/v1/files": ("file-", 10000, True, lambda c, id, p, n: files.create(
        c, StoredFile(id, p, f"{n}.jsonl", "fine-tune", 1, "0", f"files/{id}", NOW))),
    "/v1/fine_tuning/jobs": ("ftjob-", 20, True, lambda c, id, p, n: jobs.create(c, job(id, p))),
    f"/v1/fine_tuning/jobs/{JOB}/events": ("ftevent-", 20, True, lambda c, id, p, n: job_events.tell(
        c, p, JOB, Fact(str(n), created_at=NOW))),
    f"/v1/fine_tuning/jobs/{JOB}/checkpoints": ("ftckpt_", 10, True, lambda c, id, p, n: checkpoints.create(
        c, Checkpoint(id, p, JOB, n, f"{MODEL}:ckpt-step-{n}", NOW))),
    f"/v1/fine_tuning/checkpoints/{MODEL}/permissions": ("cp_", 10, True, lambda c, id, p, n: PERMISSIONS.insert(
        c, Permission(id, p, MODEL, f"proj_{n}", NOW))),
    "/v1/batches": ("batch_", 20, True, lambda c, id, p, n: batches.create(
        c, Batch(id, p, NOW, "/v1/chat/completions", "file-x", "24h", NOW + 86400))),
    "/v1/chat/completions": ("chatcmpl-", 20, False, lambda c, id, p, n: completions.create(
        c, StoredCompletion(id, p, NOW, "starter", {}, {"id": id, "choices": []}))),
    "/v1/evals": ("eval_", 20, False, lambda c, id, p, n: evals.create(
        c, Eval(id, p, NOW, NOW, "e", {"type": "logs"}, []))),
    f"/v1/evals/{EVAL}/runs": ("evalrun_", 20, False, lambda c, id, p, n: evals.create_run(
        c, EvalRun(id, p, EVAL, NOW, "r", "starter", {}))),
    f"/v1/evals/{EVAL}/runs/{RUN}/output_items": ("outputitem_", 20, False, lambda c, id, p, n: evals.add_item(
        c, OutputItem(id, p, EVAL, RUN, NOW, n, "pass", {}, [], {}))),
    "/v1/webhook_endpoints": ("we_", 20, True, lambda c, id, p, n: webhooks.create(
        c, WebhookEndpoint(id, p, NOW, NOW, "w", "https://example.com", [], SECRETS))),
}  # fmt: skip


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose one project has more of everything than a page holds."""
    with serving(tmp_path_factory.mktemp("lists")) as running:
        project = running.project_id
        with running.store.database.writing() as connection:
            jobs.create(connection, job(JOB, project))
            models.create(connection, TunedModel(MODEL, project, "starter", JOB, "adapter", "models/x", "o", NOW))
            evals.create(connection, Eval(EVAL, project, NOW, NOW, "e", {"type": "logs"}, []))
            evals.create_run(connection, EvalRun(RUN, project, EVAL, NOW, "r", "starter", {}))
            for prefix, _, _, insert in LISTS.values():
                for number in range(1, COUNT + 1):
                    insert(connection, new_id(prefix), project, number)
        yield running


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_what_the_contract_says(full: RunningServer, path: str):
    prefix, unasked, newest_first, _ = LISTS[path]
    headers = {"authorization": f"Bearer {full.client.api_key}"}

    def page(**query: Any) -> dict[str, Any]:
        answer = httpx.get(full.url + path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = page()
    pages = [page(limit=9)]
    while pages[-1]["has_more"]:
        pages.append(page(limit=9, after=pages[-1]["last_id"]))
    ids = [item["id"] for found in pages for item in found["data"]]

    assert first["object"] == "list" and set(first) == {"object", "data", "has_more", "first_id", "last_id"}
    assert COUNT <= len(ids) == len(set(ids)) and ids == sorted(ids, reverse=newest_first)
    assert all(id.startswith(prefix) for id in ids)
    assert [item["id"] for item in first["data"]] == ids[:unasked] and first["has_more"] == (len(ids) > unasked)
    assert (first["first_id"], first["last_id"]) == (ids[0], ids[:unasked][-1])


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", [{"after": "nothing"}, {"limit": 0}, {"limit": 10001}, {"limit": "many"}])
def test_a_page_that_cannot_be_is_refused_and_not_empty(full: RunningServer, path: str, query: dict[str, Any]):
    headers = {"authorization": f"Bearer {full.client.api_key}"}

    answer = httpx.get(full.url + path, params=query, headers=headers)

    assert answer.status_code == 400 and answer.json()["error"]["param"] in query


@pytest.mark.parametrize(
    "path", [path for path in LISTS if path.endswith(("permissions", "evals", "runs", "completions"))]
)
@pytest.mark.parametrize(("order", "is_descending"), [("asc", False), ("ascending", False), ("descending", True)])
def test_both_words_for_an_order_are_understood(full: RunningServer, path: str, order: str, is_descending: bool):
    headers = {"authorization": f"Bearer {full.client.api_key}"}

    ids = [item["id"] for item in httpx.get(full.url + path, params={"order": order}, headers=headers).json()["data"]]

    assert ids == sorted(ids, reverse=is_descending) and len(set(ids)) > 1
