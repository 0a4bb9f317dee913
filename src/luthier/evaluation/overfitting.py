"""What the training and validation curves say together: overfitting, still improving, or no sign of either.

And what the finished model says: how much worse it foresees answers that it was not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from luthier.evaluation.paired_losses import Rows, mean_loss
from luthier.evaluation.statistics import Interval

Curve = Sequence[tuple[int, float]]
Finding = Literal["no sign", "overfitting", "still improving", "diverging", "not measured"]

# Validation loss on a few hundred examples wobbles by about as much from one checkpoint to the next.
TELLING_CHANGE = 0.02
# Where losses are near zero, a relative change says little.
TELLING_NATS = 0.002
FEWEST_WINDOW_STEPS = 5


@dataclass(frozen=True)
class OverfittingVerdict:
    """``verdict`` is the finding in the report's words; ``best_step`` has the lowest validation loss."""

    finding: Finding
    verdict: str
    sentence: str
    best_step: int | None = None
    best_loss: float | None = None
    last_loss: float | None = None


def judge_overfitting(train: Curve, validation: Curve) -> OverfittingVerdict:
    """Curves are (step, loss in nats per trained token) in order of steps.

    Overfitting is a validation loss that ends clearly above its lowest point while the training loss went on falling.
    If the training loss rose as well, the run is unstable, which is another illness.
    """
    if len(validation) < 2:
        sentence = f"Overfitting was not measured: {len(validation)} of the 2 validations it takes."
        return OverfittingVerdict("not measured", "not measured", sentence)
    best_step, best_loss = min(validation, key=lambda point: point[1])
    last_step, last_loss = validation[-1]
    finding = _finding(train, validation)
    rise = last_loss - best_loss
    lowest = f"Validation loss was lowest at step {best_step} ({best_loss:.3f})"
    match finding:
        case "overfitting":
            share = f"{100 * rise / best_loss:.0f} %" if best_loss > 0 else f"{rise:.3f} nats"
            verdict = f"overfitting from step {best_step}"
            sentence = f"{lowest} and rose by {share} until step {last_step}, while training loss went on falling."
        case "diverging":
            verdict = finding
            sentence = f"{lowest} and rose to {last_loss:.3f}, and so did training loss: try a lower learning rate."
        case "still improving":
            verdict = finding
            sentence = f"{lowest}, its last point, and was still falling: more epochs may help."
        case _:
            verdict = "no sign of overfitting"
            sentence = f"{lowest} and ended at {last_loss:.3f}."
    return OverfittingVerdict(finding, verdict, sentence, best_step, best_loss, last_loss)


def _finding(train: Curve, validation: Curve) -> Finding:
    best_step, best_loss = min(validation, key=lambda point: point[1])
    last_step, last_loss = validation[-1]
    telling = max(TELLING_NATS, TELLING_CHANGE * best_loss)
    if last_loss - best_loss > telling:
        return "diverging" if _training_rose(train, best_step) else "overfitting"
    if best_step == last_step and validation[-2][1] - last_loss > telling:
        return "still improving"
    return "no sign"


def _training_rose(train: Curve, best_step: int) -> bool:
    """Means over windows of the steps before the best validation and before the end; single steps are noise."""
    before = [loss for step, loss in train if step <= best_step]
    after = [loss for step, loss in train if step > best_step]
    if not before or not after:
        return False
    window = max(FEWEST_WINDOW_STEPS, min(len(before), len(after)) // 2)
    earlier, later = before[-window:], after[-window:]
    mean_before, mean_after = sum(earlier) / len(earlier), sum(later) / len(later)
    return mean_after - mean_before > max(TELLING_NATS, TELLING_CHANGE * mean_before)


@dataclass(frozen=True)
class SetGap:
    """Loss of one set minus that of the training rows, in nats per trained token, for the tuned and for the base.

    Some sets are harder whoever reads them: what tuning added to the gap is ``gap`` minus ``base_gap``.
    """

    name: str
    loss: Interval
    gap: float
    low: float
    high: float
    base_gap: float


@dataclass(frozen=True)
class SetGaps:
    """``train`` is the tuned model's loss on training rows; ``best_step`` had the lowest validation loss."""

    train: Interval
    gaps: tuple[SetGap, ...]
    best_step: int | None
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class SetLosses:
    """Summed nats of each row's answer under the tuned model and under the base, and how many tokens it has."""

    tuned_R: Rows
    base_R: Rows
    tokens_R: Rows


def judge_gaps(train: SetLosses, others: Mapping[str, SetLosses], best_step: int | None) -> SetGaps | None:
    """The gaps of the other sets; None where a set has fewer than two rows, since nothing could be said of its spread.

    The sets are independent, so the halves of their intervals are squared and added.
    """
    if min(len(losses.tokens_R) for losses in (train, *others.values())) < 2:
        return None
    seen = mean_loss(train.tuned_R, train.tokens_R)
    base_seen = mean_loss(train.base_R, train.tokens_R).mean
    gaps = []
    for name, losses in others.items():
        loss = mean_loss(losses.tuned_R, losses.tokens_R)
        half = math.hypot(loss.high - loss.mean, seen.high - seen.mean)
        gap = loss.mean - seen.mean
        base_gap = mean_loss(losses.base_R, losses.tokens_R).mean - base_seen
        gaps.append(SetGap(name, loss, gap, gap - half, gap + half, base_gap))
    told = ", ".join(f"{g.loss.mean:.3f} on {g.name} rows (gap {g.gap:.3f}, {g.low:.3f} to {g.high:.3f})" for g in gaps)
    best = "" if best_step is None else f" Validation loss was lowest at step {best_step}."
    return SetGaps(seen, tuple(gaps), best_step, f"Loss is {seen.mean:.3f} on training rows, {told}.{best}")
