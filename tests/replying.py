"""A server with its background work, and an `Inference` whose answer is a plain function of what was asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from luthier.answering import AnswerRequest, AskedModel, Delta, EngineLoad, Usage
from luthier.recipe import served_bases
from luthier.server import Inference, ServerState, make_app
from luthier.server.background import make_background
from luthier.server.door.listening import make_listener
from luthier.store import open_store
from tests.server.conftest import RunningServer, listening, settings_in

BASE = "gpt-4o-mini-2024-07-18"


def echo(request: AnswerRequest) -> str:
    """The last message, or the beginning of a plain text."""
    return str(request.messages[-1]["content"]) if request.messages else str(request.text)


@dataclass
class Replies:
    """``reply`` may raise what an engine raises."""

    reply: Callable[[AnswerRequest], str] = echo
    asked: list[AnswerRequest] = field(default_factory=list)

    async def answer(self, request: AnswerRequest) -> AsyncGenerator[Delta]:
        self.asked.append(request)
        text = self.reply(request)
        for choice in range(request.choices):
            yield Delta(choice, text)
            yield Delta(choice, finish="stop", usage=Usage(5, 2, 1) if choice == request.choices - 1 else None)

    async def embed(self, model: AskedModel, texts: Sequence[str | tuple[int, ...]]) -> tuple[list[list[float]], int]:
        return [[1.0, float(len(text))] for text in texts], 3

    def is_ready(self) -> bool:
        return True

    def load(self) -> EngineLoad:
        return EngineLoad()

    def fingerprint(self, model: AskedModel) -> str:
        return "fp_replies"

    async def close(self) -> None:
        return None


@contextlib.contextmanager
def working(folder: Path, inference: Inference, *overrides: str) -> Iterator[RunningServer]:
    settings = settings_in(folder, "worker.poll_seconds=0.02", *overrides)
    store = open_store(settings.database, settings.blobs, settings.organization)
    state = ServerState(store, settings, served_bases(settings.models), inference)
    listener = make_listener(make_app(state), settings)
    background = make_background(state, listener)
    with listening(listener) as url:
        server = RunningServer(url, store, state)
        server.new_client()
        background.start()
        try:
            yield server
        finally:
            for client in server.clients:
                client.close()
            background.stop()
    store.close()


def until(found: Callable[[], Any], is_so: Callable[[Any], bool], seconds: float = 15.0) -> Any:
    """What ``found`` gives once ``is_so``."""
    end = time.monotonic() + seconds
    while not is_so(value := found()):
        assert time.monotonic() < end, f"still {value}"
        time.sleep(0.02)
    return value


def strictly(kind: Any, document: Any) -> Any:
    """``document`` as the client's type, with nothing converted: a "1" is no number, a missing field an error."""
    return TypeAdapter(kind).validate_python(document, strict=True)
