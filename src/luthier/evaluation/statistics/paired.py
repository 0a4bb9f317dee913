"""Two arms on the same items: the difference of their means with its interval and its p-value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.evaluation.statistics.effective import difference_ratio
from luthier.evaluation.statistics.paired_tests import exact_mcnemar, sign_flip_test
from luthier.evaluation.statistics.scores import (
    Grouping,
    Groups,
    Scores,
    checked_pair,
    group_items,
    is_right_or_wrong,
    normal_quantile,
)

Floats = NDArray[np.float64]

BISECTIONS = 45


@dataclass(frozen=True)
class Comparison:
    """``better`` minus ``worse`` on the same items; ``discordant`` items are those with different scores."""

    difference: float
    low: float
    high: float
    p: float
    n: int
    discordant: int


def paired_comparison(
    better_scores: Sequence[float],
    worse_scores: Sequence[float],
    confidence: float = 0.95,
    seed: int = 0,
    groups: Groups | None = None,
) -> Comparison:
    """The difference with its interval, and p: exact McNemar for lone right-or-wrong scores, else a sign-flip test.

    Items of one group are reversed together in the sign-flip test.
    """
    better, worse = checked_pair(better_scores, worse_scores)
    grouping = group_items(groups, len(better))
    differences = better - worse
    lows, highs = paired_bounds(differences[None], grouping, confidence)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    if grouping is None and is_right_or_wrong(better) and is_right_or_wrong(worse):
        p = exact_mcnemar(wins, losses)
    else:
        p = sign_flip_test(differences if grouping is None else grouping.sums(differences), seed)
    return Comparison(float(differences.mean()), float(lows[0]), float(highs[0]), p, len(better), wins + losses)


def paired_interval(
    better_scores: Sequence[float],
    worse_scores: Sequence[float],
    confidence: float = 0.95,
    groups: Groups | None = None,
) -> tuple[float, float]:
    """The interval alone."""
    better, worse = checked_pair(better_scores, worse_scores)
    lows, highs = paired_bounds((better - worse)[None], group_items(groups, len(better)), confidence)
    return float(lows[0]), float(highs[0])


def paired_bounds(differences_RN: Scores, grouping: Grouping | None, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """For R repetitions at once: Tango's interval on as many won, lost and equal items as the differences are worth."""
    ratio_R = difference_ratio(differences_RN, grouping, confidence)
    won_R = np.maximum(differences_RN, 0).sum(axis=-1)
    lost_R = np.maximum(-differences_RN, 0).sum(axis=-1)
    return score_bounds(won_R / ratio_R, lost_R / ratio_R, differences_RN.shape[-1] / ratio_R, confidence)


def score_bounds(won: ArrayLike, lost: ArrayLike, items: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Tango 1998: the differences that a score test keeps; at 0 that test is McNemar's. No count need be whole."""
    won, lost, items = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (won, lost, items)))
    return -_highest_kept(lost, won, items, confidence), _highest_kept(won, lost, items, confidence)


def _highest_kept(won: Floats, lost: Floats, items: Floats, confidence: float) -> Floats:
    low, high = (won - lost) / items, np.ones_like(items)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        is_kept = _score(won, lost, items, middle) >= -normal_quantile(confidence)
        low, high = np.where(is_kept, middle, low), np.where(is_kept, high, middle)
    return high


def _score(won: Floats, lost: Floats, items: Floats, difference: Floats) -> Floats:
    """Observed minus assumed difference, in standard errors under the likeliest loss rate for that difference."""
    linear = -won - lost + (2 * items - won + lost) * difference
    constant = -lost * difference * (1 - difference)
    loss_rate = (np.sqrt(np.maximum(linear**2 - 8 * items * constant, 0)) - linear) / (4 * items)
    variance = items * (2 * np.maximum(loss_rate, 0) + difference * (1 - difference))
    gap = won - lost - items * difference
    return np.where(np.abs(gap) < 1e-12, 0.0, gap / np.sqrt(np.maximum(variance, 1e-300)))
