"""How many right-or-wrong answers the items are worth, when scores are graded or come in groups.

Graded scores vary less than right-or-wrong ones with the same mean, so an item is worth more than one; items of one
document or template go right and wrong together, so they are worth less. Both are one number, the *ratio* of the
variance found to that of independent right-or-wrong answers: n items are worth n / ratio (Kish's design effect).
Few groups make that ratio itself uncertain; it is then raised by (t / z)**2, as Korn and Graubard (1998) do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from luthier.evaluation.statistics.distributions import student_quantile
from luthier.evaluation.statistics.scores import Grouping, Groups, Scores, group_items, normal_quantile

# Added to both sides before the ratio is taken: a run without any failure, or two arms without any difference, is
# judged as if the next item could go wrong. The weights were chosen by simulation.
EXTREME_SCORES = (0.0, 1.0)
EXTREME_DIFFERENCES = (-1.0, 1.0)
SCORE_WEIGHT = 0.5
DIFFERENCE_WEIGHT = 0.15
# The kurtosis of few values is itself underestimated, so it counts for more.
KURTOSIS_CAUTION = 0.6

Floats = NDArray[np.float64]


def score_ratio(scores_xN: Scores, grouping: Grouping | None, confidence: float) -> Floats:
    """For scores between 0 and 1; leading axes (repetitions) are kept. 1 for lone right-or-wrong scores."""
    return _ratio(scores_xN, EXTREME_SCORES, SCORE_WEIGHT, grouping, confidence)


def difference_ratio(differences_xN: Scores, grouping: Grouping | None, confidence: float) -> Floats:
    """For differences between -1 and 1; 1 where every lone item is won, lost or equal."""
    return _ratio(differences_xN, EXTREME_DIFFERENCES, DIFFERENCE_WEIGHT, grouping, confidence)


def design_effect(differences: Sequence[float], groups: Groups | None, confidence: float = 0.95) -> float:
    """How many grouped items are worth one lone item; at least 1, and 1 without groups."""
    values = np.asarray(differences, dtype=np.float64)[None]
    grouping = group_items(groups, values.shape[1])
    if grouping is None:
        return 1.0
    return float(difference_ratio(values, grouping, confidence)[0] / difference_ratio(values, None, confidence)[0])


def freedom_of(sums_xG: Floats, grouping: Grouping) -> Floats:
    """Degrees of freedom of a variance that rests on these group sums: at most G - 1, fewer if few groups make it.

    A variance estimated from G values of kurtosis k is worth 2 G / (k - (G - 3) / (G - 1)) degrees (O'Neill 2014).
    """
    groups = grouping.count
    squares = (sums_xG**2).sum(axis=-1)
    kurtosis = groups * (sums_xG**4).sum(axis=-1) / np.maximum(squares**2, 1e-300)
    excess = np.maximum(kurtosis - (groups - 3) / (groups - 1), 1e-9)
    return np.clip(KURTOSIS_CAUTION * 2 * groups / excess, 1.0, groups - 1.0)


def _ratio(
    values_xN: Scores, extremes: tuple[float, float], weight: float, grouping: Grouping | None, confidence: float
) -> Floats:
    items = values_xN.shape[-1]
    total = items + 2 * weight
    mean_x = (values_xN.sum(axis=-1) + weight * sum(extremes)) / total
    added_x = weight * sum((extreme - mean_x) ** 2 for extreme in extremes)
    # A value of -1, 0 or 1 equals its square up to the sign: this is the variance if all values were such.
    coarse_x = np.abs(values_xN).sum(axis=-1) + weight * sum(map(abs, extremes)) - total * mean_x**2
    left_over_xN = values_xN - mean_x[..., None]
    alone_x = ((left_over_xN**2).sum(axis=-1) + added_x) / coarse_x
    if grouping is None:
        return alone_x
    if grouping.count == 1:
        return np.full_like(alone_x, items)
    sums_xG = grouping.sums(left_over_xN)
    together_x = (sums_xG**2).sum(axis=-1) * grouping.count / (grouping.count - 1) + added_x
    raised_x = (student_quantile(confidence, freedom_of(sums_xG, grouping)) / normal_quantile(confidence)) ** 2
    return np.maximum(alone_x, together_x / coarse_x * raised_x)
