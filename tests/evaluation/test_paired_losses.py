"""Intervals around validation losses cover, and pairing tells apart what the rows alone would hide."""

import math

import numpy as np
import pytest
from scipy.stats import t

from luthier.evaluation import compare_losses, mean_loss
from luthier.evaluation.paired_losses import student_quantile


def test_the_mean_is_weighted_by_tokens():
    found = mean_loss(np.array([2.0, 12.0]), np.array([1.0, 3.0]))
    assert found.mean == 3.5 and found.n == 2 and found.low < 3.5 < found.high


@pytest.mark.parametrize("confidence", [0.95, 0.99])
@pytest.mark.parametrize(("freedom", "error"), [(1, 1e-9), (2, 1e-9), (4, 0.01), (8, 1e-3), (30, 1e-5)])
def test_quantiles_are_those_of_student(confidence, freedom, error):
    assert student_quantile(confidence, freedom) == pytest.approx(t.ppf((1 + confidence) / 2, freedom), rel=error)


def test_intervals_of_the_difference_cover_the_truth():
    """Rows of uneven length and skewed losses; 95 % asked, a little less is what 30 such rows give."""
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        weights = draw.integers(1, 12, 30).astype(float)
        second = draw.gamma(2.0, 0.5, 30) * weights
        first = second + (0.1 + draw.normal(0, 0.3, 30)) * weights
        found = compare_losses(first, second, weights)
        covered += found.low <= 0.1 <= found.high
    assert covered / 400 >= 0.92


def test_a_constant_difference_is_seen_through_rows_that_differ_much():
    draw = np.random.default_rng(1)
    weights = np.ones(40)
    second = draw.gamma(1.0, 2.0, 40)
    found = compare_losses(second + 0.05 + draw.normal(0, 0.01, 40), second, weights)
    assert found.is_distinguishable and found.p < 0.01
    assert mean_loss(second, weights).high - mean_loss(second, weights).low > 10 * (found.high - found.low)


def test_equal_losses_cannot_be_told_apart():
    same = np.array([1.0, 2.0, 3.0])
    found = compare_losses(same, same, np.ones(3))
    assert (found.difference, found.p, found.is_distinguishable) == (0.0, 1.0, False)


def test_one_row_proves_nothing():
    found = compare_losses(np.array([5.0]), np.array([1.0]), np.array([2.0]))
    assert math.isinf(found.high) and not found.is_distinguishable


def test_different_rows_are_not_compared():
    with pytest.raises(ValueError, match="same rows"):
        compare_losses(np.ones(3), np.ones(2), np.ones(3))
