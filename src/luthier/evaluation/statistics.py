"""Intervals and tests for scores between 0 and 1, chosen because they still cover with few items near 100 %.

Everything here is closed form except the sign-flip test, which draws from a given seed. `docs/evaluation.md`
has the simulated coverage and what the usual alternatives (normal, BCa, bootstrap-t) reached on the same data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

EXACT_FLIPS = 13
RANDOM_FLIPS = 9_999
FLIPS_PER_CHUNK = 500
EXACTNESS_MARGIN = 2.0


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """``better`` minus ``worse`` on the same items; ``discordant`` items are those with different scores."""

    difference: float
    low: float
    high: float
    p: float
    n: int
    discordant: int


def mean_interval(scores: Sequence[float], confidence: float = 0.95) -> Interval:
    """Wilson's interval, on as many effective items as the spread of the scores is worth.

    Scores between 0 and 1 vary at most as much as right-or-wrong scores with the same mean do. If they vary less, by
    a factor c, then n of them are worth n / c right-or-wrong items. For 0/1 scores c is 1: plain Wilson.
    """
    checked = _checked(scores)
    low, high = _wilson(float(checked.mean()), len(checked) / _spread_factor(checked), _normal_quantile(confidence))
    return Interval(float(checked.mean()), low, high, len(checked))


def paired_comparison(
    better_scores: Sequence[float], worse_scores: Sequence[float], confidence: float = 0.95, seed: int = 0
) -> Comparison:
    """The paired difference with its interval, and p: exact McNemar for 0/1 scores, else a sign-flip test."""
    better, worse = _checked(better_scores), _checked(worse_scores)
    if len(better) != len(worse):
        raise ValueError(f"a paired comparison needs the same items: {len(better)} scores against {len(worse)}")
    low, high = paired_interval(better_scores, worse_scores, confidence)
    differences = better - worse
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    if _is_right_or_wrong(better) and _is_right_or_wrong(worse):
        p = exact_mcnemar(wins, losses)
    else:
        p = sign_flip_test(differences, seed)
    return Comparison(float(differences.mean()), low, high, p, len(better), wins + losses)


def paired_interval(
    better_scores: Sequence[float], worse_scores: Sequence[float], confidence: float = 0.95
) -> tuple[float, float]:
    """Newcombe's square-and-add (method 10), on the intervals that `mean_interval` gives each arm."""
    first, second = mean_interval(better_scores, confidence), mean_interval(worse_scores, confidence)
    correlation = _cautious_correlation(_checked(better_scores), _checked(worse_scores))
    difference = first.mean - second.mean
    down = _combined(first.mean - first.low, second.high - second.mean, correlation)
    up = _combined(first.high - first.mean, second.mean - second.low, correlation)
    return difference - down, difference + up


def exact_mcnemar(wins: int, losses: int) -> float:
    """Two-sided: how often would a fair coin split ``wins + losses`` at least as unevenly?"""
    discordant = wins + losses
    log_total = discordant * math.log(2) - math.lgamma(discordant + 1)
    tail = math.fsum(
        math.exp(-math.lgamma(k + 1) - math.lgamma(discordant - k + 1) - log_total)
        for k in range(min(wins, losses) + 1)
    )
    return min(1.0, 2 * tail)


def sign_flip_test(differences: Scores, seed: int = 0) -> float:
    """Two-sided: how often is the sum as far from zero when every difference may as well have been reversed?

    All reversals are counted when there are few, else 9,999 drawn ones and the observed one.
    """
    moved = differences[differences != 0]
    if len(moved) == 0:
        return 1.0
    # Sums of equal terms in another order differ in the last bits; without slack they would not count as equal.
    observed = abs(moved.sum()) - 1e-9
    if len(moved) <= EXACT_FLIPS:
        patterns = (np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ moved) >= observed))
    generator = np.random.default_rng(seed)
    as_far = 1
    for start in range(0, RANDOM_FLIPS, FLIPS_PER_CHUNK):
        rows = min(FLIPS_PER_CHUNK, RANDOM_FLIPS - start)
        reversed_RN = generator.integers(0, 2, size=(rows, len(moved)), dtype=np.int8)
        as_far += int((np.abs(moved.sum() - 2 * (reversed_RN @ moved)) >= observed).sum())
    return as_far / (RANDOM_FLIPS + 1)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment: the p-values that hold for all the comparisons together."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def items_needed(
    better_scores: Sequence[float], worse_scores: Sequence[float], confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """How many more items until a difference as large as this one is found with ``power``; None if there is none."""
    differences = _checked(better_scores) - _checked(worse_scores)
    difference = abs(float(differences.mean()))
    if difference < 1e-12:
        return None
    # One win and one loss are added, as in Bonett and Price: five equal differences do not mean that nothing varies.
    variance = float(np.append(differences, (1.0, -1.0)).var())
    quantiles = _normal_quantile(confidence) + NormalDist().inv_cdf(power)
    # The normal formula assumes that the whole 5 % is spent; an exact test on few discordant items spends less.
    needed = variance * (quantiles / difference) ** 2 + EXACTNESS_MARGIN / difference
    return max(1, math.ceil(needed) - len(differences))


def _combined(side: float, other_side: float, correlation: float) -> float:
    return math.sqrt(max(0.0, side**2 - 2 * correlation * side * other_side + other_side**2))


def _cautious_correlation(better: Scores, worse: Scores) -> float:
    """Pearson's correlation with half an item added that each arm alone got right.

    Newcombe's continuity correction has the same aim: arms that happen to agree on 20 items are not one arm.
    """
    weights = np.append(np.ones(len(better)), (0.5, 0.5))
    x, y = np.append(better, (1.0, 0.0)), np.append(worse, (0.0, 1.0))
    x, y = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    return float((weights * x * y).sum() / math.sqrt((weights * x * x).sum() * (weights * y * y).sum()))


def _spread_factor(scores: Scores) -> float:
    """Variance, relative to right-or-wrong scores of the same mean: 1 at most.

    One full and one zero score are added first. Thus a perfect run on 20 items is judged like 20 right-or-wrong
    answers, which may yet go wrong, and many items outvote the two.
    """
    widened = np.append(scores, (0.0, 1.0))
    mean = float(widened.mean())
    return float(widened.var()) / (mean * (1 - mean))


def _wilson(mean: float, items: float, quantile: float) -> tuple[float, float]:
    shrink = 1 + quantile**2 / items
    centre = (mean + quantile**2 / (2 * items)) / shrink
    half = quantile / shrink * math.sqrt(mean * (1 - mean) / items + (quantile / (2 * items)) ** 2)
    return min(mean, max(0.0, centre - half)), max(mean, min(1.0, centre + half))


def _normal_quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _is_right_or_wrong(scores: Scores) -> bool:
    return bool(np.isin(scores, (0.0, 1.0)).all())


def _checked(scores: Sequence[float]) -> Scores:
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError("statistics need at least one score")
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError("scores must lie between 0 and 1")
    return array
