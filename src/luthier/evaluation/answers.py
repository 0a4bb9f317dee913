"""What an evaluation asks and what comes back: prompts, answers, and the one callable between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from luthier.examples import Message


@dataclass(frozen=True)
class Prompt:
    """The turns a model sees before it answers."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a model wrote. ``finish_reason`` "length" means that it was cut off at the token limit.

    ``cached_tokens`` is the part of ``prompt_tokens`` that a remote server says it had in its cache.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    finish_reason: Literal["stop", "length"] = "stop"
    cached_tokens: int = 0


Generate = Callable[[Sequence[Prompt]], Iterator[tuple[int, Answer]]]
"""Answers every prompt once, in any order; each answer comes with the index of its prompt."""


def in_prompt_order(numbered_answers: Sequence[tuple[int, Answer]], items: int) -> tuple[Answer, ...]:
    """The answers in the order of the prompts; a missing or repeated one is our own mistake."""
    by_index = dict(numbered_answers)
    if len(by_index) != len(numbered_answers) or sorted(by_index) != list(range(items)):
        raise ValueError(f"{len(numbered_answers)} answers with {len(by_index)} indices came back for {items} prompts")
    return tuple(by_index[index] for index in range(items))
