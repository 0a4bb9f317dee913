"""Differences on the same items, with intervals that hold and p-values that fit the kind of scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.evaluation.statistics import exact_mcnemar, paired_comparison, paired_interval, sign_flip_test
from luthier.evaluation.statistics.paired import score_bounds

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


def test_right_or_wrong_scores_get_tangos_interval():
    low, high = score_bounds(9, 1, 32)
    assert float(low) < 8 / 32 < float(high)
    for end in (float(low), float(high)):
        assert abs(slow_score(9, 1, 32, end)) == pytest.approx(1.959964, abs=1e-4)


def slow_score(won: int, lost: int, items: int, difference: float) -> float:
    """The score statistic with the likeliest loss rate found by trying them all."""
    rates = np.linspace(max(0, -difference), (1 - difference) / 2, 400_001)[1:-1]
    chances = rates + difference, rates, 1 - 2 * rates - difference
    with np.errstate(divide="ignore", invalid="ignore"):
        likelihood = won * np.log(chances[0]) + lost * np.log(chances[1]) + (items - won - lost) * np.log(chances[2])
    rate = rates[np.nanargmax(likelihood)]
    variance = (2 * rate + difference - difference**2) / items
    return ((won - lost) / items - difference) / float(np.sqrt(variance))


def test_zero_is_excluded_exactly_where_mcnemars_score_test_rejects():
    for won, lost in ((5, 1), (10, 2), (10, 3), (4, 0), (3, 0)):
        low, _ = score_bounds(won, lost, 100)
        assert (float(low) > 0) == ((won - lost) / np.sqrt(won + lost) > 1.959964)


@settings(deadline=None, max_examples=40)
@given(PAIRS)
def test_a_paired_interval_holds_the_difference_and_swapping_the_arms_mirrors_it(pairs: list[tuple[float, float]]):
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found, swapped = paired_comparison(first, second), paired_comparison(second, first)
    assert -1 - 1e-9 <= found.low <= found.difference + 1e-9
    assert found.difference - 1e-9 <= found.high <= 1 + 1e-9
    assert (found.low, found.high) == pytest.approx((-swapped.high, -swapped.low), abs=1e-9)
    assert found.p == pytest.approx(swapped.p)


def test_two_equal_arms_still_leave_doubt():
    found = paired_comparison([1.0] * 20, [1.0] * 20)
    assert (found.difference, found.p, found.discordant) == (0, 1, 0)
    assert found.low < -0.05 and found.high > 0.05


def test_arms_that_are_right_on_the_same_items_are_told_apart_more_sharply():
    first = [1.0] * 60 + [0.0] * 40
    alike, unlike = [1.0] * 50 + [0.0] * 50, [0.0] * 50 + [1.0] * 50
    narrow, wide = paired_comparison(first, alike), paired_comparison(first, unlike)
    assert narrow.difference == wide.difference
    assert narrow.low > 0 > wide.low
    assert narrow.high - narrow.low < (wide.high - wide.low) / 2


def test_grouped_items_are_reversed_together_and_widen_the_interval():
    better, worse = [1.0] * 20 + [0.0] * 20, [0.0] * 20 + [0.0] * 20
    groups = [str(index // 10) for index in range(40)]
    alone, together = paired_comparison(better, worse), paired_comparison(better, worse, groups=groups)
    assert alone.p == exact_mcnemar(20, 0)
    assert together.p == sign_flip_test(np.array([10.0, 10.0, 0.0, 0.0])) == 0.5
    assert together.low < 0 < alone.low
    assert paired_interval(better, worse, groups=groups) == (together.low, together.high)


def test_arms_on_different_items_are_refused():
    with pytest.raises(ValueError, match="2 scores against 1"):
        paired_comparison([1, 0], [1])
