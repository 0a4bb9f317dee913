"""Arms scored on the same items, and the paired comparisons of every other arm with the tuned one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from luthier.evaluation.answers import Answer
from luthier.evaluation.metrics import score_all
from luthier.evaluation.statistics import (
    Comparison,
    Interval,
    holm,
    holm_divisors,
    items_needed,
    mean_interval,
    observe,
    paired_comparison,
)
from luthier.examples import Example
from luthier.recipe import MetricName

TUNED = "tuned"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class ArmResult:
    """What one arm answered to the golden items, in their order, and each item's score per metric.

    ``groups`` names the document or template of each item, empty where items stand alone. An item that was answered
    several times has the mean as its score, and ``samples`` keeps the scores behind it.
    """

    name: str
    answers: tuple[Answer, ...]
    scores: Mapping[str, tuple[float, ...]]
    groups: tuple[str, ...] = ()
    samples: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)

    def interval(self, metric: str, confidence: float = CONFIDENCE) -> Interval:
        return mean_interval(self.scores[metric], confidence, self.groups)


@dataclass(frozen=True)
class ArmComparison:
    """``better`` has the higher mean, so ``difference`` is never negative.

    The interval holds together with those of its siblings (Bonferroni) and ``adjusted_p`` likewise (Holm); ``p`` is
    that of this comparison alone. Holm may exclude zero where Bonferroni does not: ``low`` is then exactly 0.
    ``more_items_needed`` is None when it is decided or there is no difference at all.
    """

    better: str
    worse: str
    metric: str
    difference: float
    low: float
    high: float
    p: float
    adjusted_p: float
    n: int
    better_wins: int
    worse_wins: int
    more_items_needed: int | None

    @property
    def is_decided(self) -> bool:
        """Both the interval and the test must say so; near the border they may differ."""
        return self.difference > 0 and self.low >= 0 and self.adjusted_p <= 1 - CONFIDENCE


def score_arm(
    name: str,
    answers: Sequence[Answer],
    golden: Sequence[Example],
    metrics: Sequence[MetricName],
    choices: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> ArmResult:
    """Every metric on every golden item; ``groups`` names each item's document or template."""
    texts = [answer.text for answer in answers]
    references = [example.answer.content for example in golden]
    scores = {name: score_all(name, texts, references, choices) for name in metrics}
    return ArmResult(name, tuple(answers), scores, tuple(groups))


def compare_with_tuned(
    arms: Sequence[ArmResult], metrics: str | Sequence[str], seed: int = 0, *, stopped_early: bool = False
) -> tuple[ArmComparison, ...]:
    """Tuned against each other arm on each metric, paired by item, all judged together; metric by metric.

    None where the tuned arm or every other one is missing. ``stopped_early`` says that the number of items was
    chosen while looking at the scores: tests and intervals are then those that hold at all times.
    """
    tuned = next((arm for arm in arms if arm.name == TUNED), None)
    others = [arm for arm in arms if arm.name != TUNED]
    if tuned is None or not others:
        return ()
    named = [metrics] if isinstance(metrics, str) else metrics
    asked = [(tuned, other, metric) for metric in named for other in others]
    return compare_together(asked, seed, stopped_early=stopped_early)


def compare_together(
    asked: Sequence[tuple[ArmResult, ArmResult, str]], seed: int = 0, *, stopped_early: bool = False
) -> tuple[ArmComparison, ...]:
    """Each pair on its metric; the intervals hold together (Bonferroni), p is adjusted for all of them (Holm)."""
    if not asked:
        return ()
    each = 1 - (1 - CONFIDENCE) / len(asked)
    pairs = [compare_pair(*question, each, seed, stopped_early=stopped_early) for question in asked]
    p_values = [pair.p for pair in pairs]
    settled = []
    for question, pair, p, divisor in zip(asked, pairs, holm(p_values), holm_divisors(p_values), strict=True):
        low = pair.low
        if low < 0 and p <= 1 - CONFIDENCE:
            step = 1 - (1 - CONFIDENCE) / divisor
            at_its_step = compare_pair(*question, step, seed, stopped_early=stopped_early)
            low = 0.0 if at_its_step.low >= 0 else low
        settled.append(_settled(replace(pair, adjusted_p=p, low=low)))
    return tuple(settled)


def compare_pair(
    first: ArmResult,
    second: ArmResult,
    metric: str,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    *,
    stopped_early: bool = False,
) -> ArmComparison:
    """Two arms on the same items; the one with the higher mean becomes ``better`` (``first``, if they are equal)."""
    is_first_better = sum(first.scores[metric]) >= sum(second.scores[metric])
    better, worse = (first, second) if is_first_better else (second, first)
    high_scores, low_scores = better.scores[metric], worse.scores[metric]
    # The classical baseline, for one, is scored without being told of groups.
    groups = better.groups or worse.groups
    if stopped_early:
        found = _compare_at_any_time(high_scores, low_scores, confidence, groups)
    else:
        found = paired_comparison(high_scores, low_scores, confidence, seed, groups)
    wins = sum(a > b for a, b in zip(high_scores, low_scores, strict=True))
    comparison = ArmComparison(
        better=better.name,
        worse=worse.name,
        metric=metric,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p,
        adjusted_p=found.p,
        n=found.n,
        better_wins=wins,
        worse_wins=found.discordant - wins,
        more_items_needed=items_needed(high_scores, low_scores, confidence, groups=groups),
    )
    return _settled(comparison)


def _compare_at_any_time(
    better: Sequence[float], worse: Sequence[float], confidence: float, groups: Sequence[str]
) -> Comparison:
    """By betting; with groups the mean difference of each group is one bet."""
    gaps = [a - b for a, b in zip(better, worse, strict=True)]
    by_group: dict[str, list[float]] = {}
    for index, gap in enumerate(gaps):
        by_group.setdefault(groups[index] if groups else str(index), []).append(gap)
    state = observe([sum(group) / len(group) for group in by_group.values()], confidence)
    mean = sum(gaps) / len(gaps)
    # With groups of unequal size the mean over items is not quite the mean over groups, which the bets are about.
    low, high = min(state.interval[0], mean), max(state.interval[1], mean)
    return Comparison(mean, low, high, state.p, len(gaps), sum(gap != 0 for gap in gaps))


def _settled(comparison: ArmComparison) -> ArmComparison:
    return replace(comparison, more_items_needed=None) if comparison.is_decided else comparison
