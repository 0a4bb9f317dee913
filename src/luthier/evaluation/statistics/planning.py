"""What to tell a person: before a run which difference can be seen at all, after it how many items are missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from luthier.evaluation.statistics.effective import design_effect
from luthier.evaluation.statistics.power import AGREEMENT, detectable_difference
from luthier.evaluation.statistics.scores import Groups, checked_pair, normal_quantile

EXACTNESS_MARGIN = 2.0


@dataclass(frozen=True)
class Plan:
    """What ``items`` can find; ``detectable`` is None where not even a perfect arm would be found."""

    items: int
    share: float
    power: float
    detectable: float | None
    comparisons: int

    @property
    def sentence(self) -> str:
        items = f"{self.items:,} {'item' if self.items == 1 else 'items'}"
        if self.detectable is None:
            return f"Before the run: {items} cannot detect any gain with {_percent(self.power)} power."
        among = f", among {self.comparisons} comparisons" if self.comparisons > 1 else ""
        found = f"a difference of {100 * self.detectable:.1f} points"
        return (
            f"Before the run: {items} can detect {found} with {_percent(self.power)} power, "
            f"if the untuned model gets {_percent(self.share)} right{among}."
        )


def plan_evaluation(
    items: int,
    share: float = 0.5,
    *,
    comparisons: int = 1,
    power: float = 0.8,
    agreement: float = AGREEMENT,
    design_effect: float = 1.0,
    error_rate: float = 0.05,
) -> Plan:
    """For a base that gets ``share`` right; half is the most demanding guess.

    ``comparisons`` counts untuned arms times deciding metrics (Holm's first step is assumed); ``design_effect`` is
    how many grouped items are worth one lone item.
    """
    worth = max(1, math.floor(items / design_effect))
    found = detectable_difference(worth, share, power, 1 - error_rate / comparisons, agreement=agreement)
    return Plan(items, share, power, found, comparisons)


def items_needed(
    better_scores: Sequence[float],
    worse_scores: Sequence[float],
    confidence: float = 0.95,
    power: float = 0.8,
    groups: Groups | None = None,
) -> int | None:
    """How many more items until a difference as large as this one is found with ``power``; None if there is none.

    With groups, more items of further groups of the same size.
    """
    better, worse = checked_pair(better_scores, worse_scores)
    differences = better - worse
    difference = abs(float(differences.mean()))
    if difference < 1e-12:
        return None
    # One win and one loss are added, as in Bonett and Price: five equal differences do not mean that nothing varies.
    variance = float(np.append(differences, (1.0, -1.0)).var())
    variance *= design_effect(differences.tolist(), groups, confidence)
    quantiles = normal_quantile(confidence) + NormalDist().inv_cdf(power)
    # The normal formula assumes that the whole 5 % is spent; an exact test on few discordant items spends less.
    needed = variance * (quantiles / difference) ** 2 + EXACTNESS_MARGIN / difference
    return max(1, math.ceil(needed) - len(differences))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
