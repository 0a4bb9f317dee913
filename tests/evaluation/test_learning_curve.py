"""A learning curve says what larger sets would bring, with intervals that hold what is measured then."""

import math

import numpy as np
import pytest

from luthier.evaluation import CurvePoint, fit_loss_curve, fit_score_curve
from luthier.evaluation.learning_curve import interval

SIZES = (50, 100, 200, 400)


def logistic(logit):
    return 1 / (1 + np.exp(-logit))


def points_on(truth, rng, items=500, spread=0.1, seeds=3):
    """What trainings measure whose expected score is ``truth(rows)``: spread from run to run, and items at random."""
    points = []
    for rows in SIZES:
        for seed in range(seeds):
            points.append(CurvePoint(rows, seed, measured(truth(rows), rng, items, spread), items, 1.0, 0.05))
    return points


def measured(share, rng, items=500, spread=0.1):
    logit = math.log(share / (1 - share)) + spread * rng.standard_normal()
    return float(rng.binomial(items, logistic(logit))) / items


# None of these but the first is of the formula that is fitted.
TRUTHS = {
    "hill": lambda n: 0.9 / (1 + (n / 600) ** -0.9),
    "power law": lambda n: 0.85 - 0.7 * (n / 50) ** -0.5,
    "logit of log rows": lambda n: logistic(-2.3 + 0.8 * math.log(n / 50)),
    "weibull": lambda n: 0.8 * (1 - math.exp(-((n / 500) ** 0.7))),
    "flat": lambda n: 0.72,
    "chance first": lambda n: 0.5 + 0.4 / (1 + (n / 700) ** -1.2),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_the_forecast_for_eight_times_the_rows_holds_what_is_measured_then(name: str):
    truth, rng, held = TRUTHS[name], np.random.default_rng(5), 0
    for _ in range(6):
        curve = fit_score_curve(points_on(truth, rng), guess=0.5 if name == "chance first" else 0.02)
        found = interval(curve.measured_at(3_200))
        held += found.low <= measured(truth(3_200), rng) <= found.high
    assert held >= 5


def test_what_was_measured_is_known_better_than_what_is_forecast():
    curve = fit_score_curve(points_on(TRUTHS["hill"], np.random.default_rng(0)))
    widths = [interval(curve.at(rows)).high - interval(curve.at(rows)).low for rows in (400, 800, 1_600, 3_200)]
    assert widths == sorted(widths) and widths[0] < 0.1 < widths[-1]


def test_more_seeds_and_items_make_a_narrower_forecast():
    few = fit_score_curve(points_on(TRUTHS["hill"], np.random.default_rng(1), items=50, seeds=1))
    many = fit_score_curve(points_on(TRUTHS["hill"], np.random.default_rng(1), items=2_000, seeds=4, spread=0.02))
    spans = [interval(curve.at(800)).high - interval(curve.at(800)).low for curve in (few, many)]
    assert spans[1] < 0.6 * spans[0]


def test_a_measured_score_is_less_certain_than_the_expected_one():
    curve = fit_score_curve(points_on(TRUTHS["hill"], np.random.default_rng(2), items=100))
    expected, found = interval(curve.at(400)), interval(curve.measured_at(400))
    assert found.high - found.low > expected.high - expected.low


def test_a_curve_never_falls_before_doubt_is_added():
    curve = fit_score_curve(points_on(TRUTHS["flat"], np.random.default_rng(3)))
    assert (np.diff([curve.at(rows) for rows in (50, 100, 200, 400)], axis=0) >= 0).all()


@pytest.mark.parametrize("items", [10, 40, 20_000])
@pytest.mark.parametrize("scores", [0.0, 1.0])
def test_scores_at_either_end_are_no_trouble(scores: float, items: int):
    points = [CurvePoint(rows, seed, scores, items, 0.5, 0.05) for rows in SIZES for seed in range(2)]
    found = interval(fit_score_curve(points).measured_at(3_200))
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.low - 0.001 <= scores <= found.high + 0.001


@pytest.mark.parametrize(("floor", "power"), [(0.05, 0.7), (0.8, 0.4), (0.0, 0.15)])
def test_the_loss_is_forecast_towards_an_asymptote(floor: float, power: float):
    rng, held = np.random.default_rng(4), 0

    def loss(rows: float) -> float:
        return (floor + 1.8 * (rows / 50) ** -power) * math.exp(0.04 * rng.standard_normal())

    for _ in range(6):
        points = [CurvePoint(n, seed, 0.5, 100, value := loss(n), 0.03 * value) for n in SIZES for seed in range(3)]
        found = interval(fit_loss_curve(points).measured_at(3_200))
        held += found.low <= loss(3_200) <= found.high
    assert held >= 5


def test_the_same_points_give_the_same_forecast():
    points = points_on(TRUTHS["weibull"], np.random.default_rng(6))
    first, second = (interval(fit_score_curve(points).measured_at(3_200)) for _ in range(2))
    assert first == second


def test_one_training_of_each_size_is_enough_for_a_wide_answer():
    points = points_on(TRUTHS["power law"], np.random.default_rng(7), seeds=1)
    found = interval(fit_score_curve(points).measured_at(3_200))
    assert found.low < TRUTHS["power law"](3_200) < found.high
