"""What the server needs of whatever answers: the engine in this process, or a vLLM server; the app knows only this."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from luthier.answering import AnswerRequest, AskedModel, Delta, EngineLoad


class Inference(Protocol):
    """Raises LuthierErrors: `PromptTooLong`, `TooBusy` (told as 429), `NotAnswered` (503), ModelError for a model that
    cannot load.

    What can be known before the first token (a prompt too long, a schema that cannot be enforced, a full queue) is
    raised before the first piece, so that it becomes a status and not a broken stream.
    """

    def answer(self, request: AnswerRequest) -> AsyncIterator[Delta]:
        """Pieces as they come; closing the iterator (`aclose`) stops the work at once."""
        ...

    async def embed(self, model: AskedModel, texts: Sequence[str | tuple[int, ...]]) -> tuple[list[list[float]], int]:
        """One vector per text, and the prompt tokens."""
        ...

    def is_ready(self) -> bool:
        """Whether it would answer now."""
        ...

    def load(self) -> EngineLoad:
        """What it is doing now."""
        ...

    def fingerprint(self, model: AskedModel) -> str:
        """Names everything besides the request that an answer depends on: `fp_…`."""
        ...

    async def close(self) -> None:
        """Stop taking requests, let running ones end, free the machine."""
        ...
