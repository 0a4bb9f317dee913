"""How often decisions are false, whether planned power is the power that is had, and verdicts on known truth."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from luthier.evaluation.answers import Answer
from luthier.evaluation.compare import TUNED, ArmResult, compare_with_tuned
from luthier.evaluation.statistics.multiplicity import holm
from luthier.evaluation.statistics.paired import score_bounds
from luthier.evaluation.statistics.paired_tests import exact_mcnemar
from luthier.evaluation.statistics.power import closed_form_power, paired_power
from luthier.evaluation.statistics.sequential import running_log_evidence
from luthier.evaluation.verdict import decide

Floats = NDArray[np.float64]

BASE_RIGHT = 0.7
SHARED = 0.75
EXPERIMENTS = 200
ITEMS = 400
MOST_ITEMS = 6_000
METRIC = "exact_match"


@dataclass(frozen=True)
class FalseAlarms:
    """``alarms``: share of experiments without any difference in which at least one comparison was called decided."""

    test: str
    arms: int
    items: int
    alarms: float
    joint_coverage: float | None
    repetitions: int


@dataclass(frozen=True)
class PowerPoint:
    items: int
    difference: float
    discordance: float
    simulated: float
    planned: float
    closed_form: float
    repetitions: int


@dataclass(frozen=True)
class Experiment:
    """``fixed``, ``sequential``: the verdict ("right", "wrong", "cannot tell"); ``asked``: items until decided."""

    effect: float
    planned_power: float
    fixed: str
    sequential: str
    asked: int


def false_alarms(repetitions: int, seed: int, arm_counts: tuple[int, ...] = (1, 3, 6)) -> Iterator[FalseAlarms]:
    """Arms that are all equally good, so that every decision is a false one."""
    for arms, items in itertools.product(arm_counts, (100, 400)):
        generator = np.random.default_rng((seed, arms, items))
        yield _fixed_alarms(arms, items, repetitions, generator)
    for arms, items in itertools.product(arm_counts, (400, 1000)):
        generator = np.random.default_rng((seed, arms, items, 1))
        reached_R = np.zeros(repetitions, dtype=bool)
        for start in range(0, repetitions, 200):
            count = min(200, repetitions - start)
            scores = draw_arms([BASE_RIGHT] * (arms + 1), items, count, generator)
            evidence = np.stack([running_log_evidence(scores[0] - other).max(axis=1) for other in scores[1:]])
            # Looked at after every item: Holm's first step is reached at some moment, by some arm.
            reached_R[start : start + count] = evidence.max(axis=0) >= np.log(arms / 0.05)
        yield FalseAlarms(
            "e-process, looked at after every item", arms, items, float(reached_R.mean()), None, repetitions
        )


def _fixed_alarms(arms: int, items: int, repetitions: int, generator: np.random.Generator) -> FalseAlarms:
    scores = draw_arms([BASE_RIGHT] * (arms + 1), items, repetitions, generator)
    gaps_ARN = np.stack([scores[0] - other for other in scores[1:]])
    won_AR, lost_AR = (gaps_ARN > 0).sum(axis=2), (gaps_ARN < 0).sum(axis=2)
    p_AR = np.array(
        [[_mcnemar(int(w), int(c)) for w, c in zip(*row, strict=True)] for row in zip(won_AR, lost_AR, strict=True)]
    )
    alarms = [min(holm(p_A.tolist())) <= 0.05 for p_A in p_AR.T]
    low_AR, high_AR = score_bounds(won_AR, lost_AR, items, 1 - 0.05 / arms)
    joint = ((low_AR <= 1e-9) & (high_AR >= -1e-9)).all(axis=0)
    return FalseAlarms("exact McNemar, Holm", arms, items, float(np.mean(alarms)), float(joint.mean()), repetitions)


def mixed_truth(repetitions: int, seed: int) -> FalseAlarms:
    """Through the product's own comparison: three arms truly 15 points worse, one just as good as tuned."""
    generator = np.random.default_rng(seed)
    wrong, held, truths = 0, 0, (0.15, 0.15, 0.15, 0.0)
    scores = draw_arms([0.8, 0.65, 0.65, 0.65, 0.8], 200, repetitions, generator)
    for index in range(repetitions):
        names = (TUNED, "a", "b", "c", "equal")
        arms = [_arm(name, arm[index]) for name, arm in zip(names, scores, strict=True)]
        found = compare_with_tuned(arms, METRIC)
        wrong += found[-1].is_decided
        signed = [(c.low, c.high) if c.better == TUNED else (-c.high, -c.low) for c in found]
        held += all(low <= t + 1e-9 and t - 1e-9 <= high for (low, high), t in zip(signed, truths, strict=True))
    return FalseAlarms(
        "the product's comparison: 3 arms worse, 1 equal", 4, 200, wrong / repetitions, held / repetitions, repetitions
    )


def power_curve(
    repetitions: int, seed: int, item_counts: tuple[int, ...] = (50, 100, 200, 500, 1000)
) -> Iterator[PowerPoint]:
    generator = np.random.default_rng(seed)
    for items, discordance, difference in itertools.product(
        item_counts, (0.1, 0.2, 0.4), (0.02, 0.04, 0.06, 0.08, 0.1, 0.15)
    ):
        if difference > discordance:
            continue
        shares = ((discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance)
        won_R, lost_R, _ = generator.multinomial(items, shares, repetitions).T
        low_R, _ = score_bounds(won_R, lost_R, items)
        p_R = np.array([_mcnemar(int(w), int(c)) for w, c in zip(won_R, lost_R, strict=True)])
        simulated = float(((p_R <= 0.05) & (low_R >= 0)).mean())
        planned = paired_power(items, difference, discordance)
        closed = closed_form_power(items, difference, discordance)
        yield PowerPoint(items, difference, discordance, simulated, planned, closed, repetitions)


def known_truth(seed: int, count: int = EXPERIMENTS) -> Iterator[Experiment]:
    """A weak base, a good prompt and a tuned model that is -10 to +10 points from the prompt."""
    generator = np.random.default_rng(seed)
    effects = [effect for effect in np.linspace(-0.1, 0.1, count + 1) if abs(effect) > 1e-9]
    for effect in effects:
        rights = [BASE_RIGHT + effect, BASE_RIGHT - 0.3, BASE_RIGHT]
        scores = [arm[0] for arm in draw_arms(rights, MOST_ITEMS, 1, generator)]
        arms = [_arm(name, arm[:ITEMS]) for name, arm in zip((TUNED, "base", "prompt"), scores, strict=True)]
        said = decide(arms, METRIC).decision
        asked, sign = _until_decided([scores[0] - other for other in scores[1:]])
        power = paired_power(ITEMS, effect, true_discordance(rights[0], rights[2]), 1 - 0.05 / 2)
        fixed = {"tuned better": 1, "tuned worse": -1, "no evidence": 0}[said]
        yield Experiment(float(effect), power, _judged(fixed, effect), _judged(sign, effect), asked)


def draw_arms(
    rights: list[float], items: int, repetitions: int, generator: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Right-or-wrong scores (R, N) of arms that find the same items hard."""
    item = np.sqrt(SHARED) * generator.standard_normal((repetitions, items))
    noise = np.sqrt(1 - SHARED)
    return [
        (item + noise * generator.standard_normal(item.shape) < NormalDist().inv_cdf(right)).astype(float)
        for right in rights
    ]


@cache
def true_discordance(first: float, second: float) -> float:
    """How often two arms of `draw_arms` differ: the two-dimensional normal integral, by the midpoint rule."""
    normal = NormalDist()
    places = [normal.inv_cdf((step + 0.5) / 1_000) for step in range(1_000)]

    def right_given(place: float, right: float) -> float:
        return normal.cdf((normal.inv_cdf(right) - SHARED**0.5 * place) / (1 - SHARED) ** 0.5)

    pairs = [(right_given(place, first), right_given(place, second)) for place in places]
    return float(np.mean([a * (1 - b) + b * (1 - a) for a, b in pairs]))


def _until_decided(gaps: list[Floats]) -> tuple[int, int]:
    """Ask on until the comparison with the last arm is decided, at the strictness of Holm's first step."""
    evidence = running_log_evidence(gaps[-1][None])[0]
    reached = np.flatnonzero(evidence >= np.log(len(gaps) / 0.05))
    if len(reached) == 0:
        return len(gaps[-1]), 0
    asked = int(reached[0]) + 1
    return asked, int(np.sign(gaps[-1][:asked].sum()))


def _judged(said: int, effect: float) -> str:
    if said == 0:
        return "cannot tell"
    return "right" if said == np.sign(effect) else "wrong"


def _arm(name: str, scores: Floats) -> ArmResult:
    return ArmResult(name, (Answer(""),) * len(scores), {METRIC: tuple(scores.tolist())})


@cache
def _mcnemar(wins: int, losses: int) -> float:
    return exact_mcnemar(wins, losses)
