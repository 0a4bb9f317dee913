"""Stop early, honestly: evidence that may be looked at after every item without losing its promise.

A player bets against "the mean difference is m" with wealth 1. If that is true, the wealth is a supermartingale and
reaches 20 with a chance of 5 % at most, whenever one looks (Ville 1939). So reaching 20 is evidence at the 5 % level,
and the means against which nobody got rich are an interval that holds at all times together: a confidence sequence
(Waudby-Smith and Ramdas 2023, betting). The bets are a fixed mixture, so the order of the items does not change the
wealth; but it decides when one stops, so items must come in random order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from luthier.evaluation.statistics.scores import Scores

Floats = NDArray[np.float64]

# Shares of the largest bet that cannot ruin. The best one is near difference / discordance, so small ones matter too.
BETS_B = np.geomspace(0.02, 0.98, 14)
STEPS = 400
Direction = Literal["better", "worse"]


@dataclass(frozen=True, eq=False)
class EProcess:
    """Evidence so far about paired differences between -1 and 1; `after` gives the next state.

    All that it says depends on the differences seen, not on their order; only the moment of stopping does.
    ``wealth_up_BM`` and ``wealth_down_BM`` are logarithms: one row per bet, one column per candidate mean.
    """

    confidence: float = 0.95
    items: int = 0
    total: float = 0.0
    wealth_up_BM: Floats = field(default_factory=lambda: np.zeros((len(BETS_B), 2 * STEPS - 1)), repr=False)
    wealth_down_BM: Floats = field(default_factory=lambda: np.zeros((len(BETS_B), 2 * STEPS - 1)), repr=False)

    def after(self, differences: Sequence[float] | Scores) -> EProcess:
        """Further items' differences, better minus worse, each between -1 and 1."""
        seen = np.asarray(differences, dtype=np.float64)
        if not ((seen >= -1) & (seen <= 1)).all():
            raise ValueError("differences must lie between -1 and 1")
        means_M, bets_B1 = _grid(), BETS_B[:, None]
        up_BM, down_BM = self.wealth_up_BM, self.wealth_down_BM
        for gap, count in zip(*np.unique(seen, return_counts=True), strict=True):
            up_BM = up_BM + count * np.log1p(bets_B1 * ((gap - means_M) / (1 + means_M)))
            down_BM = down_BM + count * np.log1p(bets_B1 * ((means_M - gap) / (1 - means_M)))
        items, total = self.items + len(seen), self.total + float(seen.sum())
        return replace(self, items=items, total=total, wealth_up_BM=up_BM, wealth_down_BM=down_BM)

    @property
    def difference(self) -> float:
        return self.total / self.items if self.items else 0.0

    @property
    def p(self) -> float:
        """Valid whenever one stops; may go into Holm's adjustment like any other."""
        return float(np.exp(min(0.0, -self._evidence_M()[STEPS - 1])))

    @property
    def interval(self) -> tuple[float, float]:
        """Holds at all times together. An end of exactly 0 means that 0 is excluded and its neighbour is not."""
        return _kept_ends(_grid(), self._evidence_M() < -np.log(1 - self.confidence))

    @property
    def decision(self) -> Direction | None:
        low, high = self.interval
        if low >= 0:
            return "better"
        return "worse" if high <= 0 else None

    @property
    def is_decided(self) -> bool:
        return self.decision is not None

    def _evidence_M(self) -> Floats:
        """Log of the mean wealth over all bets and both directions, without overflow."""
        both = np.concatenate((self.wealth_up_BM, self.wealth_down_BM))
        highest_M = both.max(axis=0)
        return highest_M + np.log(np.exp(both - highest_M).mean(axis=0))


def decided_after(differences: Sequence[float] | Scores, confidence: float = 0.95) -> int | None:
    """After how many of these items, in this order, it was decided; None if it never was."""
    evidence = running_log_evidence(np.asarray(differences, dtype=np.float64)[None])[0]
    reached = np.flatnonzero(evidence >= -np.log(1 - confidence))
    return int(reached[0]) + 1 if len(reached) else None


def running_log_evidence(differences_RN: Scores, mean: float = 0.0) -> Floats:
    """Logarithm of the wealth after each item, for R repetitions at once, against one candidate mean."""
    up_RN, down_RN = (np.full(differences_RN.shape, -np.inf) for _ in range(2))
    for bet in BETS_B:
        gap_RN = differences_RN - mean
        up_RN = np.logaddexp(up_RN, np.cumsum(np.log1p(bet * gap_RN / (1 + mean)), axis=-1))
        down_RN = np.logaddexp(down_RN, np.cumsum(np.log1p(-bet * gap_RN / (1 - mean)), axis=-1))
    return np.logaddexp(up_RN, down_RN) - np.log(2 * len(BETS_B))


def in_random_order(items: int, seed: int) -> tuple[int, ...]:
    """The order in which an evaluation that may stop early should ask its items."""
    return tuple(int(index) for index in np.random.default_rng(seed).permutation(items))


def observe(differences: Sequence[float] | Scores, confidence: float = 0.95) -> EProcess:
    """The state after these differences."""
    return EProcess(confidence).after(differences)


def _grid() -> Floats:
    """Candidate means strictly between -1 and 1; zero is one of them, in the middle."""
    return np.arange(-STEPS + 1, STEPS) / STEPS


def _kept_ends(means_M: Floats, is_kept_M: NDArray[np.bool_]) -> tuple[float, float]:
    """The excluded points next to the kept ones, so that rounding to the grid never narrows the interval."""
    kept = np.flatnonzero(is_kept_M)
    if len(kept) == 0:
        return -1.0, 1.0
    left = float(means_M[kept[0] - 1]) if kept[0] > 0 else -1.0
    right = float(means_M[kept[-1] + 1]) if kept[-1] + 1 < len(means_M) else 1.0
    return left, right
