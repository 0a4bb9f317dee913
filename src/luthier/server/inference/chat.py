"""`POST /v1/chat/completions`: whole or streamed."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from luthier.answering import AnswerRequest, Delta
from luthier.server.door.access import Asking, Call
from luthier.server.inference.answers import collected, no_answer
from luthier.server.inference.asking import (
    asked_model,
    begun,
    closed,
    deadline_of,
    inference_of,
    pieces,
    while_connected,
)
from luthier.server.inference.event_stream import DONE, EventStream, error_body, event
from luthier.server.wire.chat import ChatRequest, answer_request
from luthier.server.wire.chat_answers import ChatChunks, ChatFrame, completion_body
from luthier.store import StoredCompletion, completions, new_id


async def create(call: Asking, request: Request, body: ChatRequest) -> Response:
    frame, asked = await prepared(call, body)
    if not body.stream:
        return JSONResponse(await while_connected(request, completed(call, body, frame, asked)))
    deltas = await while_connected(request, begun(pieces(call, asked)))
    return EventStream(_events(call, body, frame, asked, deltas))


async def complete(call: Call, body: ChatRequest) -> dict[str, Any]:
    """The whole completion as a body, for whoever asks from inside the server (batches, evals, graders)."""
    frame, asked = await prepared(call, body)
    return await completed(call, body, frame, asked)


async def prepared(call: Call, body: ChatRequest) -> tuple[ChatFrame, AnswerRequest]:
    """Everything that can be refused without asking the model."""
    model = await asked_model(call, body.model)
    asked = answer_request(body, model, call.client, deadline_of(call))
    frame = ChatFrame(
        id=new_id("chatcmpl-"),
        created=int(time.time()),
        model=body.model,
        fingerprint=inference_of(call).fingerprint(model),
        shows_logprobs=asked.sampling.top_logprobs is not None,
        is_old_form=body.is_old_form,
        names_its_call=body.names_its_call,
    )
    return frame, asked


async def completed(call: Call, body: ChatRequest, frame: ChatFrame, asked: AnswerRequest) -> dict[str, Any]:
    answered = await collected(pieces(call, asked), asked.choices)
    completion = completion_body(frame, answered)
    await _keep(call, body, completion)
    return completion


async def _events(
    call: Call, body: ChatRequest, frame: ChatFrame, asked: AnswerRequest, deltas: AsyncGenerator[Delta]
) -> AsyncGenerator[bytes]:
    chunks, answered = ChatChunks(frame, body.includes_usage), no_answer(asked.choices)
    try:
        async for delta in deltas:
            answered.add(delta)
            for chunk in chunks.of(delta):
                yield event(chunk)
        if body.includes_usage:
            yield event(chunks.totals(answered.usage))
        await _keep(call, body, completion_body(frame, answered))
        yield DONE
    # Whatever goes wrong now can only be told inside the stream.
    except Exception as error:
        yield event(error_body(error))
    finally:
        await closed(deltas)


async def _keep(call: Call, body: ChatRequest, completion: dict[str, Any]) -> None:
    """Only where the client asked for it with `store`."""
    if not body.store:
        return
    stored = StoredCompletion(
        id=completion["id"],
        project_id=call.project_id,
        created_at=completion["created"],
        model=completion["model"],
        request=body.model_dump(mode="json", by_alias=True, exclude_unset=True),
        response=completion,
        metadata=body.metadata,
    )

    def write() -> None:
        with call.state.store.database.writing() as connection:
            completions.create(connection, stored)

    await to_thread.run_sync(write)
