"""Server-sent events: one line of JSON each, errors after the beginning as an event, everything closed at the end."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from luthier.errors import LuthierError
from luthier.server.errors import error_response
from luthier.server.inference.asking import closed

LOG = logging.getLogger("luthier.server")
DONE = b"data: [DONE]\n\n"
# Proxies must hand each event on at once.
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class EventStream(StreamingResponse):
    """A stream whose source is closed whatever ends it: its own end, an error, or a client that goes away."""

    def __init__(self, events: AsyncGenerator[bytes]):
        super().__init__(events, media_type="text/event-stream", headers=HEADERS)
        self.events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await closed(self.events)


def event(body: dict[str, Any], name: str | None = None) -> bytes:
    named = b"" if name is None else b"event: " + name.encode() + b"\n"
    return named + b"data: " + msgspec.json.encode(body) + b"\n\n"


def error_body(error: Exception) -> dict[str, Any]:
    """The envelope of an error that came too late to be a status; our own mistakes are logged."""
    if not isinstance(error, LuthierError):
        LOG.error("stream_failed", exc_info=error)
    return msgspec.json.decode(error_response(error).body)
