"""Did tuning help? One decision, one sentence for whoever has to act on it, and the reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from luthier.evaluation.classical import ClassicalBaseline
from luthier.evaluation.compare import CONFIDENCE, TUNED, ArmComparison, ArmResult, compare_pair, compare_with_tuned

Decision = Literal["tuned better", "no evidence", "tuned worse"]

FEWEST_ITEMS = 30
TELLING_CUT_OFF_SHARE = 0.02


@dataclass(frozen=True)
class Verdict:
    """``comparison`` is tuned against the best untuned arm, on which the decision rests; None if one is missing."""

    decision: Decision
    sentence: str
    reasons: tuple[str, ...]
    primary_metric: str
    items: int
    best_untuned: str | None = None
    comparison: ArmComparison | None = None
    comparisons: tuple[ArmComparison, ...] = ()
    classical_comparison: ArmComparison | None = None
    classical_sentence: str | None = None


def decide(
    arms: Sequence[ArmResult], primary_metric: str, classical: ClassicalBaseline | None = None, seed: int = 0
) -> Verdict:
    """Judge the tuned arm against the best untuned one; only a decided comparison says better or worse."""
    items = len(arms[0].answers)
    tuned = next((arm for arm in arms if arm.name == TUNED), None)
    untuned = [arm for arm in arms if arm.name != TUNED]
    if tuned is None or not untuned:
        missing = "the tuned arm" if tuned is None else "an untuned arm"
        sentence = f"No verdict: {missing} was not evaluated, so there is nothing to compare."
        return Verdict("no evidence", sentence, (), primary_metric, items)
    best = max(untuned, key=lambda arm: arm.interval(primary_metric).mean)
    comparisons = compare_with_tuned(arms, primary_metric, seed=seed)
    against_best = comparisons[untuned.index(best)]
    decision: Decision = "no evidence"
    if against_best.is_decided:
        decision = "tuned better" if against_best.better == TUNED else "tuned worse"
    classical_comparison = compare_pair(tuned, classical.arm, primary_metric, seed=seed) if classical else None
    beside = classical_sentence(classical_comparison, classical) if classical_comparison and classical else None
    reasons = [_in_a_line(comparison) for comparison in comparisons]
    reasons += [beside] if beside else []
    reasons += [*_disagreement(against_best), *_few_items(items), *_cut_off(arms), *_together(len(comparisons))]
    return Verdict(
        decision=decision,
        sentence=_sentence(decision, against_best, best.name, len(untuned)),
        reasons=tuple(reasons),
        primary_metric=primary_metric,
        items=items,
        best_untuned=best.name,
        comparison=against_best,
        comparisons=comparisons,
        classical_comparison=classical_comparison,
        classical_sentence=beside,
    )


def classical_sentence(comparison: ArmComparison, baseline: ClassicalBaseline) -> str:
    """What a product manager should hear about the classifier, most of all when it is as good."""
    seconds = max(1, round(baseline.training_seconds))
    classifier = f"A TF-IDF classifier that trains in {seconds} {'second' if seconds == 1 else 'seconds'}"
    reached = f"{100 * baseline.arm.interval(comparison.metric).mean:.1f} % {_words(comparison.metric)}"
    evidence = f"difference {_points(comparison.difference)} points, {_range(comparison)}"
    if comparison.better == TUNED and comparison.is_decided:
        return f"{classifier} does less well: {reached}, behind tuned ({evidence})."
    if comparison.better == TUNED and comparison.difference > 0:
        return f"{classifier} does as well, as far as {_items(comparison.n)} can tell: {reached} ({evidence})."
    if comparison.is_decided:
        return f"{classifier} does better: {reached} ({evidence}). Consider using it instead."
    return f"{classifier} does as well: {reached} ({evidence}). Consider using it instead."


def _sentence(decision: Decision, against_best: ArmComparison, best: str, untuned: int) -> str:
    opponent = f"{best}, the best untuned arm," if untuned > 1 else best
    margin = f"{_points(against_best.difference)} points of {_words(against_best.metric)} ({_range(against_best)})"
    items = _items(against_best.n)
    match decision:
        case "tuned better":
            return f"Tuned is better than {opponent} by {margin} on {items}."
        case "tuned worse":
            return f"Tuned is worse than {opponent} by {margin} on {items}."
        case "no evidence":
            if against_best.difference < 1e-12:
                return f"No evidence that tuning helps or harms: tuned and {opponent} score the same on {items}."
            direction = "better" if against_best.better == TUNED else "worse"
            claim = f"No evidence that tuned is {direction} than {opponent.rstrip(',')}"
            return f"{claim}: a difference of {margin} on {items}; {_still_needed(against_best)}."


def _still_needed(comparison: ArmComparison) -> str:
    more = comparison.more_items_needed
    return f"about {_rounded_up(more or 1):,} more items would settle a difference of this size"


def _rounded_up(count: int) -> int:
    """Two leading digits: the figure rests on a rough variance."""
    unit = 10 ** max(0, int(math.log10(count)) - 1)
    return math.ceil(count / unit) * unit


def _in_a_line(comparison: ArmComparison) -> str:
    counts = f"better on {comparison.better_wins}, worse on {comparison.worse_wins} of {_items(comparison.n)}"
    against = f"{comparison.better} against {comparison.worse}".capitalize()
    margin = f"{_points(comparison.difference)} points of {_words(comparison.metric)} ({_range(comparison)})"
    return f"{against}: {margin}; {counts}; adjusted p {_p_value(comparison.adjusted_p)}."


def _disagreement(comparison: ArmComparison) -> list[str]:
    if (comparison.low > 0) == (comparison.adjusted_p <= 1 - CONFIDENCE):
        return []
    return ["The interval and the test disagree on whether the difference is zero, so it counts as undecided."]


def _few_items(items: int) -> list[str]:
    return [f"Only {_items(items)}: intervals are wide, and few subjects are covered."] if items < FEWEST_ITEMS else []


def _cut_off(arms: Sequence[ArmResult]) -> list[str]:
    reasons = []
    for arm in arms:
        count = sum(answer.finish_reason == "length" for answer in arm.answers)
        if count > TELLING_CUT_OFF_SHARE * len(arm.answers):
            reasons.append(f"{count} of {len(arm.answers)} answers of {arm.name} were cut off at the token limit.")
    return reasons


def _together(comparisons: int) -> list[str]:
    return [f"The {comparisons} intervals hold together at 95 %; p is adjusted by Holm."] if comparisons > 1 else []


def _range(comparison: ArmComparison) -> str:
    return f"95 % interval {_points(comparison.low)} to {_points(comparison.high)}"


def _points(share: float) -> str:
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text


def _p_value(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"= {p:.3f}"


def _items(count: int) -> str:
    return f"{count:,} {'item' if count == 1 else 'items'}"


def _words(metric: str) -> str:
    return metric.replace("_", " ")
