"""One line of the forgetting table: what the base does, what the tuned model does, and how bad the change is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from luthier.evaluation.forgetting.drift import Drift
from luthier.evaluation.forgetting.thresholds import THRESHOLDS, Colour
from luthier.evaluation.paired_losses import mean_loss
from luthier.evaluation.statistics import mean_interval, paired_interval


@dataclass(frozen=True)
class Measure:
    """``change`` lies in ``low`` to ``high`` (95 %) and is what the thresholds speak of; ``n`` texts or items.

    Grey is not judged; the sentence says why. ``base`` and ``tuned`` are None where only the change means something.
    """

    name: str
    base: float | None
    tuned: float | None
    change: float
    low: float
    high: float
    n: int
    threshold_amber: float | None
    threshold_red: float | None
    colour: Colour
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def unjudged(self, reason: str) -> Measure:
        return replace(self, colour="grey", sentence=f"{self.sentence} Not judged: {reason}")


def drift_measures(drift: Drift, on: str, name: str) -> tuple[Measure, ...]:
    """KL, agreement and perplexity ratio on ``on`` ("generic passages"); ``name`` ends the measures' names."""
    kl, agreement, ratio = drift.kl_nats, drift.agreement, drift.perplexity_ratio
    count = f"{drift.tokens:,} tokens of {drift.texts} texts"
    moved = f"KL(base || tuned) on {on} is {kl.mean:.3f} nats per token ({kl.low:.3f} to {kl.high:.3f}; {count})."
    agreed = (
        f"Base and tuned hold the same token likeliest in {100 * agreement.mean:.0f} % of places on {on} "
        f"({100 * agreement.low:.0f} to {100 * agreement.high:.0f})."
    )
    surprised = (
        f"Perplexity on {on} went from {drift.base_perplexity:,.1f} to {drift.tuned_perplexity:,.1f}, "
        f"{ratio.mean:.2f} times as high ({ratio.low:.2f} to {ratio.high:.2f})."
    )
    lost = (agreement.mean - 1, agreement.low - 1, agreement.high - 1)
    changes = (kl.mean, kl.low, kl.high), lost, (ratio.mean, ratio.low, ratio.high)
    perplexities = drift.base_perplexity, drift.tuned_perplexity
    return (
        _measure(f"kl_{name}", (None, None), changes[0], drift.texts, moved),
        _measure(f"agreement_{name}", (1.0, agreement.mean), changes[1], drift.texts, agreed),
        _measure(f"perplexity_ratio_{name}", perplexities, changes[2], drift.texts, surprised),
    )


def share_measure(name: str, base: Sequence[bool], tuned: Sequence[bool], what: str) -> Measure:
    """A share of the same items before and after; a change that may as well be zero stays green."""
    return graded_measure(name, [float(hit) for hit in base], [float(hit) for hit in tuned], what)


def graded_measure(name: str, base: Sequence[float], tuned: Sequence[float], what: str) -> Measure:
    """The same for scores between 0 and 1, paired by item."""
    before, after = mean_interval(base).mean, mean_interval(tuned).mean
    low, high = paired_interval(tuned, base)
    sentence = (
        f"{what}: {100 * before:.0f} % before, {100 * after:.0f} % after tuning "
        f"({_signed(100 * (after - before))} points, {_signed(100 * low)} to {_signed(100 * high)}; n = {len(base)})."
    )
    measure = _measure(name, (before, after), (after - before, low, high), len(base), sentence)
    return replace(measure, colour="green") if low <= 0 <= high and measure.colour != "grey" else measure


def length_measure(base_tokens: Sequence[int], tuned_tokens: Sequence[int]) -> Measure:
    """The relative change of the mean length; cut-off answers count as long as they are."""
    before, after = (sum(tokens) / len(tokens) for tokens in (base_tokens, tuned_tokens))
    change = after / before - 1 if before else 0.0
    name = "shorter_answers" if change < 0 else "longer_answers"
    low, high = _paired_ratio(base_tokens, tuned_tokens)
    sentence = f"Answers to open questions have {after:.0f} tokens in the mean, {before:.0f} before tuning."
    return replace(
        _measure(name, (before, after), (change, low, high), len(base_tokens), sentence), name="answer_tokens"
    )


def informative(measures: Sequence[Measure], reason: str) -> tuple[Measure, ...]:
    return tuple(measure.unjudged(reason) for measure in measures)


def _paired_ratio(base_tokens: Sequence[int], tuned_tokens: Sequence[int]) -> tuple[float, float]:
    """Fieller's question, answered by the linearised ratio that `paired_losses` uses for losses."""
    base_R = np.asarray(base_tokens, dtype=np.float64)
    if len(base_R) < 2 or not base_R.sum():
        return -1.0, 1.0
    found = mean_loss(np.asarray(tuned_tokens, dtype=np.float64), base_R)
    return found.low - 1, found.high - 1


def _measure(
    name: str,
    means: tuple[float | None, float | None],
    change: tuple[float, float, float],
    n: int,
    sentence: str,
) -> Measure:
    threshold = THRESHOLDS.get(name)
    colour: Colour = threshold.colour(change[0]) if threshold else "grey"
    amber, red = (threshold.amber, threshold.red) if threshold else (None, None)
    return Measure(name, *means, *change, n, amber, red, colour, sentence)


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "\u2212")
