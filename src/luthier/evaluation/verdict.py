"""Did tuning help? One decision, one sentence for whoever has to act on it, and the reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from luthier.evaluation.classical import ClassicalBaseline
from luthier.evaluation.compare import CONFIDENCE, TUNED, ArmComparison, ArmResult, compare_pair, compare_with_tuned
from luthier.evaluation.evidence import evidence_reasons

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
    arms: Sequence[ArmResult],
    primary_metric: str,
    classical: ClassicalBaseline | None = None,
    seed: int = 0,
    *,
    also_deciding: Sequence[str] = (),
    stopped_early: bool = False,
) -> Verdict:
    """Judge the tuned arm against the best untuned one; only a decided comparison says better or worse.

    With ``also_deciding``, every metric is judged, together with all others (Holm): better or worse on one of them is
    enough, better on one and worse on another is no evidence. ``stopped_early``: see `compare_with_tuned`.
    """
    items = len(arms[0].answers)
    tuned = next((arm for arm in arms if arm.name == TUNED), None)
    untuned = [arm for arm in arms if arm.name != TUNED]
    if tuned is None or not untuned:
        missing = "the tuned arm" if tuned is None else "an untuned arm"
        sentence = f"No verdict: {missing} was not evaluated, so there is nothing to compare."
        return Verdict("no evidence", sentence, (), primary_metric, items)
    metrics = [primary_metric, *(metric for metric in also_deciding if metric != primary_metric)]
    comparisons = compare_with_tuned(arms, metrics, seed, stopped_early=stopped_early)
    against_best = [_against_best(comparisons, untuned, metric) for metric in metrics]
    decision, deciding = _combined(against_best)
    best = deciding.worse if deciding.better == TUNED else deciding.better
    classical_comparison = compare_pair(tuned, classical.arm, primary_metric, seed=seed) if classical else None
    beside = classical_sentence(classical_comparison, classical) if classical_comparison and classical else None
    reasons = [_in_a_line(comparison) for comparison in comparisons]
    reasons += [beside] if beside else []
    reasons += [*_opposed(against_best), *_disagreement(deciding), *evidence_reasons(arms, deciding, len(comparisons))]
    reasons += [*_few_items(items), *_cut_off(arms), *_together(len(comparisons)), *_early(stopped_early)]
    return Verdict(
        decision=decision,
        sentence=_sentence(decision, deciding, best, len(untuned)),
        reasons=tuple(reasons),
        primary_metric=primary_metric,
        items=items,
        best_untuned=best,
        comparison=deciding,
        comparisons=comparisons,
        classical_comparison=classical_comparison,
        classical_sentence=beside,
    )


def _against_best(comparisons: Sequence[ArmComparison], untuned: Sequence[ArmResult], metric: str) -> ArmComparison:
    best = max(untuned, key=lambda arm: arm.interval(metric).mean).name
    return next(pair for pair in comparisons if pair.metric == metric and best in (pair.better, pair.worse))


def _combined(against_best: Sequence[ArmComparison]) -> tuple[Decision, ArmComparison]:
    """The decision over all deciding metrics, and the comparison it rests on: the first decided one, or the primary."""
    decided = [comparison for comparison in against_best if comparison.is_decided]
    for_tuned = {comparison.better == TUNED for comparison in decided}
    if len(for_tuned) != 1:
        return "no evidence", against_best[0]
    return "tuned better" if for_tuned == {True} else "tuned worse", decided[0]


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
                reach = f"a difference may still lie anywhere in the {_range(against_best)}"
                return f"Cannot tell tuned and {opponent} apart: they score the same on {items}; {reach}."
            if against_best.is_decided:
                return f"Cannot tell whether tuning helps or harms: it does both, by metric, on {items}."
            direction = "better" if against_best.better == TUNED else "worse"
            claim = f"Cannot tell whether tuned is {direction} than {opponent.rstrip(',')}"
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
    is_excluded = comparison.difference > 0 and comparison.low >= 0
    if is_excluded == (comparison.adjusted_p <= 1 - CONFIDENCE):
        return []
    return ["The interval and the test disagree on whether the difference is zero, so it counts as undecided."]


def _opposed(against_best: Sequence[ArmComparison]) -> list[str]:
    better = [_words(pair.metric) for pair in against_best if pair.is_decided and pair.better == TUNED]
    worse = [_words(pair.metric) for pair in against_best if pair.is_decided and pair.better != TUNED]
    if not (better and worse):
        return []
    return [f"Tuned is better by {', '.join(better)} and worse by {', '.join(worse)}: which counts is yours to say."]


def _early(stopped_early: bool) -> list[str]:
    if not stopped_early:
        return []
    return ["Items were asked until it was decided; the test and the interval allow for looking after every item."]


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
    low = "above 0" if comparison.low == 0 and comparison.is_decided else _points(comparison.low)
    return f"95 % interval {low} to {_points(comparison.high)}"


def _points(share: float) -> str:
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text


def _p_value(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"= {p:.3f}"


def _items(count: int) -> str:
    return f"{count:,} {'item' if count == 1 else 'items'}"


def _words(metric: str) -> str:
    return metric.replace("_", " ")
