"""What a job has told (events) and left behind (checkpoints)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse

from luthier.server.door.access import Asking, Call
from luthier.server.records.jobs import HIGHEST_LIMIT, found_job
from luthier.server.wire import jobs as wire
from luthier.server.wire.lists import asked_page, list_of
from luthier.store import JobEvent, checkpoints, job_events

LOOK_SECONDS = 0.5


async def events(
    call: Asking,
    request: Request,
    id: str,
    limit: int | None = None,
    after: str | None = None,
    stream: bool = False,
) -> Any:
    """Newest first; as a stream (`?stream=true`, or by the Accept header) oldest first, until the job is over."""
    if stream or "text/event-stream" in request.headers.get("accept", ""):
        await to_thread.run_sync(_look, call, id, 0)
        return StreamingResponse(_following(call, id), media_type="text/event-stream")
    return await to_thread.run_sync(_events_page, call, id, limit, after)


def list_checkpoints(call: Asking, id: str, limit: int | None = None, after: str | None = None) -> dict[str, Any]:
    """Highest step first."""
    asked = asked_page(limit, after, default_limit=10, highest_limit=HIGHEST_LIMIT)
    with call.state.store.database.reading() as connection:
        found_job(call, connection, id)
        return list_of(checkpoints.page(connection, call.project_id, id, asked), wire.checkpoint_object)


def _events_page(call: Call, id: str, limit: int | None, after: str | None) -> dict[str, Any]:
    asked = asked_page(limit, after, highest_limit=HIGHEST_LIMIT)
    with call.state.store.database.reading() as connection:
        found_job(call, connection, id)
        return list_of(job_events.page(connection, call.project_id, id, asked), wire.event_object)


def _look(call: Call, id: str, sequence: int) -> tuple[tuple[JobEvent, ...], bool]:
    with call.state.store.database.reading() as connection:
        is_over = found_job(call, connection, id).is_over
        return job_events.since(connection, call.project_id, id, sequence), is_over


async def _following(call: Call, id: str) -> AsyncIterator[str]:
    sequence = 0
    while True:
        new, is_over = await to_thread.run_sync(_look, call, id, sequence)
        for event in new:
            yield f"data: {json.dumps(wire.event_object(event))}\n\n"
            sequence = event.sequence
        if is_over and not new:
            yield "data: [DONE]\n\n"
            return
        if not new:
            await asyncio.sleep(LOOK_SECONDS)
