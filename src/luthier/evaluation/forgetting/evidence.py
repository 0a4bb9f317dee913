"""What measuring a base and its tuned model brought to light: readings and answers, ready to be judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from luthier.evaluation.answers import Answer
from luthier.evaluation.forgetting.battery import Battery, Passage
from luthier.evaluation.forgetting.drift import Reading
from luthier.evaluation.forgetting.regression import RegressionItem
from luthier.evaluation.forgetting.thresholds import MOST_BITS_PER_BYTE


@dataclass(frozen=True)
class AnsweredTwice:
    """Answers of both models to the same prompts, in their order."""

    base: tuple[Answer, ...]
    tuned: tuple[Answer, ...]


@dataclass(frozen=True)
class RegressionAnswers:
    items: tuple[RegressionItem, ...]
    answers: AnsweredTwice
    max_drop: float


@dataclass(frozen=True)
class Evidence:
    """``passages`` are readings of the battery's passages, ``own_answers`` of what the base wrote itself.

    ``task_inputs`` are readings of the prompts of validation rows; ``answers`` are those to the items, then to the
    open questions. Whatever was not measured is empty or None.
    """

    battery: Battery
    passages: tuple[Reading, ...]
    own_answers: tuple[Reading, ...]
    task_inputs: tuple[Reading, ...]
    answers: AnsweredTwice
    regression: RegressionAnswers | None = None

    @property
    def items(self) -> AnsweredTwice:
        count = len(self.battery.items)
        return AnsweredTwice(self.answers.base[:count], self.answers.tuned[:count])

    @property
    def questions(self) -> AnsweredTwice:
        count = len(self.battery.items)
        return AnsweredTwice(self.answers.base[count:], self.answers.tuned[count:])


def readable_languages(passages: Sequence[Passage], readings: Sequence[Reading]) -> tuple[str, ...]:
    """Languages in which the base needs few enough bits per byte; all of them where there is none."""
    found = []
    languages = tuple(dict.fromkeys(passage.language for passage in passages))
    for language in languages:
        pairs = [pair for pair in zip(passages, readings, strict=True) if pair[0].language == language]
        bits = sum(reading.base_nats_C.sum() for _, reading in pairs) / math.log(2)
        if bits <= MOST_BITS_PER_BYTE * sum(len(passage.text.encode()) for passage, _ in pairs):
            found.append(language)
    return tuple(found) or languages
