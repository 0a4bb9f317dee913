"""Choosing between ways of asking by their scores on validation rows: never on golden ones, and what it cost."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from luthier.evaluation.answers import Answer

# A first round on these many rows leaves the better half; it saves about a third of the answers.
FIRST_ROWS = 24


@dataclass(frozen=True)
class Trial:
    """One candidate's mean score on ``rows`` validation rows, and what its answers took."""

    name: str
    mean: float
    rows: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True)
class Choice:
    """What was chosen between, for what ("task prompt", "examples", "passages"), and how each candidate did."""

    about: str
    chosen: str
    metric: str
    trials: tuple[Trial, ...]

    @property
    def requests(self) -> int:
        return sum(trial.rows for trial in self.trials)

    @property
    def seconds(self) -> float:
        return sum(trial.seconds for trial in self.trials)

    @property
    def sentence(self) -> str:
        best = next(trial for trial in self.trials if trial.name == self.chosen)
        score = f"{100 * best.mean:.1f} % {self.metric.replace('_', ' ')} on {best.rows} validation rows"
        count = f"{len(self.trials)} tried, {self.requests:,} answers, {self.seconds:.1f} s"
        return f"{self.about} chosen on validation rows: {self.chosen} ({score}; {count})"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "requests": self.requests, "seconds": self.seconds}


def rows_to_choose_on(available: int, most: int, seed: int) -> list[int]:
    """Indices of the validation rows to try candidates on, drawn in an order from which a first part can be cut."""
    return random.Random(seed).sample(range(available), min(available, most))


def rounds(candidates: int, rows: int) -> list[tuple[int, int]]:
    """Per round how many rows have been answered at its end, and how many candidates go on after it."""
    if candidates <= 2 or rows <= FIRST_ROWS:
        return [(rows, 1)]
    return [(FIRST_ROWS, math.ceil(candidates / 2)), (rows, 1)]


def best_first(means: Sequence[float]) -> list[int]:
    """Candidates by their means; equals stay in the order in which they were named."""
    return sorted(range(len(means)), key=lambda index: -means[index])


def trial_of(name: str, scores: Sequence[float], answers: Sequence[Answer]) -> Trial:
    return Trial(
        name,
        sum(scores) / len(scores) if scores else 0.0,
        len(scores),
        sum(answer.prompt_tokens for answer in answers),
        sum(answer.completion_tokens for answer in answers),
        sum(answer.seconds for answer in answers),
    )
