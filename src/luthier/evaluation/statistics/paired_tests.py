"""Tests of "no difference" on the same items that hold whatever the scores look like."""

from __future__ import annotations

import math

import numpy as np

from luthier.evaluation.statistics.scores import Scores

EXACT_FLIPS = 13
RANDOM_FLIPS = 9_999
FLIPS_PER_CHUNK = 500


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

    All reversals are counted when there are few, else 9,999 drawn ones and the observed one. With groups, give the
    sums over each group: its items are reversed together.
    """
    moved = differences[np.abs(differences) > 1e-12]
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
