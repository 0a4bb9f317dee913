"""Large bodies: a thread reads them from the event loop chunk by chunk, so that nothing is held and nothing blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from anyio import CapacityLimiter, from_thread, to_thread

from luthier.server.door.bodies import BoundedRequest
from luthier.server.door.multipart import Form

Result = TypeVar("Result")
# What a form adds to the file in it: boundaries, heads, fields.
FORM_BYTES = 1 << 20


async def receive_form(
    request: BoundedRequest, file_field: str, limit_bytes: int, keep: Callable[[Form], Result]
) -> Result:
    """Call ``keep`` in a thread of its own kind: slow senders wait for each other, never for the other requests.

    A body longer than ``limit_bytes`` is refused while it comes in.
    """
    stream = request.bounded_stream(limit_bytes + FORM_BYTES)

    async def following() -> bytes | None:
        return await anext(stream, None)

    def chunks() -> Iterator[bytes]:
        while (chunk := from_thread.run(following)) is not None:
            yield chunk

    def read() -> Result:
        return keep(Form(request.headers.get("content-type", ""), chunks(), file_field))

    limiter: CapacityLimiter = request.app.state.receiving
    try:
        return await to_thread.run_sync(read, limiter=limiter)
    finally:
        await stream.aclose()
