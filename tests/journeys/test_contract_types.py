"""Every object on the wire is what the official client's types call it, with nothing converted and nothing missing.

Graders, batches, evals and webhook endpoints are held to their types where they are tried, in tests/server.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from openai.types import (
    Completion,
    CreateEmbeddingResponse,
    FileDeleted,
    FileObject,
    Model,
    ModelDeleted,
    Upload,
    uploads,
)
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionDeleted,
    ChatCompletionStoreMessage,
)
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.checkpoints import PermissionDeleteResponse, PermissionRetrieveResponse
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from openai.types.responses import Response
from openai.types.webhooks import FineTuningJobCancelledWebhookEvent

from luthier.answering import CalledTool, Delta, TokenChance
from luthier.store import Checkpoint, Fact, TunedModel, checkpoints, job_events, jobs, models, new_id
from replying import BASE, Replies, strictly, until, working
from server.conftest import RunningServer
from webhook_receiver import receiving

ROWS = b'{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}\n' * 12
ASK: dict[str, Any] = {"model": BASE, "messages": [{"role": "user", "content": "hi"}]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


class Talkative(Replies):
    """Everything that an answer may hold: a text with its chances, and where there are tools a call."""

    async def answer(self, request):
        if request.tools:
            yield Delta(tools=(CalledTool(0, id="call_1", name="look"),))
            yield Delta(tools=(CalledTool(0, "{}"),))
            async for delta in super().answer(request):
                yield Delta(finish="tool_calls", usage=delta.usage) if delta.finish else Delta()
            return
        other = TokenChance("ho", -2.0, b"ho")
        yield Delta(text="hi", chances=(TokenChance("hi", -0.5, b"hi", (TokenChance("hi", -0.5, b"hi"), other)),))
        async for delta in super().answer(request):
            yield delta if delta.finish else Delta()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with working(tmp_path_factory.mktemp("types"), Talkative(), "webhooks.allow_private=true") as running:
        yield running


@pytest.fixture(scope="module")
def file(server: RunningServer) -> str:
    return server.client.files.create(file=("a.jsonl", ROWS), purpose="fine-tune").id


def body(raw: Any) -> Any:
    return json.loads(raw.text)


def test_files_and_uploads(server: RunningServer):
    files, parts = server.client.files.with_raw_response, server.client.uploads.parts.with_raw_response
    made = strictly(FileObject, body(files.create(file=("a.jsonl", ROWS), purpose="fine-tune")))
    strictly(FileObject, body(files.retrieve(made.id)))
    strictly(FileDeleted, body(files.delete(made.id)))
    begun = server.client.uploads.with_raw_response.create(
        bytes=3, filename="a.jsonl", mime_type="text/jsonl", purpose="fine-tune"
    )
    upload = strictly(Upload, body(begun))
    part = strictly(uploads.UploadPart, body(parts.create(upload.id, data=b"abc")))
    whole = strictly(
        Upload,
        body(
            server.client.uploads.with_raw_response.complete(
                upload.id, part_ids=[part.id], md5="900150983cd24fb0d6963f7d28e17f72"
            )
        ),
    )
    assert made.id.startswith("file-") and upload.id.startswith("upload_") and part.id.startswith("part_")
    assert whole.file is not None and strictly(FileObject, whole.file.model_dump()).bytes == 3


def test_jobs_whatever_became_of_them(server: RunningServer, file: str):
    work = server.client.fine_tuning.jobs
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
    made = strictly(FineTuningJob, body(work.with_raw_response.create(model=BASE, training_file=file, method=method)))
    error = {"code": "invalid_n_examples", "message": "Training file has 7 example(s)", "param": "training_file"}
    numbers = {"n_epochs": 2, "batch_size": 1, "learning_rate_multiplier": 1.0}
    for became in (
        {"status": "running", "estimated_finish": 2000000000, "hyperparameters": numbers},
        {"status": "paused"},
        {"status": "failed", "error": error, "finished_at": 2000000000},
        {"status": "succeeded", "error": None, "fine_tuned_model": "ft:x:y::z", "result_files": [file]},
    ):
        with server.store.database.writing() as connection:
            jobs.JOBS.change(connection, server.project_id, made.id, **became)
        told = body(work.with_raw_response.retrieve(made.id))
        # The clients know no word for a pause, and pass it through.
        strictly(FineTuningJob, {**told, "status": "running"} if told["status"] == "paused" else told)
        assert told["status"] == became["status"]


def test_events_and_checkpoints(server: RunningServer, file: str):
    work = server.client.fine_tuning.jobs
    job = work.create(model=BASE, training_file=file).id
    metrics = {"step": 3, "total_steps": 9, "train_loss": 0.5, "train_mean_token_accuracy": 0.9, "valid_loss": 0.6}
    left = Checkpoint(new_id("ftckpt_"), server.project_id, job, 3, "ft:x:y::z:ckpt-step-3", int(time.time()), metrics)
    with server.store.database.writing() as connection:
        job_events.tell(connection, server.project_id, job, Fact("Step 3/9", type="metrics", data=metrics))
        checkpoints.create(connection, left)

    events = body(work.with_raw_response.list_events(job))
    listed = body(work.checkpoints.with_raw_response.list(job))

    assert len(events["data"]) == 3 and len(listed["data"]) == 1
    for event in events["data"]:
        assert strictly(FineTuningJobEvent, event).id.startswith("ftevent-")
    strictly(FineTuningJobCheckpoint, listed["data"][0])


def test_models_and_permissions(server: RunningServer):
    name, job, now = f"ft:{BASE}:my-org::abcdefgh", new_id("ftjob-"), int(time.time())
    tuned = TunedModel(name, server.project_id, BASE, job, "adapter", models.folder_key(job), "my-org", now)
    with server.store.database.writing() as connection:
        models.create(connection, tuned)
    asked, given = server.client.models.with_raw_response, server.client.fine_tuning.checkpoints.permissions
    permissions = given.with_raw_response
    permissions.create(name, project_ids=[server.new_project().id])

    assert next(strictly(Model, each).id for each in body(asked.list())["data"]) == name
    strictly(Model, body(asked.retrieve(BASE)))
    (permission,) = strictly(PermissionRetrieveResponse, body(permissions.list(name))).data
    assert permission.id.startswith("cp_")
    strictly(PermissionDeleteResponse, body(permissions.delete(permission.id, fine_tuned_model_checkpoint=name)))
    strictly(ModelDeleted, body(asked.delete(name)))


@pytest.mark.parametrize("more", [{}, {"logprobs": True, "top_logprobs": 2, "n": 2}, {"tools": [TOOL]}])
def test_chat_completions_whole_streamed_and_stored(server: RunningServer, more: dict[str, Any]):
    chat = server.client.chat.completions
    answer = strictly(ChatCompletion, body(chat.with_raw_response.create(**ASK, **more, store=True)))
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = chat.with_raw_response.create(**ASK, **more, **options).http_response.read().decode()
    lines = [line.removeprefix("data: ") for line in streamed.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    for line in lines[:-1]:
        strictly(ChatCompletionChunk, json.loads(line))
    (message,) = body(chat.messages.with_raw_response.list(answer.id))["data"]
    # The type knows the role of answers only.
    strictly(ChatCompletionStoreMessage, {**message, "role": "assistant"})
    strictly(ChatCompletionDeleted, body(chat.with_raw_response.delete(answer.id)))


def test_the_other_answers(server: RunningServer):
    client = server.client
    tool = {"type": "function", **TOOL["function"], "strict": None}
    for more in ({}, {"tools": [tool]}, {"include": ["message.output_text.logprobs"]}):
        strictly(Response, body(client.responses.with_raw_response.create(model=BASE, input="hi", **more)))
    strictly(Completion, body(client.completions.with_raw_response.create(model=BASE, prompt="hi", logprobs=1)))
    plain = client.embeddings.with_raw_response.create(model=BASE, input="hi", encoding_format="float")
    strictly(CreateEmbeddingResponse, body(plain))


def test_the_event_of_a_job_that_ended(server: RunningServer, file: str):
    with receiving() as receiver:
        made = server.client.webhooks.create(name="ci", url=receiver.url, event_types=["fine_tuning.job.cancelled"])
        job = server.client.fine_tuning.jobs.create(model=BASE, training_file=file)
        server.client.fine_tuning.jobs.cancel(job.id)
        ((headers, content),) = until(lambda: receiver.received, bool)
        server.client.webhooks.delete(made.id)

    event = server.client.webhooks.unwrap(content, headers, secret=made.signing_secret)
    assert event.type == "fine_tuning.job.cancelled" and event.data.id == job.id
    strictly(FineTuningJobCancelledWebhookEvent, json.loads(content))
