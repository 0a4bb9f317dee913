"""The interval of one mean covers what it promises, also with few items near 100 %."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.evaluation.statistics import blaker, mean_interval
from luthier.evaluation.statistics.mean import mean_bounds

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=40)


def test_right_or_wrong_scores_get_blakers_interval():
    found = mean_interval([1] * 81 + [0] * 182)
    assert (found.low, found.high, found.n) == (*blaker(81, 263), 263)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 2, 20, 500])
def test_no_score_is_ever_certain(value: float, n: int):
    for groups in (None, [str(index // 5) for index in range(n)]):
        found = mean_interval([value] * n, groups=groups)
        assert found.low <= value <= found.high
        assert found.high - found.low > 0.5 / n


@settings(deadline=None, max_examples=50)
@given(SCORES)
def test_an_interval_holds_its_mean_and_stays_between_0_and_1(scores: list[float]):
    found = mean_interval(scores)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.high > found.low


@settings(deadline=None, max_examples=50)
@given(SCORES)
def test_turning_right_into_wrong_mirrors_the_interval(scores: list[float]):
    found, mirrored = mean_interval(scores), mean_interval([1 - score for score in scores])
    assert (found.low, found.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low))


def test_items_that_fail_together_are_worth_less():
    scores, groups = [1.0] * 60 + [0.0] * 40, [str(index // 10) for index in range(100)]
    alone, together = mean_interval(scores), mean_interval(scores, groups=groups)
    assert together.mean == alone.mean
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_one_group_is_worth_one_item():
    found = mean_interval([1.0] * 50 + [0.0] * 50, groups=["a"] * 100)
    assert found.high - found.low > 0.75


def test_many_repetitions_at_once_are_each_what_one_alone_is():
    scores = np.random.default_rng(0).choice([0.0, 0.5, 1.0], size=(5, 30))
    lows, highs = mean_bounds(scores, None)
    alone = [mean_interval(row) for row in scores.tolist()]
    assert lows == pytest.approx([found.low for found in alone])
    assert highs == pytest.approx([found.high for found in alone])


@pytest.mark.parametrize("scores", [[], [1.5], [float("nan")], [-0.1]])
def test_what_is_no_score_is_refused(scores: list[float]):
    with pytest.raises(ValueError, match="score"):
        mean_interval(scores)


def test_every_item_needs_a_group():
    with pytest.raises(ValueError, match="1 groups for 2 items"):
        mean_interval([1, 0], groups=["a"])
