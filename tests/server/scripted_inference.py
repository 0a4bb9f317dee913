"""An `Inference` that says what it is told: ten lines of behaviour in plain sight, for the wire alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from luthier.answering import AnswerRequest, AskedModel, Delta, EngineLoad, Usage


@dataclass
class ScriptedInference:
    """Every choice gets ``pieces``, then the last delta; ``refusal`` comes before the first piece, ``accident`` after
    the first. ``pause_seconds`` is waited between two pieces."""

    pieces: tuple[Delta, ...] = (Delta(text="Hello"), Delta(text=" world"))
    finish: str = "stop"
    usage: Usage = field(default_factory=lambda: Usage(7, 2, 3))
    refusal: Exception | None = None
    accident: Exception | None = None
    pause_seconds: float = 0.0
    asked: list[AnswerRequest] = field(default_factory=list)
    closed: int = 0
    ended: int = 0

    def forget(self) -> None:
        """As new, for the next test."""
        vars(self).update(vars(ScriptedInference()))

    async def answer(self, request: AnswerRequest) -> AsyncGenerator[Delta]:
        self.asked.append(request)
        try:
            if self.refusal is not None:
                raise self.refusal
            for place, piece in enumerate(self.pieces):
                for choice in range(request.choices):
                    yield Delta(
                        choice,
                        piece.text,
                        piece.chances,
                        piece.tools,
                        None,
                        None,
                        piece.prompt_text,
                        piece.prompt_chances,
                    )
                if place == 0 and self.accident is not None:
                    raise self.accident
                if self.pause_seconds:
                    await asyncio.sleep(self.pause_seconds)
            for choice in range(request.choices):
                is_last = choice == request.choices - 1
                yield Delta(choice, finish=self.finish, usage=self.usage if is_last else None)
            self.ended += 1
        finally:
            self.closed += 1

    async def embed(self, model: AskedModel, texts: Sequence[str | tuple[int, ...]]) -> tuple[list[list[float]], int]:
        return [[0.6, 0.0, 0.8] for _ in texts], sum(map(len, texts))

    def is_ready(self) -> bool:
        return True

    def load(self) -> EngineLoad:
        return EngineLoad(running=1)

    def fingerprint(self, model: AskedModel) -> str:
        return "fp_scripted"

    async def close(self) -> None:
        return None


def wait_until(condition: Callable[[], object], seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(condition())
