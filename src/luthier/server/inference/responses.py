"""`/v1/responses`: answered whole or as a stream of events, kept unless told otherwise, carried on by their ids."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from luthier.answering import AnswerRequest, Delta, Usage
from luthier.server.door.access import Asking, Call
from luthier.server.errors import invalid, missing
from luthier.server.inference.answers import collected
from luthier.server.inference.asking import (
    asked_model,
    begun,
    closed,
    deadline_of,
    inference_of,
    pieces,
    while_connected,
)
from luthier.server.inference.event_stream import EventStream, error_body, event
from luthier.server.wire.items import output_items, with_ids
from luthier.server.wire.lists import asked_page, list_body
from luthier.server.wire.response_bodies import ResponseEvents, response_body, status_of
from luthier.server.wire.responses import ResponseRequest, answer_request, input_items
from luthier.store import StoredResponse, new_id, responses

# A conversation of more turns than this has left every model's context long ago.
LONGEST_CHAIN = 200


async def create(call: Asking, request: Request, body: ResponseRequest) -> Response:
    head, items, asked = await prepared(call, body)
    if not body.stream:
        return JSONResponse(await while_connected(request, completed(call, body, head, items, asked)))
    deltas = await while_connected(request, begun(pieces(call, asked)))
    return EventStream(_events(call, body, head, items, deltas))


async def complete(call: Call, body: ResponseRequest) -> dict[str, Any]:
    """The whole response as a body, for whoever asks from inside the server."""
    return await completed(call, body, *await prepared(call, body))


async def prepared(call: Call, body: ResponseRequest) -> tuple[dict[str, Any], list[dict[str, Any]], AnswerRequest]:
    """Id and time, the request's own items, and what is asked of the model: earlier responses included."""
    model = await asked_model(call, body.model)
    inference_of(call)
    own = input_items(body)
    earlier = await to_thread.run_sync(_earlier_items, call, body.previous_response_id)
    asked = answer_request(body, [*earlier, *own], model, call.client, deadline_of(call))
    return {"id": new_id("resp_"), "created_at": int(time.time())}, with_ids(own), asked


async def completed(
    call: Call, body: ResponseRequest, head: dict[str, Any], items: list[dict[str, Any]], asked: AnswerRequest
) -> dict[str, Any]:
    answered = await collected(pieces(call, asked), 1)
    (choice,) = answered.choices
    ids = [new_id("msg_") if place == 0 and choice.text else new_id("fc_") for place in range(len(choice.tools) + 1)]
    ids[0] = ids[0] if choice.text or choice.tools else new_id("msg_")
    output = output_items(choice, ids, body.shows_logprobs)
    response = response_body(head, body, status_of(choice), output, answered.usage)
    await _keep(call, body, response, items)
    return response


def retrieve(call: Asking, id: str) -> dict[str, Any]:
    return _found(call, id).response


def delete(call: Asking, id: str) -> dict[str, Any]:
    with call.state.store.database.writing() as connection:
        if not responses.delete(connection, call.project_id, id):
            raise missing("response", id)
    return {"id": id, "object": "response", "deleted": True}


def list_items(
    call: Asking, id: str, after: str | None = None, limit: int | None = None, order: str | None = None
) -> dict[str, Any]:
    """What was put in, newest first unless asked otherwise."""
    asked = asked_page(limit, after, order)
    items = _found(call, id).input_items
    items = items if asked.order == "asc" else items[::-1]
    ids = [item["id"] for item in items]
    if asked.after is not None and asked.after not in ids:
        raise invalid("after: no such item in this response.", "after")
    begin = 0 if asked.after is None else ids.index(asked.after) + 1
    return list_body(items[begin : begin + asked.limit], len(items) > begin + asked.limit)


async def _events(
    call: Call,
    body: ResponseRequest,
    head: dict[str, Any],
    items: list[dict[str, Any]],
    deltas: AsyncGenerator[Delta],
) -> AsyncGenerator[bytes]:
    events, usage, last = ResponseEvents(head, body), Usage(), {}
    try:
        for body_of_event in events.begin():
            yield event(body_of_event, body_of_event["type"])
        async for delta in deltas:
            usage = delta.usage or usage
            for body_of_event in events.of(delta):
                yield event(body_of_event, body_of_event["type"])
        ending = list(events.end(usage))
        last = ending[-1]["response"]
        await _keep(call, body, last, items)
        for body_of_event in ending:
            yield event(body_of_event, body_of_event["type"])
    # Whatever goes wrong now can only be told inside the stream.
    except Exception as error:
        told = error_body(error)["error"]
        failed = events.fail(told["message"], told["code"] or "server_error")
        yield event(failed, failed["type"])
    finally:
        await closed(deltas)


async def _keep(call: Call, body: ResponseRequest, response: dict[str, Any], items: list[dict[str, Any]]) -> None:
    if not body.is_kept:
        return
    stored = StoredResponse(
        id=response["id"],
        project_id=call.project_id,
        created_at=response["created_at"],
        model=body.model,
        request=body.model_dump(mode="json", by_alias=True, exclude_unset=True),
        response=response,
        input_items=items,
        previous_response_id=body.previous_response_id,
    )

    def write() -> None:
        with call.state.store.database.writing() as connection:
            responses.create(connection, stored)

    await to_thread.run_sync(write)


def _earlier_items(call: Call, id: str | None) -> list[dict[str, Any]]:
    """Inputs and outputs of the responses that led here, oldest first. Their instructions are not carried on."""
    chain: list[StoredResponse] = []
    with call.state.store.database.reading() as connection:
        while id is not None and len(chain) < LONGEST_CHAIN:
            found = responses.find(connection, call.project_id, id)
            if found is None:
                raise invalid(
                    f"Previous response with id '{id[:80]}' not found.",
                    "previous_response_id",
                    "previous_response_not_found",
                )
            chain.append(found)
            id = found.previous_response_id
    return [item for each in reversed(chain) for item in (*each.input_items, *each.response["output"])]


def _found(call: Call, id: str) -> StoredResponse:
    with call.state.store.database.reading() as connection:
        found = responses.find(connection, call.project_id, id)
    if found is None:
        raise missing("response", id)
    return found
