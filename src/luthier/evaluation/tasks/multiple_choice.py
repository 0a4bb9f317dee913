"""Multiple choice by log-probability: the likeliest continuation is the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from luthier.evaluation.answers import Answer
from luthier.evaluation.tasks.results import ItemResult
from luthier.evaluation.tasks.task import ChoiceQuestion

ScoreChoices = Callable[[Sequence[ChoiceQuestion]], list[tuple[float, ...]]]
"""The log-probability (nats) of each question's continuations, in the order of the questions."""


def choice_result(question: ChoiceQuestion, log_probs: Sequence[float]) -> ItemResult:
    """`acc` takes the likeliest choice, `acc_norm` the likeliest per character, as in lm-eval; the first of equals."""
    per_character = [value / max(1, length) for value, length in zip(log_probs, question.lengths, strict=True)]
    chosen, chosen_norm = _first_best(log_probs), _first_best(per_character)
    scores = {"acc": float(chosen in question.right), "acc_norm": float(chosen_norm in question.right)}
    choices = question.item.choices or question.continuations
    return ItemResult(question.item, Answer(choices[chosen]), scores, log_probs=tuple(log_probs))


def _first_best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda index: (values[index], -index))
