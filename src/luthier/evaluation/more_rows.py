"""What more rows would bring, from a learning curve: forecasts with intervals, and a plain sentence by written rules.

The rules, in this order (G2, G5: expected gain from twice and from five times the rows; a point is 0.01 of the score):

1. *amount*: G2 is at least one point with a chance of 80 % or more: more rows like these are worth getting.
2. G5 is at least one point with a chance of 20 % or less: the curve is flat.
   *none* where the score is good enough already: stop. *quality* where it is not: the amount is not the limit.
3. *unknown* otherwise, with what would settle it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from luthier.evaluation.learning_curve import Curve, interval
from luthier.evaluation.statistics import Interval

Limit = Literal["amount", "quality", "none", "unknown"]

WORTHWHILE_GAIN = 0.01
LIKELY, UNLIKELY = 0.8, 0.2
# Without a target in the recipe: from here on the rest is usually labels that people disagree about.
GOOD_ENOUGH = 0.95


@dataclass(frozen=True)
class RowsForecast:
    """At ``rows`` rows: what a training would measure, and how much more than with all rows there are.

    ``score`` holds one measured score in 95 of 100 cases if the curve is right; ``gain`` is of the expected score.
    """

    rows: int
    score: Interval
    gain: Interval
    loss: Interval
    minutes: float | None
    chance_of_a_point: float

    def as_json(self) -> dict[str, Any]:
        told = {"score": self.score, "measured_loss": self.loss}
        return {
            "rows": self.rows,
            "gain": self.gain.mean,
            "low": self.gain.low,
            "high": self.gain.high,
            "chance_of_a_point": self.chance_of_a_point,
            "minutes": self.minutes,
            **{name: _bounds(found) for name, found in told.items()},
        }


@dataclass(frozen=True)
class MoreRows:
    """The answer to "should I collect more?"."""

    limit: Limit
    sentence: str
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def forecast_rows(score: Curve, loss: Curve, rows: int, all_rows: int, minutes: float | None) -> RowsForecast:
    gain_D = score.at(rows) - score.at(all_rows)
    chance = float(np.mean(gain_D >= WORTHWHILE_GAIN))
    measured = interval(score.measured_at(rows))
    return RowsForecast(rows, measured, interval(gain_D), interval(loss.measured_at(rows)), minutes, chance)


def judge_more_rows(now: RowsForecast, double: RowsForecast, fivefold: RowsForecast, target: float | None) -> MoreRows:
    """``now``: the forecast for all rows there are. ``target``: the score that is good enough, if one was named."""
    gain = f"{_signed(double.gain.mean)} ({_points(double.gain.low)} to {_points(double.gain.high)}) points"
    more = f"{double.rows:,} rows instead of {now.rows:,}"
    reasons = [
        f"With all {now.rows:,} rows a training should measure {_span(now.score)} points.",
        f"Twice the rows: {gain}; a point or more with a chance of {double.chance_of_a_point:.0%}.",
        f"Five times the rows: {_signed(fivefold.gain.mean)} ({_points(fivefold.gain.low)} to "
        f"{_points(fivefold.gain.high)}) points; a point or more with a chance of {fivefold.chance_of_a_point:.0%}.",
    ]
    wanted = GOOD_ENOUGH if target is None else target
    if double.chance_of_a_point >= LIKELY:
        return MoreRows("amount", f"More data would give {gain}: {more}.", tuple(reasons))
    if fivefold.chance_of_a_point <= UNLIKELY:
        if now.score.mean >= wanted:
            told = f"Stop: {_points(now.score.mean)} points are as good as asked for, and more data would not add one."
            return MoreRows("none", told, tuple(reasons))
        told = (
            "Data quality, not amount, is the limit: even five times as many rows like these would hardly add a point "
            f"to {_points(now.score.mean)}. Look at labels, at cases that no row shows, or at a stronger base."
        )
        return MoreRows("quality", told, tuple(reasons))
    told = f"It cannot be told yet: more data would give {gain} for {more}. Probe larger sizes, or more golden rows."
    return MoreRows("unknown", told, tuple(reasons))


def _bounds(found: Interval) -> dict[str, float]:
    return {"mean": found.mean, "low": found.low, "high": found.high}


def _span(found: Interval) -> str:
    return f"{_points(found.mean)} ({_points(found.low)} to {_points(found.high)})"


def _points(share: float) -> str:
    return f"{100 * share:.0f}" if abs(share) >= 0.0995 else f"{100 * share:.1f}".removesuffix(".0")


def _signed(share: float) -> str:
    return f"{'+' if share >= 0 else ''}{_points(share)}"
