"""Should one collect more rows? A plain sentence by written rules."""

import numpy as np
import pytest

from luthier.evaluation import CurvePoint, fit_loss_curve, fit_score_curve, forecast_rows, judge_more_rows


def judged(score_at, all_rows: int = 400, target: float | None = None, items: int = 2_000):
    """The verdict on noise-free points of four seeds."""
    points = [
        CurvePoint(rows, seed, round(score_at(rows) * items) / items, items, 1.0, 0.05)
        for rows in (50, 100, 200, 400)
        for seed in range(4)
    ]
    score, loss = fit_score_curve(points), fit_loss_curve(points)
    forecasts = [forecast_rows(score, loss, times * all_rows, all_rows, 1.5) for times in (1, 2, 5)]
    return judge_more_rows(*forecasts, target), forecasts


def test_a_steep_curve_says_collect_more():
    verdict, (_, double, fivefold) = judged(lambda n: 0.9 / (1 + (n / 500) ** -1))
    assert verdict.limit == "amount"
    assert verdict.sentence.startswith("More data would give +") and "800 rows instead of 400" in verdict.sentence
    assert 0 < double.gain.low < double.gain.mean < fivefold.gain.mean


def test_a_flat_curve_below_the_target_says_that_quality_is_the_limit():
    verdict, _ = judged(lambda n: 0.62)
    assert verdict.limit == "quality"
    assert verdict.sentence.startswith("Data quality, not amount, is the limit")


@pytest.mark.parametrize(("level", "target"), [(0.985, None), (0.7, 0.65)])
def test_a_flat_curve_that_is_good_enough_says_stop(level: float, target: float | None):
    verdict, _ = judged(lambda n: level, target=target)
    assert verdict.limit == "none" and verdict.sentence.startswith("Stop: ")


def test_few_golden_rows_cannot_tell():
    verdict, (_, double, _) = judged(lambda n: 0.6 + 0.02 * np.log2(n / 50), items=30)
    assert verdict.limit == "unknown" and double.gain.high > 0.01
    assert "cannot be told" in verdict.sentence


def test_all_rows_gain_nothing_on_themselves():
    _, (now, _, _) = judged(lambda n: 0.9 / (1 + (n / 500) ** -1))
    assert (now.gain.low, now.gain.mean, now.gain.high) == (0, 0, 0)


def test_the_forecast_is_written_as_advice_reads_it():
    _, (_, double, _) = judged(lambda n: 0.9 / (1 + (n / 500) ** -1))
    told = double.as_json()
    assert told["low"] < told["gain"] < told["high"] and told["minutes"] == 1.5
    assert told["score"]["low"] < told["score"]["mean"] < told["score"]["high"]
