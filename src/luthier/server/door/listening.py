"""The socket's side: uvicorn with limits on heads, on waiting for them, and with errors in the envelope."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from luthier.recipe import ServerSettings
from luthier.server.errors import INVALID, envelope
from luthier.store import new_id

LOG = logging.getLogger("luthier.server")
KEEP_ALIVE_SECONDS = 75
# After a refusal that came before the end of the body: time to read the answer while the rest is thrown away.
LINGER_SECONDS = 3.0


class Listener(uvicorn.Server):
    """``on_stop`` is told as soon as the end begins, while running requests still end."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]):
        super().__init__(config)
        self.on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.on_stop()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Unlike uvicorn's, the signal is not raised again afterwards: whoever runs this still has to save jobs."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    @property
    def url(self) -> str:
        """Where it listens, once it is `started`; a port of 0 has become a real one."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_listener(app: FastAPI, settings: ServerSettings, on_stop: Callable[[], None] = lambda: None) -> Listener:
    """A server that is run by `serve()` or `run()`; SIGTERM and SIGINT let running requests end first."""

    class Protocol(BoundedProtocol):
        head_seconds = settings.limits.head_seconds

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        h11_max_incomplete_event_size=settings.limits.header_kilobytes * 1024,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
        backlog=512,
    )
    return Listener(config, on_stop)


class BoundedProtocol(H11Protocol):
    """A client that sends its head a letter at a time, or a body that was refused already, does not stay for ever."""

    head_seconds: float

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        is_unfinished = self.cycle.more_body
        super().on_response_complete()
        if is_unfinished and not self.transport.is_closing():
            self.loop.call_later(LINGER_SECONDS, self._close_unless_new, self.cycle)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or has a head that is too long: refused before it is a request."""
        self._stop_watching()
        request_id = new_id("req_")
        self._note("not_http", request_id=request_id)
        body = json.dumps(envelope("The request is no valid HTTP, or its headers are too long.", INVALID)).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch_head(self) -> None:
        is_busy = self.cycle is not None and not self.cycle.response_complete
        if is_busy or self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._stop_watching()
        elif self.head_timer is None:
            self.head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _give_up(self) -> None:
        # A connection that rested between two requests is closed for nobody's fault.
        if self.conn.trailing_data[0]:
            self._note("slow_head")
        self.transport.close()

    def _note(self, event: str, **more: str) -> None:
        """What never became a request is logged too."""
        LOG.info(event, extra={"fields": {**more, "address": self.client[0] if self.client else None}})

    def _stop_watching(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _close_unless_new(self, cycle: object) -> None:
        if self.cycle is cycle and self.cycle.more_body:
            self.transport.close()
