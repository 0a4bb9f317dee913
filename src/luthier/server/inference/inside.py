"""The server as its own client: lines of batches, samples of evals and judges are answered as if they came by HTTP."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from anyio import to_thread
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from luthier.errors import LuthierError
from luthier.jobs.background.asking import Answered, Dropped
from luthier.server.door.access import Call
from luthier.server.door.bodies import parse_json
from luthier.server.errors import error_response, missing
from luthier.server.inference import chat, completions, embeddings, responses
from luthier.server.state import ServerState
from luthier.server.wire.chat import ChatRequest
from luthier.server.wire.completions import CompletionRequest
from luthier.server.wire.embeddings import EmbeddingRequest
from luthier.server.wire.responses import ResponseRequest
from luthier.store import new_id, projects

LOG = logging.getLogger("luthier.server")
LOOK_SECONDS = 0.5
Complete = Callable[[Call, Any], Awaitable[dict[str, Any]]]
FORMS: Mapping[str, tuple[type[BaseModel], Complete]] = MappingProxyType(
    {
        "/v1/chat/completions": (ChatRequest, chat.complete),
        "/v1/responses": (ResponseRequest, responses.complete),
        "/v1/embeddings": (EmbeddingRequest, embeddings.complete),
        "/v1/completions": (CompletionRequest, completions.complete),
    }
)


@dataclass(frozen=True)
class Inside:
    """Called from threads that are not the event loop's own; ends early when ``stopping`` is set.

    ``find_loop`` gives the loop that answers requests; it may wait until there is one, and raise Dropped.
    """

    state: ServerState
    find_loop: Callable[[], asyncio.AbstractEventLoop]
    stopping: threading.Event = field(default_factory=threading.Event)

    def __call__(self, project_id: str, path: str, body: Mapping[str, Any]) -> Answered:
        loop = self.find_loop()
        if not loop.is_running() or self.stopping.is_set():
            raise Dropped
        future = asyncio.run_coroutine_threadsafe(answer_inside(self.state, project_id, path, body), loop)
        while True:
            try:
                return future.result(LOOK_SECONDS)
            except TimeoutError:
                if self.stopping.is_set() or not loop.is_running():
                    future.cancel()
                    raise Dropped from None
            except (asyncio.CancelledError, concurrent.futures.CancelledError):
                raise Dropped from None


async def answer_inside(state: ServerState, project_id: str, path: str, body: Mapping[str, Any]) -> Answered:
    """What the route would have answered; an error too is an answer."""
    request_id = new_id("req_")
    try:
        call = await to_thread.run_sync(_call_of, state, project_id, request_id)
        form, complete = FORMS[path]
        return Answered(200, await complete(call, _checked(state, form, body)), request_id)
    except Exception as error:
        response = error_response(error)
        if not isinstance(error, LuthierError) and response.status_code >= 500:
            LOG.error("request_failed", exc_info=error, extra={"fields": {"request_id": request_id}})
        wait = response.headers.get("retry-after")
        return Answered(
            response.status_code, json.loads(bytes(response.body)), request_id, float(wait) if wait else None
        )


def _call_of(state: ServerState, project_id: str, request_id: str) -> Call:
    with state.store.database.reading() as connection:
        project = projects.find(connection, project_id)
    if project is None or project.archived_at is not None:
        raise missing("project", project_id)
    return Call(state, project, None, request_id, None)


def _checked(state: ServerState, form: type[BaseModel], body: Mapping[str, Any]) -> BaseModel:
    """With the same limits, and refused in the same words, as a body that was sent."""
    document = parse_json(json.dumps(body).encode(), state.settings.limits.json_depth)
    try:
        return form.model_validate(document)
    except ValidationError as error:
        details = [{**detail, "loc": ("body", *detail["loc"])} for detail in error.errors()]
        raise RequestValidationError(details, body=document) from None
