"""The interval of one arm's mean score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from luthier.evaluation.statistics.effective import score_ratio
from luthier.evaluation.statistics.proportions import blaker, wilson_bounds
from luthier.evaluation.statistics.scores import (
    Grouping,
    Groups,
    Interval,
    Scores,
    checked,
    group_items,
    is_right_or_wrong,
)

Floats = NDArray[np.float64]


def mean_interval(scores: Sequence[float], confidence: float = 0.95, groups: Groups | None = None) -> Interval:
    """Blaker's exact interval for lone right-or-wrong scores; else Wilson's on as many items as they are worth.

    ``groups`` names the document or template that each item comes from. An item that was answered several times
    enters with the mean of its scores. The interval is never a point.
    """
    found = checked(scores)
    lows, highs = mean_bounds(found[None], group_items(groups, len(found)), confidence)
    return Interval(float(found.mean()), float(lows[0]), float(highs[0]), len(found))


def mean_bounds(scores_RN: Scores, grouping: Grouping | None, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """The same for R repetitions at once."""
    items = scores_RN.shape[-1]
    mean_R = scores_RN.mean(axis=-1)
    if grouping is None and is_right_or_wrong(scores_RN):
        rights, where_R = np.unique(scores_RN.sum(axis=-1).astype(int), return_inverse=True)
        bounds = np.array([blaker(int(right), items, confidence) for right in rights])[where_R]
        return bounds[:, 0], bounds[:, 1]
    return wilson_bounds(mean_R, items / score_ratio(scores_RN, grouping, confidence), confidence)
