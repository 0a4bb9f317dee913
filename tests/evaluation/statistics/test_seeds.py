"""Seeds that disagree widen the interval; seeds that agree do not count as more items."""

import numpy as np
import pytest

from luthier.evaluation.statistics import mean_interval, seeds_difference, seeds_interval

ITEMS = np.tile([1.0, 1.0, 1.0, 0.0], 50)


def test_seeds_that_answer_alike_are_one_run():
    found, once = seeds_interval(np.stack([ITEMS] * 3)), mean_interval(ITEMS.tolist())
    assert found.mean == once.mean
    assert found.high - found.low == pytest.approx(once.high - once.low, rel=0.05)


def test_seeds_that_disagree_widen_the_interval():
    unlike = np.stack([np.r_[np.ones(right), np.zeros(200 - right)] for right in (100, 150, 190)])
    alike = np.stack([np.random.default_rng(seed).permutation(np.r_[np.ones(147), np.zeros(53)]) for seed in range(3)])
    wide, narrow = seeds_interval(unlike), seeds_interval(alike)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_one_seed_is_the_plain_interval():
    assert seeds_interval(ITEMS[None]) == mean_interval(ITEMS.tolist())


def test_seeds_are_compared_with_the_one_base_on_the_same_items():
    base = np.tile([1.0, 0.0, 0.0, 0.0], 50)
    tuned = np.stack([ITEMS] * 3)
    found = seeds_difference(tuned, base[None])
    assert found.mean == 0.5 and 0.4 < found.low < 0.5 < found.high < 0.6
    assert seeds_difference(tuned, tuned).low < 0


@pytest.mark.parametrize("scores", [[1, 0, 1], [[1]], [[2, 0]]])
def test_what_is_no_table_of_scores_is_refused(scores: list[object]):
    with pytest.raises(ValueError, match="scores"):
        seeds_interval(np.asarray(scores, dtype=float))
