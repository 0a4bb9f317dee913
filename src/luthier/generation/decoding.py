"""What is asked of an answer, what comes back, and how the next token is chosen: alike for every way to compute it."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Decoding:
    """How to answer. Temperature 0 is greedy; otherwise each prompt draws from its own seeded stream."""

    max_new_tokens: int
    end_ids: frozenset[int]
    batch_items: int = 64
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Continuation:
    """Token ids written after prompt ``index``, without the end token. ``seconds`` is its share of the batch's time."""

    index: int
    ids: tuple[int, ...]
    is_finished: bool
    seconds: float


def draw_of(decoding: Decoding, index: int) -> torch.Generator:
    """The stream that prompt ``index`` draws from, whoever shares its batch."""
    return torch.Generator().manual_seed(decoding.seed * 1_000_003 + index)


def choose(logits_BV: torch.Tensor, draws: list[torch.Generator], temperature: float) -> list[int]:
    """The next token of each row: the likeliest, or drawn from the row's own stream."""
    if temperature == 0:
        return logits_BV.argmax(dim=-1).tolist()
    shares_BV = (logits_BV / temperature).softmax(dim=-1).cpu()
    return [int(torch.multinomial(shares, 1, generator=draw)) for shares, draw in zip(shares_BV, draws, strict=True)]
