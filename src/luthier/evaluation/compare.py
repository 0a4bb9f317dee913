"""Arms scored on the same items, and the paired comparisons of every other arm with the tuned one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from luthier.evaluation.answers import Answer
from luthier.evaluation.metrics import score_all
from luthier.evaluation.statistics import Interval, holm, items_needed, mean_interval, paired_comparison
from luthier.examples import Example
from luthier.recipe import MetricName

TUNED = "tuned"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class ArmResult:
    """What one arm answered to the golden items, in their order, and each item's score per metric."""

    name: str
    answers: tuple[Answer, ...]
    scores: Mapping[str, tuple[float, ...]]

    def interval(self, metric: str, confidence: float = CONFIDENCE) -> Interval:
        return mean_interval(self.scores[metric], confidence)


@dataclass(frozen=True)
class ArmComparison:
    """``better`` has the higher mean, so ``difference`` is never negative; ``low`` above zero means decided.

    The interval holds together with those of its siblings (Bonferroni) and ``adjusted_p`` likewise (Holm); ``p`` is
    that of this comparison alone. ``more_items_needed`` is None when it is decided or there is no difference at all.
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
        return self.low > 0 and self.adjusted_p <= 1 - CONFIDENCE


def score_arm(
    name: str,
    answers: Sequence[Answer],
    golden: Sequence[Example],
    metrics: Sequence[MetricName],
    choices: Sequence[str] = (),
) -> ArmResult:
    """Every metric on every golden item."""
    texts = [answer.text for answer in answers]
    references = [example.answer.content for example in golden]
    return ArmResult(name, tuple(answers), {name: score_all(name, texts, references, choices) for name in metrics})


def compare_with_tuned(arms: Sequence[ArmResult], metric: str, seed: int = 0) -> tuple[ArmComparison, ...]:
    """Tuned against each other arm, paired by item; none where the tuned arm or every other one is missing."""
    tuned = next((arm for arm in arms if arm.name == TUNED), None)
    others = [arm for arm in arms if arm.name != TUNED]
    if tuned is None or not others:
        return ()
    each = 1 - (1 - CONFIDENCE) / len(others)
    pairs = [compare_pair(tuned, other, metric, each, seed) for other in others]
    adjusted = holm([pair.p for pair in pairs])
    return tuple(_settled(replace(pair, adjusted_p=p)) for pair, p in zip(pairs, adjusted, strict=True))


def compare_pair(
    first: ArmResult, second: ArmResult, metric: str, confidence: float = CONFIDENCE, seed: int = 0
) -> ArmComparison:
    """Two arms on the same items; the one with the higher mean becomes ``better`` (``first``, if they are equal)."""
    first_mean, second_mean = first.interval(metric).mean, second.interval(metric).mean
    better, worse = (first, second) if first_mean >= second_mean else (second, first)
    high_scores, low_scores = better.scores[metric], worse.scores[metric]
    found = paired_comparison(high_scores, low_scores, confidence, seed)
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
        more_items_needed=items_needed(high_scores, low_scores, confidence),
    )
    return _settled(comparison)


def _settled(comparison: ArmComparison) -> ArmComparison:
    return replace(comparison, more_items_needed=None) if comparison.is_decided else comparison
