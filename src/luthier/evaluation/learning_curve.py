"""A learning curve from a few small sets of rows, and what it says of larger ones: a Bayesian grid, numpy alone.

The score is a share of its ceiling that rises with the rows, S-shaped at its foot, and at its head either a power law
towards an upper asymptote (Hill 1910) or faster than any (Weibull 1951): both are weighed. The loss is a power law
towards a lower one (Hestness et al. 2017).
`docs/probe.md` gives the formulas, the priors and how often the forecasts held what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.evaluation.statistics import Interval

Floats = NDArray[np.float64]

DRAWS = 4_000
# Spread from one training to the next of the same size, in logits of the score and in log nats: weighed, not known.
RUN_SPREADS = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.6])
# What a formula is trusted with: beyond the probed sizes its rise may be this share steeper or flatter (one standard
# deviation), and each doubling may add an error of its own (in logits, in log nats).
RISE_DOUBT = 0.3
DOUBLING_DOUBT = 0.015
# Priors. Most tasks that people tune for can be learnt well: a ceiling counts by its square. The score's exponent is
# mostly near 1, the loss's near 0.35 (Hestness et al. 2017 found 0.07 to 0.5 over four fields).
CEILING_TASTE = 2.0
HILL_OR_WEIBULL = np.array([1.0, 0.0])
SCORE_POWER, SCORE_POWER_WIDTH = 1.0, 0.4
LOSS_POWER, LOSS_POWER_WIDTH = 0.35, 0.8


@dataclass(frozen=True)
class CurvePoint:
    """One training on ``rows`` rows: mean score (0 to 1) over ``items`` golden items, and validation loss (nats per
    trained token) over ``loss_rows`` rows with its standard error."""

    rows: int
    seed: int
    score: float
    items: int
    loss: float
    loss_error: float


@dataclass(frozen=True)
class Shapes:
    """X curves at once: floor and ceiling (asymptotes), half point, exponent, and 1 for Hill's head or 0 for
    Weibull's. For a loss the ceiling is its value at the half point."""

    floor_X: Floats
    ceiling_X: Floats
    log_half_X: Floats
    power_X: Floats
    is_hill_X: Floats
    is_score: bool

    def link(self, rows: float) -> Floats:
        """Logit of the score, or log of the loss."""
        away_X, span_X = self.power_X * (math.log(rows) - self.log_half_X), self.ceiling_X - self.floor_X
        if not self.is_score:
            return np.log(self.floor_X + span_X * np.exp(-away_X))
        weibull_X = -np.expm1(-np.exp(np.clip(away_X, -40, 40)))
        return _logit(self.floor_X + span_X * np.where(self.is_hill_X, _expit(away_X), weibull_X))

    def chosen(self, places_D: NDArray[np.intp]) -> Shapes:
        axes = (self.floor_X, self.ceiling_X, self.log_half_X, self.power_X, self.is_hill_X)
        floor_D, ceiling_D, log_half_D, power_D, is_hill_D = (axis_X[places_D] for axis_X in axes)
        return Shapes(floor_D, ceiling_D, log_half_D, power_D, is_hill_D, self.is_score)


@dataclass(frozen=True)
class Curve:
    """Draws from what the points leave possible: values at any number of rows, the same draws for all.

    ``spread_D``: what separates two trainings of one size. ``largest``: rows up to which something was measured.
    ``stretch_D`` and ``drift_D``: how far each draw is trusted beyond.
    """

    shapes: Shapes
    spread_D: Floats
    stretch_D: Floats
    drift_D: Floats
    largest: int
    items: int

    def at(self, rows: float) -> Floats:
        """The expected score (or loss) of a training on ``rows`` rows, one per draw."""
        inside_D = self.shapes.link(min(rows, self.largest))
        if rows > self.largest:
            doublings = math.log2(rows / self.largest)
            rise_D = self.shapes.link(rows) - inside_D
            inside_D = inside_D + rise_D * self.stretch_D + DOUBLING_DOUBT * doublings * self.drift_D
        return _expit(inside_D) if self.shapes.is_score else np.exp(inside_D)

    def measured_at(self, rows: float, items: int | None = None) -> Floats:
        """What one training would measure on ``items`` golden items (by default as many as were used)."""
        rng = np.random.default_rng(1)
        expected_D = self.at(rows)
        noise_D = self.spread_D * rng.standard_normal(len(expected_D))
        if not self.shapes.is_score:
            return expected_D * np.exp(noise_D)
        count = items or self.items
        return rng.binomial(count, _expit(_logit(expected_D) + noise_D)) / count


def fit_score_curve(points: Sequence[CurvePoint], guess: float = 0.0, seed: int = 0) -> Curve:
    """``guess``: the score of answering without having learnt anything, such as the most frequent choice's share."""
    rows_P = np.array([point.rows for point in points], dtype=np.float64)
    items_P = np.array([point.items for point in points], dtype=np.float64)
    right_P = np.array([point.score for point in points]) * items_P
    seen_P = np.log((right_P + 0.5) / (items_P - right_P + 0.5))
    variance_P = 1 / (right_P + 0.5) + 1 / (items_P - right_P + 0.5)
    ceilings = np.concatenate([np.arange(0.1, 0.91, 0.02), [0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.9999]])
    # A curve is placed by its value amid the sizes, which the points know best; the half point follows from it.
    log_amid, amid, error = float(np.log(rows_P).mean()), float(seen_P.mean()), float(np.sqrt(variance_P.mean()))
    values = amid + np.linspace(-1, 1, 25) * 3 * (error + 0.25) / math.sqrt(len(points))
    nothing = min(1e-3, float(_expit(values[:1])[0]) / 2)
    floors = np.unique([nothing, min(max(guess, nothing), 0.9)])
    powers = np.exp(np.linspace(math.log(0.2), math.log(3), 16))
    floor_G, ceiling_G, value_G, power_G, is_hill_G = _grid(floors, ceilings, _expit(values), powers, HILL_OR_WEIBULL)
    is_between_G = (value_G > floor_G) & (value_G < ceiling_G)
    share_G = np.where(is_between_G, (value_G - floor_G) / np.maximum(ceiling_G - floor_G, 1e-9), 0.5)
    away_G = np.where(is_hill_G, _logit(share_G), np.log(-np.log1p(-np.clip(share_G, 1e-6, 1 - 1e-6))))
    shapes = Shapes(floor_G, ceiling_G, log_amid - away_G / power_G, power_G, is_hill_G, is_score=True)
    prior_G = np.where(is_between_G, CEILING_TASTE * np.log(ceiling_G), -np.inf)
    prior_G = prior_G - 0.5 * ((np.log(power_G) - math.log(SCORE_POWER)) / SCORE_POWER_WIDTH) ** 2
    return _posterior(_Seen(rows_P, seen_P, variance_P, int(items_P.max())), shapes, prior_G, seed)


def fit_loss_curve(points: Sequence[CurvePoint], seed: int = 0) -> Curve:
    """In log nats; the asymptote lies below every loss that was seen."""
    rows_P = np.array([point.rows for point in points], dtype=np.float64)
    losses_P = np.array([point.loss for point in points])
    variance_P = (np.array([point.loss_error for point in points]) / losses_P) ** 2
    least = float(losses_P.min())
    floors = least * np.concatenate([[1e-3], np.linspace(0.05, 0.98, 20)])
    # Scale: the loss at the smallest size, above the asymptote.
    tops = float(losses_P[rows_P == rows_P.min()].mean()) * np.geomspace(0.6, 1.6, 60)
    floor_G, top_G, power_G = _grid(floors, tops, np.geomspace(0.02, 2, 40))
    smallest_G = np.full_like(floor_G, math.log(float(rows_P.min())))
    shapes = Shapes(floor_G, top_G, smallest_G, power_G, np.ones_like(floor_G), is_score=False)
    prior_G = np.where(top_G > floor_G, 0.0, -np.inf)
    prior_G = prior_G - 0.5 * ((np.log(power_G) - math.log(LOSS_POWER)) / LOSS_POWER_WIDTH) ** 2
    return _posterior(_Seen(rows_P, np.log(losses_P), variance_P, 0), shapes, prior_G, seed)


def interval(values_D: Floats, confidence: float = 0.95) -> Interval:
    """Median and equal tails of draws."""
    tail = (1 - confidence) / 2
    low, middle, high = np.quantile(values_D, [tail, 0.5, 1 - tail])
    return Interval(float(middle), float(low), float(high), len(values_D))


def _grid(*axes: Floats) -> tuple[Floats, ...]:
    return tuple(axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))


@dataclass(frozen=True)
class _Seen:
    """The points, in logits of the score or log nats, with what each alone leaves uncertain."""

    rows_P: Floats
    seen_P: Floats
    variance_P: Floats
    items: int


def _posterior(points: _Seen, shapes: Shapes, prior_G: Floats, seed: int) -> Curve:
    """Weigh every curve of the grid with every spread, then draw from them."""
    log_weight_GS = np.zeros((len(prior_G), len(RUN_SPREADS)))
    for rows in np.unique(points.rows_P):
        at_P = points.rows_P == rows
        expected_G = shapes.link(float(rows))
        for seen, variance in zip(points.seen_P[at_P], points.variance_P[at_P], strict=True):
            total_S = variance + RUN_SPREADS**2
            log_weight_GS -= 0.5 * ((seen - expected_G)[:, None] ** 2 / total_S + np.log(total_S))
    log_weight_GS += prior_G[:, None]
    weight = np.exp(log_weight_GS - log_weight_GS.max()).ravel()
    rng = np.random.default_rng(seed)
    drawn_D = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(DRAWS)).clip(max=len(weight) - 1)
    curve_D, spread_D = drawn_D // len(RUN_SPREADS), RUN_SPREADS[drawn_D % len(RUN_SPREADS)]
    stretch_D = np.exp(RISE_DOUBT * rng.standard_normal(DRAWS))
    drift_D = rng.standard_normal(DRAWS)
    return Curve(shapes.chosen(curve_D), spread_D, stretch_D, drift_D, int(points.rows_P.max()), points.items)


def _expit(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -40, 40)))


def _logit(p: Floats) -> Floats:
    inside = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))
