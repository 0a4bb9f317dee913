"""Several comparisons are judged together."""

import pytest

from luthier.evaluation.statistics import holm, holm_divisors


def test_holm_steps_down_and_never_reverses_the_order():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


def test_the_smallest_p_value_meets_the_strictest_step():
    assert holm_divisors([0.01, 0.04, 0.03]) == (3, 1, 2)
