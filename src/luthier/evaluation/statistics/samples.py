"""Several answers per item: how much of the doubt lies between the items, and how much between answers to one item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier.evaluation.statistics.scores import checked


@dataclass(frozen=True)
class SampleSpread:
    """Variance of an item's own expected score, and of one answer around it; ``samples`` is their mean count."""

    between: float
    within: float
    items: int
    samples: float

    def standard_error(self, items: int, samples: int) -> float:
        """Of the mean score, had there been so many items and answers to each."""
        return float(np.sqrt(self.between / items + self.within / (items * samples)))

    @property
    def share_between(self) -> float:
        """Of the mean's variance as measured: what more answers to the same items cannot remove."""
        per_item = self.between + self.within / self.samples
        return self.between / per_item if per_item > 0 else 1.0


def item_means(samples: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """One score per item, every item counting alike.

    Both parts of the variance are in these means, so the intervals of `mean_interval` and `paired_interval` on them
    carry both. To enter every answer as an item of its own would count the same question many times.
    """
    return tuple(float(checked(scores).mean()) for scores in samples)


def sample_spread(samples: Sequence[Sequence[float]]) -> SampleSpread:
    """One-way analysis of variance; items may have different numbers of answers, and one may have only one."""
    counts = np.array([len(scores) for scores in samples], dtype=np.float64)
    means = np.array(item_means(samples))
    items, answers = len(samples), float(counts.sum())
    squares = sum(float(((checked(scores) - mean) ** 2).sum()) for scores, mean in zip(samples, means, strict=True))
    within = squares / (answers - items) if answers > items else 0.0
    per_item = float((1 / counts).mean())
    between = max(0.0, float(means.var(ddof=1)) - within * per_item) if items > 1 else 0.0
    return SampleSpread(between, within, items, 1 / per_item)
