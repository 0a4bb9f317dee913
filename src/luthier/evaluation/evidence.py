"""What a verdict owes to its items: what they could have shown at all, and what their groups and samples cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from luthier.evaluation.compare import CONFIDENCE, ArmComparison, ArmResult
from luthier.evaluation.statistics import design_effect, detectable_difference, sample_spread

POWER = 0.8
FEWEST_GROUPS = 20
MANY_SAMPLES_SHARE = 0.8


def evidence_reasons(arms: Sequence[ArmResult], comparison: ArmComparison, comparisons: int) -> list[str]:
    """Sentences for people, most telling first."""
    by_name = {arm.name: arm for arm in arms}
    better, worse = by_name[comparison.better], by_name[comparison.worse]
    gaps = [a - b for a, b in zip(better.scores[comparison.metric], worse.scores[comparison.metric], strict=True)]
    groups = better.groups or worse.groups
    effect = design_effect(gaps, groups)
    reasons = [] if comparison.is_decided else _reach(gaps, effect, better, comparison, comparisons)
    return reasons + _grouped(groups, effect, comparison.n) + _sampled(better, comparison.metric)


def _reach(
    gaps: Sequence[float], effect: float, better: ArmResult, comparison: ArmComparison, comparisons: int
) -> list[str]:
    changed = sum(abs(gap) for gap in gaps) / len(gaps)
    worth = max(1, math.floor(len(gaps) / effect))
    lower_share = better.interval(comparison.metric).mean - comparison.difference
    confidence = 1 - (1 - CONFIDENCE) / comparisons
    found = detectable_difference(worth, lower_share, POWER, confidence, discordance=max(changed, 1 / len(gaps)))
    items = f"{len(gaps):,} items on which the arms change this often"
    if found is None:
        return [f"{items} can detect no difference with {100 * POWER:.0f} % power."]
    return [f"{items} can detect a difference of {100 * found:.1f} points with {100 * POWER:.0f} % power."]


def _grouped(groups: Sequence[str], effect: float, items: int) -> list[str]:
    count = len(set(groups))
    if count in (0, items):
        return []
    reasons = [
        f"The {items:,} items come from {count:,} groups and are worth {max(1, round(items / effect)):,} lone ones."
    ]
    if count < FEWEST_GROUPS:
        reasons.append(f"Only {count} groups: near 100 % such intervals may hold less often than they say.")
    return reasons


def _sampled(arm: ArmResult, metric: str) -> list[str]:
    if metric not in arm.samples or len(arm.samples[metric]) < 2:
        return []
    spread = sample_spread(arm.samples[metric])
    if spread.samples <= 1:
        return []
    advice = "more items help, more answers hardly" if spread.share_between > MANY_SAMPLES_SHARE else "both would help"
    return [
        f"Each item was answered {spread.samples:.1f} times; {100 * spread.share_between:.0f} % of the doubt lies "
        f"between items: {advice}."
    ]
