"""How far a judge can be trusted: its verdicts beside those of people, of its own repeats, and of swapped positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from luthier.evaluation.statistics import Interval, JudgeQuality, mean_interval


@dataclass(frozen=True)
class Agreement:
    """A judge's passes and fails beside people's. Rates are None where people never said so."""

    accuracy: Interval
    kappa: float
    false_pass_rate: float | None
    false_fail_rate: float | None
    quality: JudgeQuality | None

    @property
    def sentence(self) -> str:
        share = f"{self.accuracy.mean:.0%} ({self.accuracy.low:.0%} to {self.accuracy.high:.0%})"
        rates = (("passes", self.false_pass_rate, "fail"), ("fails", self.false_fail_rate, "pass"))
        errs = [f"{verb} {rate:.0%} of those that should {other}" for verb, rate, other in rates if rate is not None]
        said = f"The judge agrees with people on {share} of {self.accuracy.n} answers (kappa {self.kappa:.2f})"
        return f"{said}; it {' and '.join(errs)}."


def agreement(judged: Sequence[bool], labelled: Sequence[bool]) -> Agreement:
    """``labelled`` is the truth. `quality` is what `corrected_interval` and `corrected_difference` correct with."""
    pairs = Counter(zip(map(bool, judged), map(bool, labelled), strict=True))
    right, wrong = pairs[True, True] + pairs[False, True], pairs[False, False] + pairs[True, False]
    same = [float(a == b) for a, b in zip(judged, labelled, strict=True)]
    return Agreement(
        accuracy=mean_interval(same),
        kappa=cohens_kappa(judged, labelled),
        false_pass_rate=pairs[True, False] / wrong if wrong else None,
        false_fail_rate=pairs[False, True] / right if right else None,
        quality=JudgeQuality(pairs[True, True], right, pairs[False, False], wrong) if right and wrong else None,
    )


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Cohen 1960: agreement beyond what chance gives, 1 at most; 1 where both always say the same one thing."""
    total = len(first)
    if total == 0 or total != len(second):
        raise ValueError(f"kappa needs two verdicts on each of at least one item, not {total} and {len(second)}")
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / total
    counts, others = Counter(first), Counter(second)
    by_chance = sum(counts[label] * others[label] for label in counts) / total**2
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 else 1.0


def repeat_agreement(repeats: Sequence[Sequence[float]]) -> float | None:
    """Chance that a judge, asked twice about the same item, says the same; None where nothing was asked twice."""
    shares = []
    for rewards in repeats:
        if (asked := len(rewards)) > 1:
            same = sum(count * (count - 1) for count in Counter(rewards).values())
            shares.append(same / (asked * (asked - 1)))
    return sum(shares) / len(shares) if shares else None
