"""Watching a run: is this step like the steps before it? A pure function from what was seen so far to a finding.

Three things are looked for, before the update of each step:

- *not finite*: the loss or the gradient norm is NaN or infinite;
- *loss explosion*: the loss stood clearly above the best that the run had reached, for several steps in a row;
- *gradient spike*: the norm before clipping is far outside the last steps' norms. Median and MAD (median absolute
  deviation, Hampel 1974) say what is usual, because a mean and a variance would be moved by the spikes themselves;
  of logarithms, because norms vary by factors.
"""

import math
import statistics
from dataclasses import dataclass
from typing import Literal

WINDOW_STEPS = 32
# With fewer steps than this, nobody knows yet what is usual.
LEAST_STEPS = 16
# The MAD of a normal distribution is 1 / 1.4826 of its standard deviation.
DEVIATION_PER_MAD = 1.4826
SPIKE_DEVIATIONS = 6.0
# Where norms hardly vary, the deviation is next to nothing, and a norm that is a little larger is no spike.
SPIKE_FACTOR = 5.0
TINY = 1e-300
MOST_EXPONENT = 300.0
EXPLOSION_FACTOR = 2.0
# Where losses are near zero, twice as much is still little: one nat more is a factor of e in probability.
EXPLOSION_NATS = 1.0
EXPLOSION_STEPS = 8


@dataclass(frozen=True)
class Watch:
    """What is remembered of the steps so far; it is part of a checkpoint, so that a resumed run judges alike."""

    norms: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    lowest_median: float | None = None
    steps_above: int = 0
    is_spiking: bool = False


@dataclass(frozen=True)
class Finding:
    """``since_step`` is the first step, counted from 1, at which the trouble showed."""

    kind: Literal["gradient spike", "loss explosion", "not finite"]
    since_step: int
    seen: float
    limit: float | None
    sentence: str

    @property
    def is_grave(self) -> bool:
        """A single spike is clipped and training goes on; after anything else the weights or the step are lost."""
        return self.kind != "gradient spike"


def look(watch: Watch, step: int, loss: float, norm: float) -> tuple[Watch, Finding | None]:
    """Judge step ``step`` (counted from 1) against the steps before it, and remember it.

    Only the first of several spikes in a row is a finding: the others say nothing new.
    """
    if not (math.isfinite(loss) and math.isfinite(norm)):
        sentence = f"the loss is {loss} and the gradient norm {norm}"
        return watch, Finding("not finite", step, loss if not math.isfinite(loss) else norm, None, sentence)
    loss_limit, norm_limit = explosion_limit(watch), spike_limit(watch)
    losses = (*watch.losses, loss)[-WINDOW_STEPS:]
    after = Watch(
        norms=(*watch.norms, norm)[-WINDOW_STEPS:],
        losses=losses,
        lowest_median=_lowest_median(watch.lowest_median, losses),
        steps_above=watch.steps_above + 1 if loss > loss_limit else 0,
        is_spiking=norm > norm_limit,
    )
    if after.steps_above >= EXPLOSION_STEPS:
        return after, _explosion(watch, step, loss, loss_limit)
    if after.is_spiking and not watch.is_spiking:
        return after, _spike(watch, step, norm, norm_limit)
    return after, None


def spike_limit(watch: Watch) -> float:
    """The largest norm that is still usual; infinite until enough steps were seen."""
    if len(watch.norms) < LEAST_STEPS:
        return math.inf
    usual = statistics.median(watch.norms)
    if usual == 0:
        return math.inf
    # A norm of 0 is as far from the usual as one can be; any small number says so.
    deviations = [abs(math.log(max(norm, TINY) / usual)) for norm in watch.norms]
    deviation = DEVIATION_PER_MAD * statistics.median(deviations)
    return usual * max(math.exp(min(SPIKE_DEVIATIONS * deviation, MOST_EXPONENT)), SPIKE_FACTOR)


def explosion_limit(watch: Watch) -> float:
    """The largest loss that is still usual; infinite until enough steps were seen."""
    if watch.lowest_median is None:
        return math.inf
    return max(EXPLOSION_FACTOR * watch.lowest_median, watch.lowest_median + EXPLOSION_NATS)


def _lowest_median(before: float | None, losses: tuple[float, ...]) -> float | None:
    if len(losses) < LEAST_STEPS:
        return before
    median = statistics.median(losses)
    return median if before is None else min(before, median)


def _explosion(watch: Watch, step: int, loss: float, limit: float) -> Finding:
    since = step - EXPLOSION_STEPS + 1
    sentence = (
        f"the loss is {loss:.4g} and was above {limit:.4g} since step {since}; "
        f"the lowest median over up to {WINDOW_STEPS} steps was {watch.lowest_median:.4g}"
    )
    return Finding("loss explosion", since, loss, limit, sentence)


def _spike(watch: Watch, step: int, norm: float, limit: float) -> Finding:
    sentence = (
        f"the gradient norm is {norm:.4g}; the median of the last {len(watch.norms)} steps is "
        f"{statistics.median(watch.norms):.4g}, and up to {limit:.4g} would be usual"
    )
    return Finding("gradient spike", step, norm, limit, sentence)
