"""Intervals for a share of right-or-wrong answers: Wilson's, Clopper and Pearson's, and Blaker's, which is published.

Which one, and how much each covers, is in `docs/statistics.md`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.evaluation.statistics.distributions import log_factorials
from luthier.evaluation.statistics.scores import normal_quantile

Floats = NDArray[np.float64]

ZOOMS = 7
ROUGH_ZOOMS = 2
POINTS = 25


def wilson_bounds(mean: ArrayLike, items: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson 1927: the shares that a score test does not reject. ``items`` need not be whole."""
    mean, items = np.asarray(mean, dtype=np.float64), np.asarray(items, dtype=np.float64)
    z = normal_quantile(confidence)
    shrink = 1 + z**2 / items
    centre = (mean + z**2 / (2 * items)) / shrink
    half = z / shrink * np.sqrt(mean * (1 - mean) / items + (z / (2 * items)) ** 2)
    # Rounding must not push the mean out of its own interval.
    return np.minimum(mean, np.maximum(0, centre - half)), np.maximum(mean, np.minimum(1, centre + half))


def clopper_pearson(right: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson 1934: each end is a one-sided exact test. Covers at least what it says, often far more."""
    ways = _log_ways(n)

    def low_end(count: int) -> float:
        return _clopper_pearson_low(count, n, ways, confidence, ZOOMS)

    return low_end(right), 1 - low_end(n - right)


def blaker(right: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Blaker 2000: exact too, and always inside Clopper and Pearson's.

    A share is kept unless the counts at least as far out as ``right``, on both sides, have together a chance below
    1 - confidence under it; "as far out" on the other side means a tail no heavier than the observed one.
    """
    ways = _log_ways(n)
    return _blaker_low(right, n, ways, confidence), 1 - _blaker_low(n - right, n, ways, confidence)


def _clopper_pearson_low(right: int, n: int, ways_N: Floats, confidence: float, zooms: int) -> float:
    def is_kept(shares_P: Floats) -> NDArray[np.bool_]:
        return _chances(shares_P, n, ways_N)[:, right:].sum(axis=1) > (1 - confidence) / 2

    return 0.0 if right == 0 else _first_kept(is_kept, 0.0, right / n, zooms)


def _blaker_low(right: int, n: int, ways_N: Floats, confidence: float) -> float:
    def is_kept(shares_P: Floats) -> NDArray[np.bool_]:
        chances_PN = _chances(shares_P, n, ways_N)
        tail_P = chances_PN[:, right:].sum(axis=1)
        other_tails_PN = np.cumsum(chances_PN, axis=1)
        is_no_heavier_PN = other_tails_PN <= tail_P[:, None] * (1 + 1e-9)
        return tail_P + np.where(is_no_heavier_PN, other_tails_PN, 0.0).max(axis=1) > 1 - confidence

    start = _clopper_pearson_low(right, n, ways_N, confidence, ROUGH_ZOOMS)
    return 0.0 if right == 0 else _first_kept(is_kept, start, right / n, ZOOMS)


def _first_kept(is_kept: Callable[[Floats], NDArray[np.bool_]], low: float, high: float, zooms: int) -> float:
    """The lowest share that is kept, a hair too low. ``high`` is kept; between, being kept may come and go."""
    for _ in range(zooms):
        shares_P = np.linspace(low, high, POINTS)
        kept_P = is_kept(shares_P)
        kept_P[-1] = True
        first = int(np.argmax(kept_P))
        low, high = float(shares_P[max(0, first - 1)]), float(shares_P[first])
    return low


def _log_ways(n: int) -> Floats:
    """Logarithms of the binomial coefficients."""
    logs = log_factorials(n)
    return logs[n] - logs - logs[::-1]


def _chances(shares_P: Floats, n: int, ways_N: Floats) -> Floats:
    """The chance of each count from 0 to n under each share."""
    counts, shares = np.arange(n + 1), np.clip(shares_P, 1e-300, 1 - 1e-16)[:, None]
    return np.exp(ways_N + counts * np.log(shares) + (n - counts) * np.log1p(-shares))
