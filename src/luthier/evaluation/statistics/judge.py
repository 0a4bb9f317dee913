"""A judge that errs: the share right and the difference as a faultless judge would see them, and wider intervals.

A judge that passes a right answer with chance ``sensitivity`` and fails a wrong one with chance ``specificity`` sees
differences shrunk by ``sharpness`` = sensitivity + specificity - 1. Both are known from a sample that people labelled
too, and that knowledge is uncertain as well. The errors must be the same for all arms (blind and position-swapped
judging); a judge that prefers its own style breaks this, and no formula mends it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.evaluation.statistics.proportions import wilson_bounds
from luthier.evaluation.statistics.scores import Interval, normal_quantile

Floats = NDArray[np.float64]

BISECTIONS = 50


@dataclass(frozen=True)
class JudgeQuality:
    """Of ``right`` answers that people called right, the judge passed ``right_passed``; likewise for wrong ones."""

    right_passed: int
    right: int
    wrong_failed: int
    wrong: int

    def __post_init__(self) -> None:
        if not (0 <= self.right_passed <= self.right and 0 <= self.wrong_failed <= self.wrong):
            raise ValueError("a judge cannot pass or fail more answers than there were")
        if self.right == 0 or self.wrong == 0:
            raise ValueError("a judge's quality needs right and wrong answers that people labelled")

    @property
    def sensitivity(self) -> float:
        return self.right_passed / self.right

    @property
    def specificity(self) -> float:
        return self.wrong_failed / self.wrong

    @property
    def sharpness(self) -> float:
        """1: faultless; 0: no better than a coin."""
        return self.sensitivity + self.specificity - 1

    @property
    def agreement(self) -> float:
        return (self.right_passed + self.wrong_failed) / (self.right + self.wrong)

    def sharpness_bounds(self, confidence: float = 0.95) -> tuple[float, float]:
        """Newcombe's square-and-add on Wilson's intervals of both rates."""
        shares = np.array([self.sensitivity, self.specificity])
        lows, highs = wilson_bounds(shares, np.array([self.right, self.wrong]), confidence)
        down, up = np.sqrt(((shares - lows) ** 2).sum()), np.sqrt(((highs - shares) ** 2).sum())
        return self.sharpness - float(down), min(1.0, self.sharpness + float(up))


def corrected_interval(judged: Interval, quality: JudgeQuality, confidence: float = 0.95) -> Interval:
    """Lang and Reiczigel 2014: the share truly right, from the share passed and a judge known from a sample.

    ``judged`` may come from groups or graded scores: its width says how many lone answers it is worth.
    """
    low, high = corrected_bounds(judged.mean, _worth(judged, confidence), quality, confidence)
    estimate = (judged.mean + quality.specificity - 1) / quality.sharpness if quality.sharpness > 0 else 0.5
    mean = min(1.0, max(0.0, estimate))
    return Interval(mean, min(mean, float(low)), max(mean, float(high)), judged.n)


def corrected_bounds(
    passed: ArrayLike, items: ArrayLike, quality: JudgeQuality, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """For many at once. From 0 to 1 where the judge cannot be told from a coin."""
    passed, items = np.asarray(passed, dtype=np.float64), np.asarray(items, dtype=np.float64)
    z = normal_quantile(confidence)
    share, count = (items * passed + z**2 / 2) / (items + z**2), items + z**2
    hit, hits = (quality.right_passed + 1) / (quality.right + 2), quality.right + 2
    spare, spares = (quality.wrong_failed + 1) / (quality.wrong + 2), quality.wrong + 2
    sharpness = hit + spare - 1
    if quality.sharpness_bounds(confidence)[0] <= 0:
        return np.zeros_like(share), np.ones_like(share)
    true_share = (share + spare - 1) / sharpness
    hit_variance, spare_variance = hit * (1 - hit) / hits, spare * (1 - spare) / spares
    shift = 2 * z**2 * (true_share * hit_variance - (1 - true_share) * spare_variance)
    variance = share * (1 - share) / count + true_share**2 * hit_variance + (1 - true_share) ** 2 * spare_variance
    half = z * np.sqrt(variance) / sharpness
    return np.clip(true_share + shift - half, 0, 1), np.clip(true_share + shift + half, 0, 1)


def corrected_difference(
    difference: float, low: float, high: float, quality: JudgeQuality, confidence: float = 0.95
) -> tuple[float, float, float]:
    """A judged difference and its interval, divided by the judge's sharpness; from -1 to 1 for a judge like a coin.

    The sign, and whether zero is excluded, stay as they were: an even-handed judge hides differences, it makes none.
    """
    sharpest = quality.sharpness_bounds(confidence)
    if sharpest[0] <= 0:
        return max(-1.0, min(1.0, difference)), -1.0, 1.0
    true_low, true_high = (
        _ratio_end(difference, end, quality.sharpness, sharpest, is_high)
        for end, is_high in ((low, False), (high, True))
    )
    estimate = max(-1.0, min(1.0, difference / quality.sharpness))
    return estimate, min(estimate, true_low), max(estimate, true_high)


def _ratio_end(difference: float, end: float, sharpness: float, bounds: tuple[float, float], is_high: bool) -> float:
    """The outermost ratio that square-and-add (Zou and Donner 2008) on difference - ratio * sharpness still allows."""
    inside, outside = difference / sharpness, (1.0 if is_high else -1.0)
    if abs(inside) >= 1:
        return outside if (inside > 0) == is_high else inside
    for _ in range(BISECTIONS):
        ratio = (inside + outside) / 2
        # Beyond the estimate, the sharpness that brings the two together is the lower one on the far side of zero.
        reach = sharpness - bounds[0] if (ratio > 0) == is_high else bounds[1] - sharpness
        is_kept = abs(difference - ratio * sharpness) <= float(np.hypot(end - difference, ratio * reach))
        inside, outside = (ratio, outside) if is_kept else (inside, ratio)
    return inside


def _worth(judged: Interval, confidence: float) -> float:
    """The number of lone answers whose Wilson interval is as wide."""
    few, many = 0.1, 1e9
    for _ in range(60):
        middle = float(np.sqrt(few * many))
        low, high = wilson_bounds(judged.mean, middle, confidence)
        few, many = (middle, many) if float(high - low) > judged.high - judged.low else (few, middle)
    return few
