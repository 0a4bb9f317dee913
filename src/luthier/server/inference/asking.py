"""Asking a model on behalf of a client: pieces counted and paid for, and work that ends when the client goes away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any, TypeVar

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request

from luthier.answering import AnswerRequest, AskedModel, Delta, Usage
from luthier.errors import NotAnswered
from luthier.server.door.access import Call
from luthier.server.errors import Refused
from luthier.server.inference.protocol import Inference
from luthier.server.records.models import find_model

Result = TypeVar("Result")


async def asked_model(call: Call, id: str) -> AskedModel:
    """Raises 404 `model_not_found`."""
    return await to_thread.run_sync(find_model, call, id)


def inference_of(call: Call) -> Inference:
    """Raises 400 on a server that only trains."""
    if call.state.inference is None:
        raise Refused(400, "This server trains models and answers nothing (engine.kind: none).", code="no_engine")
    return call.state.inference


def deadline_of(call: Call) -> float:
    return call.state.settings.engine.deadline_seconds


async def pieces(call: Call, asked: AnswerRequest) -> AsyncGenerator[Delta]:
    """The model's pieces, with the key's tokens and this process's counters; closing it stops the work."""
    metrics, usage, seen = call.state.metrics, None, 0
    last = time.monotonic()
    source = inference_of(call).answer(asked)
    try:
        async for delta in source:
            if delta.text or delta.tools:
                now = time.monotonic()
                (metrics.token_seconds if seen else metrics.first_token_seconds).observe(now - last)
                last, seen = now, seen + 1
            usage = delta.usage or usage
            yield delta
    finally:
        # Whoever hangs up before the end pays at least for what was sent.
        _pay(call, usage or Usage(answer_tokens=seen))
        await closed(source)


def _pay(call: Call, usage: Usage) -> None:
    call.spend_tokens(usage.prompt_tokens + usage.answer_tokens)
    call.state.metrics.prompt_tokens.inc(usage.prompt_tokens)
    call.state.metrics.answer_tokens.inc(usage.answer_tokens)
    call.state.metrics.cached_tokens.inc(usage.cached_tokens)


async def closed(source: AsyncIterator[Any]) -> None:
    """Close a generator even while this task is being cancelled."""
    if isinstance(source, AsyncGenerator):
        with anyio.CancelScope(shield=True):
            await source.aclose()


async def begun(source: AsyncGenerator[Delta]) -> AsyncGenerator[Delta]:
    """``source`` once its first piece is there: what is refused before that is raised here, and becomes a status."""
    try:
        first = await anext(source)
    except StopAsyncIteration:
        raise NotAnswered("nothing came", expected="at least one piece", fix="send the request again") from None

    async def all_of_it() -> AsyncGenerator[Delta]:
        try:
            yield first
            async for delta in source:
                yield delta
        finally:
            await closed(source)

    return all_of_it()


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``work``, which is cancelled when the client goes away. Raises ClientDisconnect then."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _gone(request: Request) -> None:
    """Returns when the connection is closed; the body was read already."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
