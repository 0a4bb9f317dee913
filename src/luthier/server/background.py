"""What a server does besides answering: batches, eval runs, webhooks. Made from the same state as the app."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import uvicorn

from luthier.jobs.background.asking import Dropped
from luthier.jobs.background.threads import Background
from luthier.jobs.webhooks.delivery import Sender
from luthier.server.inference.inside import Inside
from luthier.server.state import ServerState

LOOK_SECONDS = 0.02


def make_background(state: ServerState, listener: uvicorn.Server) -> Background:
    """To be started beside ``listener``, stopped when it ends. A server that only trains leaves asking to others."""
    stopping = threading.Event()
    inference, ask = state.inference, None
    if inference is not None:
        ask = Inside(state, partial(_loop_of, listener, stopping), stopping)
    return Background(
        state.store,
        ask,
        Sender(state.settings.webhooks.allow_private),
        state.sandbox,
        is_ready=inference.is_ready if inference is not None else lambda: True,
        lease_seconds=state.settings.worker.lease_seconds,
        poll_seconds=state.settings.worker.poll_seconds,
        stopping=stopping,
    )


def _loop_of(listener: uvicorn.Server, stopping: threading.Event) -> asyncio.AbstractEventLoop:
    """Of a listener that may still be starting."""
    while not listener.started:
        if stopping.is_set() or listener.should_exit:
            raise Dropped
        time.sleep(LOOK_SECONDS)
    servers = listener.servers
    if not servers:
        raise Dropped
    return servers[0].get_loop()
