"""What all statistics read: scores between 0 and 1, one per item, and the groups that items come in."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Groups = Sequence[Hashable]


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Grouping:
    """Items sorted by group, and where each group starts: sums over groups without a loop."""

    order_N: NDArray[np.intp]
    starts_G: NDArray[np.intp]

    @property
    def count(self) -> int:
        return len(self.starts_G)

    def sums(self, values_xN: Scores) -> Scores:
        """Sums over each group; leading axes (repetitions) are kept."""
        return np.add.reduceat(values_xN[..., self.order_N], self.starts_G, axis=-1)


def group_items(groups: Groups | None, items: int) -> Grouping | None:
    """None where every item stands alone, so that nothing has to be corrected."""
    if groups is None or len(groups) == 0:
        return None
    if len(groups) != items:
        raise ValueError(f"every item needs one group: {len(groups)} groups for {items} items")
    numbers: dict[Hashable, int] = {}
    codes = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    if len(numbers) == items:
        return None
    order = np.argsort(codes, kind="stable")
    return Grouping(order, np.flatnonzero(np.diff(codes[order], prepend=-1)))


def normal_quantile(confidence: float) -> float:
    """Two-sided: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def is_right_or_wrong(scores: Scores) -> bool:
    return bool(((scores == 0) | (scores == 1)).all())


def checked(scores: Sequence[float]) -> Scores:
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError("statistics need at least one score")
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError("scores must lie between 0 and 1")
    return array


def checked_pair(better: Sequence[float], worse: Sequence[float]) -> tuple[Scores, Scores]:
    first, second = checked(better), checked(worse)
    if len(first) != len(second):
        raise ValueError(f"a paired comparison needs the same items: {len(first)} scores against {len(second)}")
    return first, second
