"""An engine that is still opening: the server listens at once, and whoever asks early waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future
from threading import Lock, Thread

from luthier.answering import AnswerRequest, AskedModel, Delta, EngineLoad
from luthier.errors import NotYetAnswering
from luthier.server import Inference
from luthier.server.inference.asking import closed

# The official clients try twice more, by themselves after a second at most: told a time, they outwait the loading.
RETRY_SECONDS = 10.0


class LateInference:
    """Implements `Inference`. ``opening`` runs in a thread of its own; what it raises is raised to whoever asks.

    ``opens_now``: False waits with it for the first who asks, and is ready meanwhile: there is nothing to load yet.
    """

    def __init__(self, opening: Callable[[], Inference], retry_seconds: float = RETRY_SECONDS, opens_now: bool = True):
        self._opening = opening
        self._retry_seconds = retry_seconds
        self._opened: Future[Inference] = Future()
        self._lock, self._is_begun = Lock(), False
        if opens_now:
            self._begin()

    async def answer(self, request: AnswerRequest) -> AsyncGenerator[Delta]:
        inference = await self._inference()
        pieces = inference.answer(request)
        try:
            async for delta in pieces:
                yield delta
        finally:
            await closed(pieces)

    async def embed(self, model: AskedModel, texts: Sequence[str | tuple[int, ...]]) -> tuple[list[list[float]], int]:
        return await (await self._inference()).embed(model, texts)

    def is_ready(self) -> bool:
        if not self._is_begun:
            return True
        return self._opened.done() and self._opened.exception() is None and self._opened.result().is_ready()

    def load(self) -> EngineLoad:
        is_open = self._opened.done() and self._opened.exception() is None
        return self._opened.result().load() if is_open else EngineLoad()

    def fingerprint(self, model: AskedModel) -> str:
        """Raises NotYetAnswering (503) while the engine is opening: this cannot wait without holding all."""
        self._begin()
        if not self._opened.done():
            raise NotYetAnswering("the models are still being loaded", self._retry_seconds)
        return self._opened.result().fingerprint(model)

    async def close(self) -> None:
        if self._opened.done() and self._opened.exception() is None:
            await self._opened.result().close()

    async def _inference(self) -> Inference:
        self._begin()
        return await asyncio.shield(asyncio.wrap_future(self._opened))

    def _begin(self) -> None:
        with self._lock:
            if self._is_begun:
                return
            self._is_begun = True
        Thread(target=self._open, name="opening", daemon=True).start()

    def _open(self) -> None:
        try:
            self._opened.set_result(self._opening())
        except BaseException as error:
            self._opened.set_exception(error)
