"""A judge's known errors move the estimate and widen the interval."""

import pytest

from luthier.evaluation.statistics import (
    Interval,
    JudgeQuality,
    corrected_difference,
    corrected_interval,
    mean_interval,
)

JUDGED = mean_interval([1.0] * 700 + [0.0] * 300)


def test_a_judge_that_passes_too_much_is_corrected():
    found = corrected_interval(JUDGED, JudgeQuality(190, 200, 140, 200))
    # (0.7 + 0.7 - 1) / (0.95 + 0.7 - 1)
    assert found.mean == pytest.approx(0.6154, abs=1e-4)
    assert found.low < found.mean < found.high
    assert found.high - found.low > 2 * (JUDGED.high - JUDGED.low)


def test_a_faultless_well_known_judge_changes_little():
    found = corrected_interval(JUDGED, JudgeQuality(10**6, 10**6, 10**6, 10**6))
    assert (found.mean, found.low, found.high) == pytest.approx((JUDGED.mean, JUDGED.low, JUDGED.high), abs=2e-3)


def test_a_judge_like_a_coin_says_nothing():
    coin = JudgeQuality(52, 100, 50, 100)
    found = corrected_interval(JUDGED, coin)
    assert (found.low, found.high) == (0, 1)
    assert corrected_difference(0.1, 0.05, 0.15, coin) == (0.1, -1, 1)


def test_a_less_known_judge_leaves_more_doubt():
    few, many = JudgeQuality(18, 20, 18, 20), JudgeQuality(900, 1_000, 900, 1_000)
    assert few.sharpness == many.sharpness == pytest.approx(0.8)
    narrow, wide = corrected_interval(JUDGED, many), corrected_interval(JUDGED, few)
    assert wide.high - wide.low > narrow.high - narrow.low


def test_a_difference_grows_and_keeps_its_sign():
    quality = JudgeQuality(90, 100, 90, 100)
    estimate, low, high = corrected_difference(0.08, 0.02, 0.14, quality)
    assert estimate == pytest.approx(0.1)
    assert 0 < low < 0.025 and high > 0.175
    assert corrected_difference(-0.08, -0.14, -0.02, quality) == pytest.approx((-estimate, -high, -low))
    assert corrected_difference(0.08, -0.02, 0.18, quality)[1] < 0
    assert corrected_difference(0.0, -0.05, 0.05, quality)[1] == pytest.approx(-0.05 / 0.8, abs=0.01)


def test_an_interval_of_grouped_items_stays_as_wide_as_its_worth():
    quality = JudgeQuality(190, 200, 180, 200)
    wide = Interval(0.7, 0.5, 0.85, 1_000)
    found, narrow = corrected_interval(wide, quality), corrected_interval(JUDGED, quality)
    assert found.high - found.low > 0.35 > narrow.high - narrow.low


@pytest.mark.parametrize("counts", [(5, 4, 1, 1), (0, 0, 1, 1), (1, 1, -1, 1)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]):
    with pytest.raises(ValueError, match="judge"):
        JudgeQuality(*counts)
