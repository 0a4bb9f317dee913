"""How often each published 95 % interval holds the truth, in simulated evaluations whose truth is known.

Right or wrong is a latent number under a threshold. The number is a sum of independent normal parts (item, group,
training seed, chance), so the expected score is exact whatever the parts' shares are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from luthier.evaluation.statistics.judge import JudgeQuality, corrected_bounds, corrected_difference
from luthier.evaluation.statistics.mean import mean_bounds
from luthier.evaluation.statistics.paired import paired_bounds
from luthier.evaluation.statistics.scores import group_items
from luthier.evaluation.statistics.seeds import seeds_bounds, seeds_difference_bounds
from luthier.evaluation.statistics.sequential import running_log_evidence

Floats = NDArray[np.float64]
Bounds = tuple[Floats, Floats]

ITEM_SHARE = 0.5
MOST_VALUES = 4_000_000


@dataclass(frozen=True)
class Design:
    """One kind of evaluation. ``levels`` is the number of right-or-wrong parts that a graded score is the mean of."""

    kind: str
    items: int
    right: float
    difference: float | None = None
    levels: int = 1
    groups: int = 0
    group_share: float = 0.0
    seeds: int = 1
    seed_share: float = 0.0
    judge: tuple[float, float, int] | None = None


@dataclass(frozen=True)
class Found:
    """``changes`` is how many lone right-or-wrong items' worth of failures, or of changes, there were on average."""

    design: Design
    coverage: float
    width: float
    changes: float
    repetitions: int


def one_arm_designs() -> Iterator[Design]:
    shares = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
    for items, right in itertools.product((20, 50, 100, 200, 500, 1000), shares):
        yield Design("share right", items, right)
    for items, right in itertools.product((20, 50, 200, 1000), shares):
        yield Design("graded", items, right, levels=4)
    for items, right, levels in itertools.product((50, 200, 1000), (0.5, 0.8, 0.95), (3, 8)):
        yield Design("several samples", items, right, levels=levels)
    for (groups, size), share, right in itertools.product(
        ((20, 5), (50, 4), (50, 20), (100, 10)), (0.0, 0.1, 0.3), (0.5, 0.8, 0.9, 0.95, 0.99)
    ):
        yield Design("grouped", groups * size, right, groups=groups, group_share=share)
    for seeds, items, share, right in itertools.product((3, 5), (100, 500), (0.0, 0.01, 0.05), (0.5, 0.8, 0.9)):
        yield Design("several seeds", items, right, seeds=seeds, seed_share=share)
    for items, right, quality, labelled in itertools.product(
        (100, 500, 1000), (0.5, 0.8, 0.95), ((0.95, 0.9), (0.85, 0.8)), (100, 400)
    ):
        yield Design("noisy judge", items, right, judge=(*quality, labelled))


def paired_designs() -> Iterator[Design]:
    shares = (0.5, 0.8, 0.9, 0.95, 0.99)
    for items, right, difference in itertools.product((20, 50, 100, 200, 500, 1000), shares, (0.0, 0.05, 0.15)):
        yield Design("paired", items, right, difference)
    for items, right, difference in itertools.product((20, 50, 200, 1000), shares, (0.0, 0.15)):
        yield Design("paired, graded", items, right, difference, levels=4)
    for items, right, difference in itertools.product((50, 200, 1000), (0.5, 0.8, 0.95), (0.0, 0.1)):
        yield Design("paired, several samples", items, right, difference, levels=5)
    for (groups, size), share, right, difference in itertools.product(
        ((20, 5), (50, 4), (50, 20), (100, 10)), (0.0, 0.1, 0.3), (0.5, 0.8, 0.95), (0.0, 0.1)
    ):
        yield Design("paired, grouped", groups * size, right, difference, groups=groups, group_share=share)
    for seeds, items, share, difference in itertools.product((3, 5), (100, 500), (0.0, 0.01, 0.05), (0.0, 0.1)):
        yield Design("paired, several seeds", items, 0.8, difference, seeds=seeds, seed_share=share)
    for items, right, difference, quality in itertools.product(
        (200, 1000), (0.6, 0.9), (0.0, 0.1), ((0.95, 0.9), (0.85, 0.8))
    ):
        yield Design("paired, noisy judge", items, right, difference, judge=(*quality, 200))
    for items, right, difference in itertools.product((100, 1000), (0.5, 0.9), (0.0, 0.1)):
        yield Design("at all times (sequential)", items, right, difference)


def simulate(design: Design, repetitions: int, seed: int) -> Found:
    """Evaluations in bites that fit into memory."""
    generator = np.random.default_rng(seed)
    bite = max(1, min(repetitions, MOST_VALUES // (design.items * design.levels * design.seeds)))
    measure = _measure_pairs if design.difference is not None else _measure_arm
    parts: list[tuple[Floats, Floats, Floats]] = []
    for start in range(0, repetitions, bite):
        parts.append(measure(design, min(bite, repetitions - start), generator))
    covered, width, changes = (float(np.concatenate(column).mean()) for column in zip(*parts, strict=True))
    return Found(design, covered, width, changes, repetitions)


def draw_scores(
    design: Design, rights: tuple[float, ...], repetitions: int, generator: np.random.Generator
) -> list[Floats]:
    """Scores (R, S, N) of arms that find the same items hard; the second arm, as a base, has one seed."""
    group_shape, codes = _groups(design)
    normal = generator.standard_normal
    noise_share = 1 - ITEM_SHARE - design.group_share - design.seed_share
    item = np.sqrt(ITEM_SHARE) * normal((repetitions, 1, design.items, 1))
    arms = []
    for index, right in enumerate(rights):
        seeds = design.seeds if index == 0 else 1
        latent = item + np.sqrt(noise_share) * normal((repetitions, seeds, design.items, design.levels))
        group = normal((repetitions, 1, group_shape, 1))[:, :, codes] if design.groups else normal(item.shape)
        latent = latent + np.sqrt(design.group_share) * group
        # A base is one model, not one of many: no seed moves it, and the freed share is chance.
        shape = (repetitions, seeds, 1, 1) if index == 0 else (repetitions, 1, design.items, design.levels)
        latent = latent + np.sqrt(design.seed_share) * normal(shape)
        arms.append((latent < NormalDist().inv_cdf(right)).mean(axis=3))
    return arms


def _measure_arm(design: Design, repetitions: int, generator: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    (scores_RSN,) = draw_scores(design, (design.right,), repetitions, generator)
    grouping = group_items(_groups(design)[1].tolist() if design.groups else None, design.items)
    if design.judge:
        low, high = _judged_bounds(design, scores_RSN[:, 0], generator)
    elif design.seeds > 1:
        low, high = seeds_bounds(scores_RSN)
    else:
        low, high = mean_bounds(scores_RSN[:, 0], grouping)
    failures = (1 - scores_RSN).mean(axis=1).sum(axis=1) / _effect(scores_RSN.mean(axis=1), design)
    return _told(low, high, design.right, failures)


def _measure_pairs(design: Design, repetitions: int, generator: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    truth = design.difference or 0.0
    better_RSN, worse_RSN = draw_scores(design, (design.right, design.right - truth), repetitions, generator)
    gaps_RSN = better_RSN - worse_RSN
    changes = np.abs(gaps_RSN).mean(axis=1).sum(axis=1) / _effect(gaps_RSN.mean(axis=1), design)
    if design.kind.startswith("at all times"):
        held = (running_log_evidence(gaps_RSN[:, 0], truth) < np.log(20)).all(axis=1)
        return held.astype(float), np.full(repetitions, np.nan), changes
    grouping = group_items(_groups(design)[1].tolist() if design.groups else None, design.items)
    if design.judge:
        low, high = _judged_differences(design, better_RSN[:, 0], worse_RSN[:, 0], generator)
    elif design.seeds > 1:
        low, high = seeds_difference_bounds(gaps_RSN)
    else:
        low, high = paired_bounds(gaps_RSN[:, 0], grouping)
    return _told(low, high, truth, changes)


def _told(low: Floats, high: Floats, truth: float, changes: Floats) -> tuple[Floats, Floats, Floats]:
    covered = (low <= truth + 1e-9) & (truth - 1e-9 <= high)
    return covered.astype(float), high - low, changes


def _groups(design: Design) -> tuple[int, NDArray[np.intp]]:
    """Groups of unequal size: the first half is three times as large as the second."""
    if not design.groups:
        return 0, np.arange(design.items)
    weights = np.where(np.arange(design.groups) < design.groups // 2, 3.0, 1.0)
    ends = np.round(np.cumsum(weights) / weights.sum() * design.items)
    return design.groups, np.searchsorted(ends, np.arange(design.items), side="right")


def _effect(values_RN: Floats, design: Design) -> float:
    """The true design effect, near enough: variance of the mean over repetitions against that of lone items."""
    mean, coarse = values_RN.mean(), np.abs(values_RN).mean()
    return max(1e-9, float(values_RN.mean(axis=1).var()) * design.items / max(1e-12, float(coarse - mean**2)))


def _judged(scores: Floats, sensitivity: float, specificity: float, generator: np.random.Generator) -> Floats:
    return (generator.random(scores.shape) < np.where(scores > 0.5, sensitivity, 1 - specificity)).astype(float)


def _qualities(design: Design, repetitions: int, generator: np.random.Generator) -> list[JudgeQuality]:
    assert design.judge
    sensitivity, specificity, labelled = design.judge
    half = labelled // 2
    passed, failed = (
        generator.binomial(half, sensitivity, repetitions),
        generator.binomial(half, specificity, repetitions),
    )
    return [JudgeQuality(int(a), half, int(b), half) for a, b in zip(passed, failed, strict=True)]


def _judged_bounds(design: Design, scores_RN: Floats, generator: np.random.Generator) -> Bounds:
    assert design.judge
    passed_R = _judged(scores_RN, *design.judge[:2], generator).mean(axis=1)
    qualities = _qualities(design, len(passed_R), generator)
    found = [corrected_bounds(p, design.items, quality) for p, quality in zip(passed_R, qualities, strict=True)]
    return np.array([low for low, _ in found]), np.array([high for _, high in found])


def _judged_differences(design: Design, better_RN: Floats, worse_RN: Floats, generator: np.random.Generator) -> Bounds:
    assert design.judge
    gaps_RN = _judged(better_RN, *design.judge[:2], generator) - _judged(worse_RN, *design.judge[:2], generator)
    lows, highs = paired_bounds(gaps_RN, None)
    qualities = _qualities(design, len(gaps_RN), generator)
    found = [
        corrected_difference(float(gap), float(low), float(high), quality)
        for gap, low, high, quality in zip(gaps_RN.mean(axis=1), lows, highs, qualities, strict=True)
    ]
    return np.array([low for _, low, _ in found]), np.array([high for _, _, high in found])


Simulate = Callable[[Design, int, int], Found]
