"""`POST /v1/completions`: plain texts carried on, several prompts side by side, with echo and log-probabilities."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from luthier.answering import AnswerRequest, Delta, Usage
from luthier.server.door.access import Asking, Call
from luthier.server.inference.answers import Answered, Choice, collected, no_answer
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
from luthier.server.wire.completions import CompletionRequest, answer_requests, choice_body, completion_body
from luthier.store import new_id

# Further prompts of one request wait here, so that they do not fill the queue that all clients share.
PROMPTS_AT_ONCE = 16


async def create(call: Asking, request: Request, body: CompletionRequest) -> Response:
    head, asked = await prepared(call, body)
    if not body.stream:
        return JSONResponse(await while_connected(request, completed(call, body, head, asked)))
    deltas = await while_connected(request, begun(pieces(call, asked[0])))
    return EventStream(_events(call, body, head, asked, deltas))


async def complete(call: Call, body: CompletionRequest) -> dict[str, Any]:
    """The whole completion as a body, for whoever asks from inside the server."""
    head, asked = await prepared(call, body)
    return await completed(call, body, head, asked)


async def prepared(call: Call, body: CompletionRequest) -> tuple[dict[str, Any], list[AnswerRequest]]:
    model = await asked_model(call, body.model)
    asked = answer_requests(body, model, call.client, deadline_of(call))
    head = {
        "id": new_id("cmpl-"),
        "object": "text_completion",
        "created": int(time.time()),
        "model": body.model,
        "system_fingerprint": inference_of(call).fingerprint(model),
    }
    return head, asked


async def completed(
    call: Call, body: CompletionRequest, head: dict[str, Any], asked: Sequence[AnswerRequest]
) -> dict[str, Any]:
    room = asyncio.Semaphore(PROMPTS_AT_ONCE)

    async def answer(one: AnswerRequest) -> Answered:
        async with room:
            return await collected(pieces(call, one), one.choices)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(answer(one)) for one in asked]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    answers = [task.result() for task in tasks]
    choices = [
        choice_body(body, place, index, answered, choice)
        for place, answered in enumerate(answers)
        for index, choice in enumerate(answered.choices)
    ]
    return completion_body(head, choices, sum((answered.usage for answered in answers), Usage()))


async def _events(
    call: Call,
    body: CompletionRequest,
    head: dict[str, Any],
    asked: Sequence[AnswerRequest],
    first: AsyncGenerator[Delta],
) -> AsyncGenerator[bytes]:
    """Prompt after prompt; chunks have the shape of the whole object."""
    total, deltas = Usage(), first
    try:
        for place, one in enumerate(asked):
            deltas = first if place == 0 else pieces(call, one)
            chunks = _Chunks(body, head, place, one.choices)
            async for delta in deltas:
                total += delta.usage or Usage()
                for chunk in chunks.of(delta):
                    yield event(chunk)
        if body.includes_usage:
            yield event(completion_body(head, (), total))
        yield DONE
    # Whatever goes wrong now can only be told inside the stream.
    except Exception as error:
        yield event(error_body(error))
    finally:
        await closed(deltas)


class _Chunks:
    """The chunks of one prompt: the repeated prompt with each choice's first piece, then text as it comes."""

    def __init__(self, body: CompletionRequest, head: dict[str, Any], place: int, choices: int):
        self.body, self.head, self.place = body, head, place
        self.prompt = no_answer(0)
        self.begun: set[int] = set()
        self.written = [0] * choices

    def of(self, delta: Delta) -> list[dict[str, Any]]:
        if delta.prompt_text is not None:
            self.prompt.prompt_text, self.prompt.prompt_chances = delta.prompt_text, delta.prompt_chances
        is_first = delta.choice not in self.begun
        self.begun.add(delta.choice)
        is_echoed = is_first and bool(self.body.echo)
        if not (delta.text or delta.chances or delta.finish or is_echoed):
            return []
        answered = self.prompt if is_first else no_answer(0)
        piece = Choice(delta.text, list(delta.chances), finish=delta.finish)
        chunk = choice_body(self.body, self.place, delta.choice, answered, piece)
        if chunk["logprobs"] is not None:
            moved = self.written[delta.choice]
            chunk["logprobs"]["text_offset"] = [place + moved for place in chunk["logprobs"]["text_offset"]]
        self.written[delta.choice] += len(chunk["text"])
        body = completion_body(self.head, [chunk], None)
        return [{**body, "usage": None} if self.body.includes_usage else body]
