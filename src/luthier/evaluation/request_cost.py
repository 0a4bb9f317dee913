"""What one request of an arm took: tokens, seconds, and money where a price is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from luthier.evaluation.answers import Answer
from luthier.recipe import TokenPrice

MILLION = 1_000_000


@dataclass(frozen=True)
class RequestCost:
    """Means per request. ``seconds`` holds the looking-up, which ``lookup_seconds`` tells apart; ``money`` is None
    where no price is known, as for a model on one's own machine."""

    requests: int
    prompt_tokens: float
    cached_tokens: float
    completion_tokens: float
    seconds: float
    lookup_seconds: float
    money: float | None = None
    currency: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def request_cost(
    answers: Sequence[Answer], lookup_seconds: float = 0.0, price: TokenPrice | None = None
) -> RequestCost:
    """``lookup_seconds`` of all requests together."""
    count = max(1, len(answers))
    prompt = sum(answer.prompt_tokens for answer in answers) / count
    cached = sum(answer.cached_tokens for answer in answers) / count
    completion = sum(answer.completion_tokens for answer in answers) / count
    lookup = lookup_seconds / count
    return RequestCost(
        requests=len(answers),
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        seconds=sum(answer.seconds for answer in answers) / count + lookup,
        lookup_seconds=lookup,
        money=None if price is None else _money(prompt, cached, completion, price),
        currency=None if price is None else price.currency,
    )


def _money(prompt: float, cached: float, completion: float, price: TokenPrice) -> float:
    """Cached tokens are part of the prompt's and cost what ``cached_input`` says."""
    cached_price = price.input if price.cached_input is None else price.cached_input
    return ((prompt - cached) * price.input + cached * cached_price + completion * price.output) / MILLION
