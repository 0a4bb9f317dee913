"""What is asked of the answers to many prompts, and what comes back."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoding:
    """How to answer. Temperature 0 is greedy; otherwise each prompt draws from its own seeded stream.

    ``batch_items`` answers are written at once.
    """

    max_new_tokens: int
    end_ids: frozenset[int]
    batch_items: int = 64
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Continuation:
    """Token ids written after prompt ``index``, without the end token. ``seconds`` is its share of all work."""

    index: int
    ids: tuple[int, ...]
    is_finished: bool
    seconds: float
