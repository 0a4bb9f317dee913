"""How large an engine is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineSettings:
    """``rows``: answers that are written at the same time. ``memory_bytes``: all keys and values, those remembered for
    later prompts included; ``memory_tokens``, where given, says it in tokens instead. ``prefill_tokens``: prompt tokens
    per step, so that long prompts never stall the others.

    ``adapters``: how many are held loaded. ``waiting``: requests in the queue before new ones are refused.
    """

    rows: int = 64
    context_tokens: int = 2048
    memory_bytes: int = 1 << 29
    memory_tokens: int | None = None
    prefill_tokens: int = 512
    adapters: int = 16
    waiting: int = 256
