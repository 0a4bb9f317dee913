"""The paired bootstrap: a second opinion that assumes no formula, and covers less near 100 % (docs/statistics.md)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.evaluation.statistics.scores import Groups, checked_pair, group_items

DRAWS_PER_CHUNK = 200


def paired_bootstrap(
    better_scores: Sequence[float],
    worse_scores: Sequence[float],
    confidence: float = 0.95,
    seed: int = 0,
    groups: Groups | None = None,
    draws: int = 2_000,
) -> tuple[float, float]:
    """Percentiles of the difference over redrawn items; with groups, whole groups are redrawn (Efron 1979)."""
    better, worse = checked_pair(better_scores, worse_scores)
    grouping = group_items(groups, len(better))
    sums = better - worse if grouping is None else grouping.sums(better - worse)
    sizes = np.ones_like(sums) if grouping is None else grouping.sums(np.ones_like(better))
    generator = np.random.default_rng(seed)
    means: list[np.ndarray] = []
    for start in range(0, draws, DRAWS_PER_CHUNK):
        drawn_DG = generator.integers(0, len(sums), size=(min(DRAWS_PER_CHUNK, draws - start), len(sums)))
        means.append(sums[drawn_DG].sum(axis=1) / sizes[drawn_DG].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)
