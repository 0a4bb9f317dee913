"""Several training seeds: each trained model answers all items, so seeds and items both make the mean uncertain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.evaluation.statistics.distributions import student_quantile
from luthier.evaluation.statistics.effective import DIFFERENCE_WEIGHT, EXTREME_DIFFERENCES, EXTREME_SCORES, SCORE_WEIGHT
from luthier.evaluation.statistics.mean import mean_bounds
from luthier.evaluation.statistics.paired import paired_bounds, score_bounds
from luthier.evaluation.statistics.proportions import wilson_bounds
from luthier.evaluation.statistics.scores import Interval, Scores, normal_quantile

Floats = NDArray[np.float64]

# Near 100 % the seeds' means are skewed; without this, three seeds at 90 % covered 92 %.
SEED_CAUTION = 1.6


def seeds_interval(scores_SN: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean score of models trained like these, on items like these; row: a seed, column: an item.

    Two-way analysis of variance with both factors random.
    """
    scores = _checked(scores_SN, 0.0)
    low, high = seeds_bounds(scores[None], confidence)
    return Interval(float(scores.mean()), float(low[0]), float(high[0]), scores.shape[1])


def seeds_difference(better_SN: ArrayLike, worse_SN: ArrayLike, confidence: float = 0.95) -> Interval:
    """The same for the difference to other models on the same items; ``worse_SN`` may have one row (the base)."""
    differences = _checked(np.asarray(better_SN, dtype=np.float64) - np.asarray(worse_SN, dtype=np.float64), -1.0)
    low, high = seeds_difference_bounds(differences[None], confidence)
    return Interval(float(differences.mean()), float(low[0]), float(high[0]), differences.shape[1])


def seeds_bounds(scores_RSN: Scores, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """For R repetitions at once."""
    if scores_RSN.shape[1] == 1:
        return mean_bounds(scores_RSN[:, 0], None, confidence)
    items_R = _worth(scores_RSN, EXTREME_SCORES, SCORE_WEIGHT, confidence)
    return wilson_bounds(scores_RSN.mean(axis=(1, 2)), items_R, confidence)


def seeds_difference_bounds(differences_RSN: Scores, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """For R repetitions at once."""
    if differences_RSN.shape[1] == 1:
        return paired_bounds(differences_RSN[:, 0], None, confidence)
    items_R = _worth(differences_RSN, EXTREME_DIFFERENCES, DIFFERENCE_WEIGHT, confidence)
    won_R = np.maximum(differences_RSN, 0).mean(axis=(1, 2))
    lost_R = np.maximum(-differences_RSN, 0).mean(axis=(1, 2))
    return score_bounds(won_R * items_R, lost_R * items_R, items_R, confidence)


def _worth(values_RSN: Scores, extremes: tuple[float, float], weight: float, confidence: float) -> Floats:
    """How many lone right-or-wrong (or won, lost and equal) items would leave as much doubt."""
    _, seeds, items = values_RSN.shape
    by_seed, by_item, rest = _mean_squares(values_RSN)
    # As in `effective`: the next item may go wrong even where none has yet.
    total = items + 2 * weight
    mean_R = (items * values_RSN.mean(axis=(1, 2)) + weight * sum(extremes)) / total
    added_R = weight * sum((extreme - mean_R) ** 2 for extreme in extremes)
    coarse_R = items * np.abs(values_RSN).mean(axis=(1, 2)) + weight * sum(map(abs, extremes)) - total * mean_R**2
    by_item = by_item + added_R * seeds / items
    # Student's quantile for the seeds' own part, the normal one for the items': with three seeds, one common quantile
    # by Satterthwaite's degrees of freedom covered 92 %.
    raised = SEED_CAUTION * (float(student_quantile(confidence, seeds - 1)) / normal_quantile(confidence)) ** 2
    widened = (by_item + raised * np.maximum(by_seed - rest, 0)) / (seeds * items)
    return coarse_R / total / widened


def _mean_squares(values_RSN: Scores) -> tuple[Floats, Floats, Floats]:
    _, seeds, items = values_RSN.shape
    mean_R = values_RSN.mean(axis=(1, 2))
    seed_RS, item_RN = values_RSN.mean(axis=2), values_RSN.mean(axis=1)
    by_seed = items * ((seed_RS - mean_R[:, None]) ** 2).sum(axis=1)
    by_item = seeds * ((item_RN - mean_R[:, None]) ** 2).sum(axis=1)
    total = ((values_RSN - mean_R[:, None, None]) ** 2).sum(axis=(1, 2))
    rest = np.maximum(total - by_seed - by_item, 0) / ((seeds - 1) * (items - 1))
    return by_seed / (seeds - 1), by_item / (items - 1), rest


def _checked(values_SN: ArrayLike, lowest: float) -> Scores:
    values = np.asarray(values_SN, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError("scores of several seeds need one row per seed and at least two items")
    if not ((values >= lowest) & (values <= 1)).all():
        raise ValueError("scores must lie between 0 and 1")
    return values
