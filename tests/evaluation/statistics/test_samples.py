"""Several answers per item: the doubt between items and within them is told apart."""

import numpy as np
import pytest

from luthier.evaluation.statistics import item_means, mean_interval, sample_spread


def test_every_item_counts_alike_however_often_it_was_answered():
    assert item_means([[1, 0], [1, 1, 1, 1]]) == (0.5, 1.0)


def test_both_parts_of_the_variance_are_found_again():
    draw = np.random.default_rng(0)
    ability = draw.beta(2, 2, size=4_000)
    samples = draw.random((4_000, 6)) < ability[:, None]
    spread = sample_spread(samples.astype(float).tolist())
    assert spread.between == pytest.approx(1 / 20, rel=0.1)
    assert spread.within == pytest.approx(1 / 4 - 1 / 20, rel=0.1)
    assert spread.standard_error(100, 2) == pytest.approx(np.sqrt(0.05 / 100 + 0.2 / 200), rel=0.1)


def test_answers_that_never_change_leave_all_doubt_between_the_items():
    spread = sample_spread([[1, 1, 1], [0, 0, 0]] * 10)
    assert (spread.within, spread.share_between) == (0, 1)


def test_answers_that_only_vary_by_chance_leave_none():
    assert sample_spread([[1, 0], [0, 1]] * 10).between == 0


def test_more_answers_narrow_the_interval_less_than_more_items():
    draw = np.random.default_rng(1)

    def width(items: int, samples: int) -> float:
        scores = draw.random((items, samples)) < draw.beta(1, 1, size=(items, 1))
        found = mean_interval(item_means(scores.astype(float).tolist()))
        return found.high - found.low

    assert width(800, 1) < width(100, 8) < width(100, 1)
